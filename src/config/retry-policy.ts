// SPDX-License-Identifier: Apache-2.0
/** What may a user decide for a message whose handler failed? */
import type { MessageExt } from '../model/message.ts';

/**
 * 1 to 18: delivered again after the delay of that level (messageDelayLevel of the broker, default 1 s to 2 h). `deadLetter`:
 * straight to `%DLQ%group`. `drop`: done, as if it had been handled; `message.dropped` tells of it. undefined or 0: the
 * broker decides, level 3 (10 s) after the first failure, one more after each further one.
 */
export type RetryDecision = number | 'deadLetter' | 'drop' | undefined;

/**
 * Asked for each message whose concurrent handler failed, unless the handler set `context.delayLevelWhenNextConsume`.
 * What it throws, or any other answer, is a `fault`, and the broker decides.
 * @param error what the handler threw; undefined when it answered RECONSUME_LATER; a ConsumerError RMQ_CONSUME_TIMEOUT when it was stuck
 * @param attempt how often the message was delivered so far: 1 after its first failure
 * @example retryPolicy: (error, attempt) => (error instanceof ValidationError ? 'deadLetter' : Math.min(2 + attempt, 10))
 */
export type RetryPolicy = (error: unknown, attempt: number, message: MessageExt) => RetryDecision;
