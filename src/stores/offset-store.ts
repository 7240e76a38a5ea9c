// SPDX-License-Identifier: Apache-2.0
/** What does a consumer need of a place that keeps its offsets? */
import type { RocketmqError } from '../errors/errors.ts';
import type { MessageQueue, QueueKey } from '../model/message-queue.ts';
import type { QueueOffset } from '../model/queue-offset.ts';
import type { CommitLine } from './commit-line.ts';

/** Where to read an offset from. Source: consumer.store.ReadOffsetType. */
export const ReadOffsetType = {
  /** Memory, and the store when memory has none. */
  MEMORY_FIRST_THEN_STORE: 'MEMORY_FIRST_THEN_STORE',
  /** Memory only. */
  READ_FROM_MEMORY: 'READ_FROM_MEMORY',
  /** The store only; memory is set to what it answers when memory has no point yet. */
  READ_FROM_STORE: 'READ_FROM_STORE',
} as const;
export type ReadOffsetType = (typeof ReadOffsetType)[keyof typeof ReadOffsetType];

/** How a call that leaves the process is bounded. */
export interface CallOptions {
  /** Unit: ms. Default: the store's own. */
  readonly timeoutMs?: number;
  /** Aborted: the call rejects with RMQ_ABORTED. Default: none. */
  readonly signal?: AbortSignal;
}

/** How offsets are written, and how the writing is bounded. */
export interface PersistOptions extends CallOptions {
  /**
   * false (default): the periodic form, one-way writes, nothing is waited for.
   * true: the final form, an answered call for each queue whose point the broker has not confirmed.
   */
  readonly answered?: boolean;
  /** With `answered`: ask the store first, and stay away from queues where somebody else is ahead by now. Default false. */
  readonly onlyAhead?: boolean;
}

/** An offset of a queue, as reports and events show it. */
export interface QueuePosition {
  readonly queue: MessageQueue;
  readonly offset: QueueOffset;
}

/** A queue whose point did not reach the store, and why. */
export interface UncommittedPosition extends QueuePosition {
  readonly error: RocketmqError;
}

/** What one persist did. Queues without a point, and in the periodic form those with nothing new, are in neither list. */
export interface PersistReport {
  /** Periodic form: written. Final form: the broker has it, by this call or an earlier one. */
  readonly committed: readonly QueuePosition[];
  /** To be tried again; in the final form also what was not answered when time ran out. */
  readonly uncommitted: readonly UncommittedPosition[];
}

/** How the store is doing. Counts since it was made. */
export interface OffsetStoreMetrics {
  /** Queues with an entry in memory. */
  readonly entries: number;
  readonly persistSuccesses: number;
  readonly persistFailures: number;
  /** Reads answered from memory. */
  readonly cacheHits: number;
  /** Reads that memory could not answer. */
  readonly cacheMisses: number;
  /** Mean time of an answered call to the store. Unit: ms; 0 before the first. */
  readonly averageLatencyMs: number;
  /** Mean time until a write was confirmed; one-way writes are not timed. Unit: ms; 0 before the first. */
  readonly averagePersistLatencyMs: number;
  /** Share of the writes that succeeded, 0 to 1; 1 before the first. */
  readonly persistSuccessRate: number;
  /** The same of the last 100. */
  readonly recentPersistSuccessRate: number;
  /** Share of the reads that memory answered, 0 to 1; 0 before the first. */
  readonly cacheHitRate: number;
}

/**
 * Keeps the offsets of one consumer. Source: consumer.store.OffsetStore.
 * Every value that leaves for the store goes through the queue's {@link CommitLine}.
 */
export interface OffsetStore {
  /** Reads what is kept, where the store keeps anything itself. Rejects with a RocketmqError when it cannot be read. */
  load(options?: CallOptions): Promise<void>;
  /**
   * The commit line of a queue; made when first asked for. Queue actors keep it and work on it directly.
   * @throws RocketmqError `RMQ_STORE_FULL` when a new entry would pass `maxOffsetStoreSize`
   */
  line(queue: MessageQueue): CommitLine;
  /**
   * Sets the point in memory; with `increaseOnly` (default true) a lower value changes nothing.
   * @throws RocketmqError `RMQ_STORE_FULL` as {@link line}
   */
  updateOffset(queue: MessageQueue, offset: QueueOffset, increaseOnly?: boolean): void;
  /**
   * The offset of a queue; `undefined` only when there certainly is none.
   * @throws RocketmqError when the store could not be asked: not knowing is not the same as having none
   */
  readOffset(
    queue: MessageQueue,
    type?: ReadOffsetType,
    options?: CallOptions,
  ): Promise<QueueOffset | undefined>;
  /**
   * Commits one queue's point by an answered call: start, revoke, `consumer.commit`. Waits until no flagged pull is in
   * flight or it is 1 s old. Resolves when the store certainly has the point (or there is none).
   * @throws RocketmqError when it was not answered with success; `RMQ_COMMIT_WITHHELD` while commits are withheld
   */
  persist(queue: MessageQueue, options?: CallOptions): Promise<void>;
  /** Commits the points of these queues (default all). Never rejects: what failed is in the report. */
  persistAll(queues?: readonly MessageQueue[], options?: PersistOptions): Promise<PersistReport>;
  /** Forgets a queue that is no longer ours and closes its line: a late result cannot commit through it. */
  removeOffset(queue: MessageQueue): void;
  /** A copy of the points in memory, of one topic or of all. */
  cloneOffsetTable(topic?: string): ReadonlyMap<QueueKey, QueueOffset>;
  /** Points that the store has not confirmed; empty when nothing could be lost. */
  uncommitted(): readonly QueuePosition[];
  /** How reads and writes went since it was made. */
  metrics(): OffsetStoreMetrics;
}
