// SPDX-License-Identifier: Apache-2.0
/** What must a user's own place for offsets be able to do? */
import type { MessageQueue } from '../model/message-queue.ts';

/** Whose offsets, and for how long the call is waited for. */
export interface OffsetStoreContext {
  readonly consumerGroup: string;
  readonly clientId: string;
  /** Aborted when the time limit of the call (`consumerTimeoutMillisOfRequest`) is over: nobody waits for it any more. */
  readonly signal: AbortSignal;
}

/** The next offset to be read of a queue. */
export interface StoredOffset {
  readonly queue: MessageQueue;
  /** From 0 to 2^53-1. */
  readonly offset: number;
}

/**
 * Keeps offsets elsewhere than at the brokers: in the database that the results go to, say. In clustering all members must share
 * it. What it throws, answers wrongly or does not answer becomes a `fault` RMQ_OFFSET_STORE_FAILED and is tried again;
 * messages go on being consumed, and come again after a restart when their offset was not stored. Without `read`'s answer a
 * queue waits.
 * @example
 * const offsetStore: CustomOffsetStore = {
 *   read: ({ topic, brokerName, queueId }) => db.offsetOf(topic, brokerName, queueId),
 *   write: positions => db.saveAll(positions),
 * };
 */
export interface CustomOffsetStore {
  /** Called once, before the first queue begins; what it throws ends the start. */
  load?(context: OffsetStoreContext): void | PromiseLike<void>;
  /** The stored offset, or undefined when there certainly is none. Not knowing is to be thrown. */
  read(
    queue: MessageQueue,
    context: OffsetStoreContext,
  ): number | undefined | PromiseLike<number | undefined>;
  /** Stores all of them; a lower one, too: after a seek or a reset. Has to be done when it resolves. */
  write(positions: readonly StoredOffset[], context: OffsetStoreContext): void | PromiseLike<void>;
  /** Called once at the end, and not waited for. */
  close?(): void | PromiseLike<void>;
}
