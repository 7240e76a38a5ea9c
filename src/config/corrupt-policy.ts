// SPDX-License-Identifier: Apache-2.0
/** What may a user decide for a stored message that cannot be read? */
import type { RocketmqError } from '../errors/errors.ts';
import type { MessageQueue } from '../model/message-queue.ts';

/** A message that was asked for again three times, and is still not what was stored. */
export interface CorruptMessage {
  readonly queue: MessageQueue;
  /** Where it lies; the commit point stands in front of it. */
  readonly queueOffset: number;
  /** What is wrong with it: RMQ_BAD_MESSAGE, with queue and offset in its context. */
  readonly error: RocketmqError;
}

/**
 * Asked once for each such message. `halt`: its queue stands still in front of it, until `queue.seek` leaves it. `skip`: it
 * is passed over, and the offset with it. What it throws, or any other answer, is a `fault`, and the queue halts.
 * An async one needs `as const`, because TypeScript takes the word it returns for any string.
 * @example onCorruptMessage: async ({ queue, queueOffset }) => { await note(queue, queueOffset); return 'skip' as const; }
 */
export type CorruptPolicy = (message: CorruptMessage) => 'halt' | 'skip' | PromiseLike<'halt' | 'skip'>;
