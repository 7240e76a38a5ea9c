// SPDX-License-Identifier: Apache-2.0
/** May a queue be pulled on at once, and how long does it wait if not? Pure. design.md G9. */
import { describeValue } from '../../config/describe-value.ts';
import { ConnectionError, ConsumerError, type RocketmqError, toError } from '../../errors/errors.ts';
import type { QueueKey } from '../../model/message-queue.ts';
import type { QueueOffset } from '../../model/queue-offset.ts';
import { backoffDelay } from '../../transport/backoff.ts';
import type { Damage, DamagedBatch, FoundBatch, Judgement, PullContext, Seek } from './pull.types.ts';

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

export function damageOf({ owned }: PullContext, { nextOffset, error }: DamagedBatch): Damage {
  return { queueOffset: nextOffset, error, epoch: owned.epoch };
}

/** The queue stands in front of this message, in the same epoch still. */
export function standsAt({ owned }: PullContext, damage: Damage | undefined): boolean {
  return damage !== undefined && damage.epoch === owned.epoch && damage.queueOffset === owned.pulledTo;
}

/**
 * The first error of an outage is; a broker that does not know our subscription each time, since it needs a heartbeat; a slave
 * that is behind once, for it comes after the loss of the master.
 */
export function isNews({ lastError }: PullContext, error: RocketmqError): boolean {
  if (lastError === undefined || error.code === 'RMQ_SUBSCRIPTION_STALE') return true;
  return error.code === 'RMQ_SLAVE_BEHIND' && lastError.code !== error.code;
}

/** What the policy's answer comes to. */
export function judgement({ owned }: PullContext, damage: Damage, answer: unknown): Judgement {
  if (answer === 'halt' || answer === 'skip') return { damage, verdict: answer, fault: undefined };
  const what = `answered ${describeValue(answer)}, which is neither 'halt' nor 'skip'`;
  return { damage, verdict: 'halt', fault: policyFailed(owned.key, damage, what, undefined) };
}

/** The policy threw. */
export function misjudged({ owned }: PullContext, damage: Damage, thrown: unknown): Judgement {
  const what = `threw: ${toError(thrown).message}`;
  return { damage, verdict: 'halt', fault: policyFailed(owned.key, damage, what, thrown) };
}

function policyFailed(queue: QueueKey, { queueOffset }: Damage, what: string, cause: unknown): ConsumerError {
  const message = `onCorruptMessage ${what} (for ${queue}:${queueOffset}); the queue halts`;
  return new ConsumerError('RMQ_HOOK_FAILED', message, { cause, context: { queue, queueOffset } });
}

/** Why a seek that waited was not carried out. */
export type SeekEnd = 'replaced' | 'givenUp';

export function seekRefused(queue: QueueKey, { offset, reason }: Seek, why: SeekEnd): ConsumerError {
  const context = { queue, offset };
  const what = `${reason} of ${queue} to ${offset} was not carried out`;
  return why === 'givenUp'
    ? new ConsumerError('RMQ_QUEUE_NOT_OWNED', `${what}: the queue was given up before`, { context })
    : new ConsumerError('RMQ_COMMAND_REFUSED', `${what}: a later one took its place`, { context });
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
