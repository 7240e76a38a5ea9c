// SPDX-License-Identifier: Apache-2.0
/** What did the listener mean by its answer? design.md section 1, table of results. */
import { ConsumerError, toError } from '../errors/errors.ts';
import { ConsumeResult, OrderlyResult } from '../model/consume-result.ts';
import type { MessageExt } from '../model/message.ts';
import type { ConsumeContext, OrderlyContext } from './listener.ts';

export type Verdict = 'done' | 'later' | 'notAResult';

export function verdictOf(answer: unknown): Verdict {
  if (answer === undefined || answer === ConsumeResult.SUCCESS) return 'done';
  return answer === ConsumeResult.RECONSUME_LATER ? 'later' : 'notAResult';
}

/**
 * `commit`: done, with what was kept before. `keep`: handled, not yet done. `rollback`: repeat what was kept, and these.
 * `later`: repeat these.
 */
export type OrderlyVerdict = 'commit' | 'keep' | 'rollback' | 'later' | 'notAResult';

/** ROLLBACK with autoCommit is no result: Java takes it for SUCCESS, and what it was meant to repeat would be lost. */
export function orderlyVerdictOf(answer: unknown, { autoCommit }: OrderlyContext): OrderlyVerdict {
  const keeps = autoCommit === false; // whatever else a listener wrote there
  switch (answer) {
    case undefined:
    case ConsumeResult.SUCCESS:
    case OrderlyResult.SUCCESS:
      return keeps ? 'keep' : 'commit';
    case OrderlyResult.COMMIT:
      return 'commit';
    case OrderlyResult.ROLLBACK:
      return keeps ? 'rollback' : 'notAResult';
    case OrderlyResult.SUSPEND_CURRENT_QUEUE_A_MOMENT:
      return 'later';
    default:
      return 'notAResult';
  }
}

export function isThenable(answer: unknown): answer is PromiseLike<unknown> {
  if ((typeof answer !== 'object' && typeof answer !== 'function') || answer === null) return false;
  return 'then' in answer && typeof answer.then === 'function';
}

const nativeThen: unknown = Reflect.get(Promise.prototype, 'then');

/**
 * A promise of another library, or with a `then` of its own, may answer twice, or throw when asked; a native one around it
 * does neither, so a reused call hears only of its own end.
 */
export function toPromise(answer: PromiseLike<unknown>): Promise<unknown> {
  if (answer instanceof Promise && answer.then === nativeThen) return answer;
  return new Promise(resolve => resolve(answer)); // Promise.resolve would give back a native one as it is
}

/** How many messages an ackIndex calls done. A listener may write anything there; what is no number is none. */
export function countUpTo(lastDone: unknown, size: number): number {
  return typeof lastDone === 'number' && lastDone >= 0 ? Math.min(size, Math.floor(lastDone) + 1) : 0;
}

/** As above: what is no level leaves the choice to the broker. */
export function levelOf({ delayLevelWhenNextConsume: level }: ConsumeContext): number {
  return Number.isInteger(level) ? level : 0;
}

/** The listener threw or rejected. `key`: of the queue. */
export function listenerFailed(thrown: unknown, first: MessageExt, key: string): ConsumerError {
  const { topic, queueOffset, msgId } = first;
  return new ConsumerError(
    'RMQ_LISTENER_FAILED',
    `the listener of ${topic} threw on message ${msgId} at ${key}:${queueOffset}: ${toError(thrown).message}`,
    { cause: thrown, context: { topic, queue: key, queueOffset, msgId } },
  );
}

/** The listener runs longer than consumeTimeout. `key`: of the queue. Unit: ms. */
export function listenerStuck(first: MessageExt, key: string, runningMs: number): ConsumerError {
  const { topic, queueOffset, msgId } = first;
  return new ConsumerError(
    'RMQ_CONSUME_TIMEOUT',
    `the listener of ${topic} has not ended after ${runningMs} ms on message ${msgId} at ${key}:${queueOffset}`,
    { context: { topic, queue: key, queueOffset, msgId, runningMs } },
  );
}

/** The listener answered something that is no result. `why`: what is wrong with it. */
export function wrongResult(
  answer: unknown,
  topic: string,
  key: string,
  why = 'which is no consume result',
): ConsumerError {
  const shown = answer === null ? 'null' : typeof answer === 'string' ? `'${answer}'` : `a ${typeof answer}`;
  return new ConsumerError('RMQ_LISTENER_RESULT', `the listener of ${topic} answered ${shown}, ${why}`, {
    context: { queue: key },
  });
}
