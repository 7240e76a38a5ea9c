// SPDX-License-Identifier: Apache-2.0
/** What goes into the offsets machine, and what does it tell its parent? */
import type { RocketmqError } from '../../errors/errors.ts';
import type { Clock } from '../../model/clock.ts';
import type { OffsetStore, QueuePosition, UncommittedPosition } from '../../stores/offset-store.ts';
import type { Receiver } from '../shared/refs.ts';
import type { FaultEvent } from '../shared/safe.ts';

/** What the machine needs of the store. Its own gate withholds commits; this machine only knows when to ask. */
export type PersistPort = Pick<OffsetStore, 'persistAll' | 'uncommitted'>;

export interface OffsetsInput {
  readonly port: PersistPort;
  /** Between two periodic persists: `persistConsumerOffsetInterval`. Unit: ms. */
  readonly interval: number;
  /** How often a failed persist is repeated before it is reported: `offsetStoreRetryTimes`. */
  readonly retryTimes: number;
  readonly clock: Clock;
  /** A number from 0 to 1, 1 excluded; for the jitter of retries. */
  readonly random: () => number;
  readonly parent: Receiver<OffsetsReport>;
}

export interface OffsetsContext extends OffsetsInput {
  /** Failures of this persist so far. */
  readonly attempt: number;
  /** Until when the flush under way must be answered. Monotonic ms. */
  readonly flushUntil: number;
}

/** Commit every queue's point by answered calls and tell the outcome as `offsets.flushed` within `timeout` (ms). */
export interface FlushRequest {
  readonly type: 'offsets.flush';
  readonly timeout: number;
}

export type OffsetsEvent =
  | FlushRequest
  /** Time passed without us: no periodic persist until `offsets.release`. */
  | { readonly type: 'offsets.hold' }
  | { readonly type: 'offsets.release' }
  | FaultEvent;

export type OffsetsReport =
  /** A periodic persist wrote these. */
  | { readonly type: 'offsets.persisted'; readonly committed: readonly QueuePosition[] }
  /** A periodic persist failed, also when repeated; the next period tries again. */
  | {
      readonly type: 'offsets.failed';
      readonly error: RocketmqError;
      readonly uncommitted: readonly UncommittedPosition[];
    }
  /** The answer to every `offsets.flush` so far. */
  | {
      readonly type: 'offsets.flushed';
      readonly committed: readonly QueuePosition[];
      readonly uncommitted: readonly UncommittedPosition[];
    }
  | FaultEvent;
