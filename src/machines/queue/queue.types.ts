// SPDX-License-Identifier: Apache-2.0
/** What does the actor of one owned queue take, know and tell? */
import type { RocketmqError } from '../../errors/errors.ts';
import type { ThrottleCause } from '../../flow/flow-gate.ts';
import type { OwnedQueue } from '../../flow/owned-queue.ts';
import type { HandlerSlots } from '../../listeners/handler-slots.ts';
import type { MessageExt } from '../../model/message.ts';
import type { MessageQueue } from '../../model/message-queue.ts';
import type { QueueOffset } from '../../model/queue-offset.ts';
import type { RevokeReason } from '../../model/revoke-reason.ts';
import type { ConsumeInput, ConsumePort, ConsumeReport } from '../consume/consume.types.ts';
import type { PullPort, PullReport, PullSettings, Seek } from '../pull/pull.types.ts';
import type { Receiver } from '../shared/refs.ts';
import type { FaultEvent } from '../shared/safe.ts';

export interface QueueSettings extends PullSettings {
  /** How long running listeners get when the queue is revoked. Unit: ms. */
  readonly revokeTimeout: number;
  /** Bound of the last commit, and of giving the lock back. Unit: ms. */
  readonly commitTimeout: number;
}

/** The lock of one owned queue, from its revoke on. */
export interface HeldLock {
  /** The broker may have it down as ours: it was asked for, and nobody else was found to have it. */
  readonly mayBeOurs: boolean;
  /** Calls once when somebody else was found to have it. */
  whenLost(onLost: () => void): void;
  /** Gives it back by an answered call (42): the next owner may begin. */
  release(options: { readonly timeoutMs: number; readonly signal: AbortSignal }): Promise<void>;
  /**
   * It is ours until the consumer ends, so that what is done can be committed, and expires then: {@link release} does
   * nothing any more. For an orderly listener that still runs at shutdown.
   */
  keepBack(): void;
  /**
   * It is not given back but expires: what we committed was not confirmed, or a listener still runs.
   * @param mayRun a listener of an orderly queue may still run, and nobody else may have the queue
   */
  forget(options: { readonly mayRun: boolean }): void;
}

/** Everything one owned queue works with, made by the consumer's wiring. */
export interface QueueWork {
  readonly owned: OwnedQueue<MessageExt>;
  readonly pull: PullPort;
  readonly consume: ConsumePort;
  readonly slots: HandlerSlots;
  readonly delivery: Pick<
    ConsumeInput,
    'order' | 'batchSize' | 'batchMaxWaitMs' | 'consumeTimeoutMs' | 'suspendMs' | 'maxReconsumeTimes'
  >;
  readonly settings: QueueSettings;
  /** Undefined: no lock was asked for. */
  readonly lock: HeldLock | undefined;
  /** The user's onQueuesRevoked, if any; called when no listener of the queue runs any more. */
  readonly onRevoked:
    | ((options: { readonly reason: RevokeReason; readonly signal: AbortSignal }) => Promise<void>)
    | undefined;
  /** From the revoke on the next owner may commit: nothing is handed over but by {@link commitFinal}. */
  withholdCommits(): void;
  /**
   * Commits what is done by an answered call, unless the next owner is ahead already; rejects when the broker did not
   * confirm it.
   */
  commitFinal(options: { readonly timeoutMs: number; readonly signal: AbortSignal }): Promise<void>;
  /** A commit is on its way whose outcome is not known: it must not land behind the next owner's. */
  isCommitting(): boolean;
  /** Forgets the queue: no late result can commit through it. Its lock is not given back by this. */
  release(): void;
}

export interface QueueInput {
  readonly work: QueueWork;
  readonly suspended: boolean;
  readonly parent: Receiver<QueueReport>;
}

export interface QueueContext extends QueueInput {
  readonly reason: RevokeReason;
  /** What running listeners get from the last revoke on. Unit: ms. */
  readonly grace: number;
  /** When the grace is over, by the revoke that leaves the least. Monotonic ms; infinity before the first. */
  readonly graceEnds: number;
  readonly abandoned: number;
  readonly commitError: RocketmqError | undefined;
}

export type QueueEvent =
  | { readonly type: 'queue.revoke'; readonly reason: RevokeReason; readonly grace: number }
  | { readonly type: 'queue.suspend' }
  | { readonly type: 'queue.resume' }
  | { readonly type: 'queue.verify' }
  /** Ask its broker anew: an offset may have been reset. */
  | { readonly type: 'queue.renew' }
  | ({ readonly type: 'queue.seek' } & Seek)
  /** Somebody else has its lock. */
  | { readonly type: 'lock.lost' }
  | PullReport
  | ConsumeReport
  | FaultEvent;

/** To the shard, and by it to the consumer. */
export type QueueReport =
  | { readonly type: 'queue.placed'; readonly queue: MessageQueue; readonly offset: QueueOffset }
  | { readonly type: 'queue.verified'; readonly queue: MessageQueue }
  | {
      readonly type: 'queue.corrected';
      readonly queue: MessageQueue;
      readonly from: QueueOffset | undefined;
      readonly to: QueueOffset;
      readonly reason: string;
    }
  | { readonly type: 'queue.throttled'; readonly queue: MessageQueue; readonly cause: ThrottleCause }
  | { readonly type: 'queue.unthrottled'; readonly queue: MessageQueue }
  /** A listener call takes longer than consumeTimeout; told for each of its messages. */
  | {
      readonly type: 'queue.stuck';
      readonly queue: MessageQueue;
      readonly msgId: string;
      readonly runningMs: number;
    }
  /** A message that could not be read was passed over. */
  | { readonly type: 'queue.skipped'; readonly queue: MessageQueue; readonly queueOffset: QueueOffset }
  | { readonly type: 'queue.troubled'; readonly queue: MessageQueue; readonly error: RocketmqError }
  | {
      readonly type: 'queue.ended';
      readonly queue: MessageQueue;
      readonly reason: RevokeReason;
      readonly abandoned: number;
      readonly commitError: RocketmqError | undefined;
      /** Assigned again meanwhile: its shard starts it anew at once. */
      readonly returns: boolean;
    }
  | FaultEvent;
