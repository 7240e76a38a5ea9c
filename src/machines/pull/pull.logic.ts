// SPDX-License-Identifier: Apache-2.0
/** May a queue be pulled on at once, and how long does it wait if not? Pure. design.md G9. */
import { ConnectionError, type RocketmqError } from '../../errors/errors.ts';
import type { QueueOffset } from '../../model/queue-offset.ts';
import { backoffDelay } from '../../transport/backoff.ts';
import type { FoundBatch, PullContext } from './pull.types.ts';

/** What will not heal by asking again soon is asked slowly. Unit: ms. */
const slowFloor = 5_000;

export function pullBackoff(options: {
  readonly failures: number;
  readonly elapsedMs: number;
  readonly error: RocketmqError | undefined;
  readonly random: () => number;
}): number {
  const { failures, elapsedMs, error, random } = options;
  const delay = backoffDelay({ attempt: failures, elapsedMs, random });
  return error?.retry === 'never' ? Math.max(slowFloor, delay) : delay;
}

/** Nothing failed before, no pause is wanted, the offset advances, and there is room also with this batch. */
export function goesOn(context: PullContext, batch: FoundBatch): boolean {
  const { failures, rereads, settings, owned } = context;
  if (failures > 0 || rereads > 0 || settings.pullInterval > 0 || standsStill(context, batch)) return false;
  return owned.gate.cause(batch) === undefined;
}

/** The answer does not lead past where the queue is: asking again at once would be a hot loop. */
export function standsStill(
  { owned }: PullContext,
  { nextOffset }: { readonly nextOffset: QueueOffset },
): boolean {
  return owned.pulledTo === undefined || nextOffset <= owned.pulledTo;
}

/** How often the message at `nextOffset` was asked for again: one that lies further on than the last never was. */
export function rereadsOf(context: PullContext, batch: { readonly nextOffset: QueueOffset }): number {
  return standsStill(context, batch) ? context.rereads : 0;
}

/** What went wrong; no error when the broker answered and only nothing came of it. */
export interface Failure {
  readonly error: unknown;
}

/** Unit: ms. */
const defaultAnswerLimit = 30_000;

/** The net under the time limits of the port itself: no state waits for ever. Unit: ms. */
export function answerLimit({ settings }: PullContext): number {
  return settings.answerLimit ?? defaultAnswerLimit;
}

export function unanswered(context: PullContext, what: string): Failure {
  const { key } = context.owned;
  const timeoutMs = answerLimit(context);
  const message = `${what} of ${key} was not answered within ${timeoutMs} ms`;
  return {
    error: new ConnectionError('RMQ_REQUEST_TIMEOUT', message, { context: { queue: key, timeoutMs } }),
  };
}
