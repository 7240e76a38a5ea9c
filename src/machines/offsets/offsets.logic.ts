// SPDX-License-Identifier: Apache-2.0
/** Is a persist worth repeating, and what is told when it is given up? Pure. */
import { ConnectionError, type RocketmqError } from '../../errors/errors.ts';
import { queueKey } from '../../model/message-queue.ts';
import type { PersistReport, QueuePosition, UncommittedPosition } from '../../stores/offset-store.ts';
import { backoffDelay } from '../../transport/backoff.ts';
import type { OffsetsContext } from './offsets.types.ts';

/** Longest a periodic persist may take. A defence only: its writes are one-way. Unit: ms. */
export const persistLimit = 10_000;
/** The store gives up a flush by itself and its report knows more, so the machine's own limit comes after. Unit: ms. */
export const flushMargin = 100;
/** With less time left a flush is not repeated. Unit: ms. */
const shortestFlush = 50;

export function retryDelay({ attempt, random }: OffsetsContext): number {
  return backoffDelay({ attempt, elapsedMs: 0, random });
}

export function hasRetriesLeft({ attempt, retryTimes }: OffsetsContext): boolean {
  return attempt < retryTimes;
}

/** A flush is repeated for what another try may mend, while there is time for it. */
export function isFlushWorthRepeating(context: OffsetsContext, { uncommitted }: PersistReport): boolean {
  return (
    hasRetriesLeft(context) &&
    timeLeft(context) >= shortestFlush &&
    uncommitted.some(({ error }) => mayMend(error))
  );
}

/** For the flush under way. Unit: ms. */
export function timeLeft({ clock, flushUntil }: OffsetsContext): number {
  return Math.max(0, flushUntil - clock.now());
}

/** The report of a flush whose own report never came. */
export function givenUp(positions: readonly QueuePosition[]): PersistReport {
  return { committed: [], uncommitted: positions.map(notConfirmed) };
}

function mayMend(error: RocketmqError): boolean {
  return (
    error.retry !== 'never' &&
    (error.kind === 'network' || error.kind === 'broker' || error.code === 'RMQ_OFFSET_STORE_FAILED')
  );
}

function notConfirmed(position: QueuePosition): UncommittedPosition {
  const key = queueKey(position.queue);
  const message = `offset ${position.offset} of ${key} was not confirmed in time`;
  return {
    ...position,
    error: new ConnectionError('RMQ_REQUEST_TIMEOUT', message, { context: { queue: key } }),
  };
}
