// SPDX-License-Identifier: Apache-2.0
/** What does the pull actor of one queue take, know, need and tell? */
import type { RocketmqError } from '../../errors/errors.ts';
import type { ThrottleCause } from '../../flow/flow-gate.ts';
import type { OwnedQueue } from '../../flow/owned-queue.ts';
import type { MessageExt } from '../../model/message.ts';
import type { QueueOffset } from '../../model/queue-offset.ts';
import type { Correction, PullAnswer } from '../../transport/pull-calls.ts';
import type { Receiver } from '../shared/refs.ts';
import type { FaultEvent } from '../shared/safe.ts';

/** Where a queue starts, and whether the broker already has that offset. */
export interface StartPlace {
  readonly offset: QueueOffset;
  readonly stored: boolean;
}

/** The lock of a queue, as far as its start goes. */
export interface StartPermit {
  /** `fence`: other concurrent members let go first. `lock`: an orderly queue, never pulled without it. */
  readonly kind: 'fence' | 'lock';
  /** Calls once when the queue may be started, at once if that is known. A request takes the place of the one before. */
  request(onPermitted: () => void): void;
}

/** Needed from outside; satisfied by the transport and the offset store. */
export interface PullPort {
  /** Undefined: no lock is taken, the former owner is given `handoverPause`. */
  readonly permit: StartPermit | undefined;
  /** Finds the first offset (design.md G5) and commits it, answered, when it was not the committed one. */
  resolveStart(signal: AbortSignal): Promise<StartPlace>;
  /** Writes one pull; the outcome comes exactly once, never inside this call. `commit` sets the commit flag. */
  pull(offset: QueueOffset, commit: QueueOffset | undefined, onOutcome: (outcome: PullAnswer) => void): void;
  /** A pull that still waits for a connection is not written any more, nor answered: the queue may be somebody else's by then. */
  withdraw(): void;
  /** The committed offset as the broker has it now; with a lock, once it is confirmed that it is still ours. */
  readCommitted(signal: AbortSignal): Promise<QueueOffset | undefined>;
  /** Commits `offset` by an answered call: the broker demanded it. */
  correct(offset: QueueOffset, signal: AbortSignal): Promise<void>;
  /** The offset to hand over with a pull that is written now, if any. */
  takeCommit(): QueueOffset | undefined;
  settleCommit(offset: QueueOffset, accepted: boolean): void;
  /** While the broker has not said where the queue stands, nothing of it is committed. */
  withholdCommits(withheld: boolean): void;
}

export interface PullSettings {
  /** Without a lock: pause after assignment while other members may still hold the queue; 0 when we are alone. Unit: ms. */
  readonly handoverPause: number;
  /** Pause between two pulls. Unit: ms. */
  readonly pullInterval: number;
  /** How often a throttled queue looks again by itself. Unit: ms. */
  readonly flowControlInterval: number;
  /** How often an unreadable message is asked for again before the queue halts. */
  readonly maxRereads: number;
  /** When a question about an offset is given up although the port's own time limit did not end it: well above that. Unit: ms. Default 30000. */
  readonly answerLimit?: number;
  readonly random: () => number;
  /** Monotonic. Unit: ms. */
  readonly now: () => number;
}

export interface PullInput {
  readonly owned: OwnedQueue<MessageExt>;
  readonly port: PullPort;
  readonly settings: PullSettings;
  /** Begin without pulling: the consumer is suspended. */
  readonly suspended: boolean;
  readonly parent: Receiver<PullReport>;
}

/** What a found batch weighs, before it is looked at. */
export interface FoundBatch {
  readonly count: number;
  /** Stored size. Unit: bytes. */
  readonly bytes: number;
  readonly nextOffset: QueueOffset;
}

/** The pull on the wire, if any; see puller.ts. */
export interface PullRequester {
  /** From now on, as long as `goesOn` says so of what comes, batch after batch is pulled and taken in without an event. */
  pullOn(goesOn: (batch: FoundBatch) => boolean): void;
  /** Every further answer is told as an event. */
  pullNoFurther(): void;
  /** Writes the next pull, unless one is on the wire already. Default: from where the queue stands. */
  requestNextBatch(offset?: QueueOffset): void;
  /** The messages of the last answer, handed out once; none when it brought none. */
  takeArrived(): readonly MessageExt[];
  /** The answer to the pull on the wire is no longer wanted, nor what came last and was not taken. */
  abandon(): void;
}

export interface PullContext extends PullInput {
  readonly puller: PullRequester;
  readonly failures: number;
  /** When the present outage began. Monotonic ms. */
  readonly failingSince: number;
  readonly rereads: number;
  readonly lastError: RocketmqError | undefined;
  readonly throttleCause: ThrottleCause | undefined;
}

export type PullEvent =
  | {
      readonly type: 'batch.found';
      /** The messages themselves stay with the puller: an event may outlive its handling. */
      readonly count: number;
      readonly nextOffset: QueueOffset;
    }
  | {
      readonly type: 'batch.damaged';
      /** Good messages before the damage. */
      readonly count: number;
      readonly nextOffset: QueueOffset;
      readonly error: RocketmqError;
    }
  | { readonly type: 'batch.none'; readonly nextOffset: QueueOffset; readonly mayRepeat: boolean }
  | ({ readonly type: 'offset.moved' } & Correction)
  | { readonly type: 'pull.failed'; readonly error: RocketmqError }
  /** The lock is ours, or need not be waited for. */
  | { readonly type: 'start.permitted' }
  | { readonly type: 'flow.opened' }
  | { readonly type: 'queue.suspend' }
  | { readonly type: 'queue.resume' }
  /** Time passed without us: ask the broker where the queue stands before going on. */
  | { readonly type: 'queue.verify' }
  | { readonly type: 'queue.revoke' }
  | FaultEvent;

/** To the queue actor. */
export type PullReport =
  | { readonly type: 'pull.placed'; readonly offset: QueueOffset }
  | {
      readonly type: 'pull.corrected';
      readonly from: QueueOffset | undefined;
      readonly to: QueueOffset;
      readonly reason: string;
    }
  | { readonly type: 'pull.verified' }
  | { readonly type: 'pull.throttled'; readonly cause: ThrottleCause }
  | { readonly type: 'pull.unthrottled' }
  /** First failure of an outage, and what made the queue halt. */
  | { readonly type: 'pull.troubled'; readonly error: RocketmqError }
  | FaultEvent;
