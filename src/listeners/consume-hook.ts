// SPDX-License-Identifier: Apache-2.0
/** What may a user see of every listener call, before and after it? */
import type { MessageQueue } from '../model/message-queue.ts';
import type { DeliveryContext, MessageBatch } from './listener.ts';

/** A listener call that begins; the same object before and after. */
export interface ConsumeCall {
  readonly consumerGroup: string;
  readonly queue: MessageQueue;
  readonly messages: MessageBatch;
  /** Its `attributes` are the listener's too: what a hook puts there before, listener and later hooks find. */
  readonly context: DeliveryContext;
}

/**
 * How a call ended, in Java's words (ConsumeReturnType). `TIME_OUT`: it took longer than consumeTimeout, whatever it answered.
 * `EXCEPTION`: it threw. `RETURNNULL`: its answer is no result. `FAILED`: its messages come again.
 */
export type ConsumeOutcome = 'SUCCESS' | 'TIME_OUT' | 'EXCEPTION' | 'RETURNNULL' | 'FAILED';

/** What became of a call. */
export interface ConsumeEnd {
  readonly outcome: ConsumeOutcome;
  /** The messages are done; of a concurrent call those up to `ackIndex`. */
  readonly success: boolean;
  /** What it threw. */
  readonly error: unknown;
  /** Unit: ms. */
  readonly durationMs: number;
}

/**
 * Sees every listener call, concurrent and orderly; not those a broker asks for itself (`allowDirectConsume`). Called at once and
 * never awaited. What it throws, or rejects with, is a `fault` RMQ_HOOK_FAILED, at most one a minute for each hook, and
 * changes nothing for the messages. Source: client.hook.ConsumeMessageHook.
 * @example
 * consumeHooks: [{ name: 'timing', after: ({ queue }, { outcome, durationMs }) => histogram.record(durationMs, { topic: queue.topic, outcome }) }]
 */
export interface ConsumeHook {
  /** In what is told of its failures. Default: its place in the list. */
  readonly name?: string | undefined;
  /** The messages go to the listener next. */
  readonly before?: ((call: ConsumeCall) => unknown) | undefined;
  /** The listener has ended; not called when it never does. */
  readonly after?: ((call: ConsumeCall, end: ConsumeEnd) => unknown) | undefined;
}
