// SPDX-License-Identifier: Apache-2.0
/** What does the pull actor of one queue take, know, need and tell? */
import type { RocketmqError } from '../../errors/errors.ts';
import type { ThrottleCause } from '../../flow/flow-gate.ts';
import type { Epoch, OwnedQueue } from '../../flow/owned-queue.ts';
import type { CommandTicket } from '../../model/command-ticket.ts';
import type { MessageExt } from '../../model/message.ts';
import type { QueueOffset } from '../../model/queue-offset.ts';
import type { CommitCarrier } from '../../stores/commit-line.ts';
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
  /** Whoever asked is gone: nobody is called any more. The lock stays asked for, until it is given back. */
  dismiss(): void;
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
  /** What becomes of a message that stays unreadable: `onCorruptMessage`. It may throw or reject, or answer something else. */
  judge(damage: Damage): unknown;
  /** Commits `offset` by an answered call: the broker demanded it. */
  correct(offset: QueueOffset, signal: AbortSignal): Promise<void>;
  /** The offset to hand over with a pull that is written now, if any. */
  takeCommit(): CommitCarrier | undefined;
  settleCommit(carrier: CommitCarrier, accepted: boolean): void;
  /** While the broker has not said where the queue stands, nothing of it is committed. */
  withholdCommits(withheld: boolean): void;
}

/** A message that cannot be read; the queue stands in front of it. */
export interface Damage {
  readonly queueOffset: QueueOffset;
  readonly error: RocketmqError;
  /** Of the queue when it was found: a seek or a correction ends what was thought about it. */
  readonly epoch: Epoch;
}

export type Verdict = 'halt' | 'skip';

/** Go on from another place. */
export interface Seek {
  readonly offset: QueueOffset;
  /** Told with `pull.corrected`: who wants it. */
  readonly reason: 'seek' | 'resetOffset' | 'reset';
  /**
   * Done when a new epoch has begun at `offset`; its commit is up to whoever asked. Where the queue may not be moved yet (its
   * start is not permitted, or a time gap is being looked into) that is later. Refused when a later seek takes its
   * place before, or the queue is given up.
   */
  readonly ticket?: CommandTicket | undefined;
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
  /** Of the frame it came in. Unit: bytes. */
  readonly bytes: number;
  readonly nextOffset: QueueOffset;
}

/** What an answer brought. */
export interface Arrived {
  readonly messages: readonly MessageExt[];
  /** Of the frame they came in, which they keep in memory. Unit: bytes. */
  readonly bytes: number;
}

/** The pull on the wire, if any; see puller.ts. */
export interface PullRequester {
  /** From now on, as long as `goesOn` says so of what comes, batch after batch is pulled and taken in without an event. */
  pullOn(goesOn: (batch: FoundBatch) => boolean): void;
  /** Every further answer is told as an event. */
  pullNoFurther(): void;
  /** Writes the next pull, unless one is on the wire already. Default: from where the queue stands. */
  requestNextBatch(offset?: QueueOffset): void;
  /** Asks again beside a pull that is held: what the broker tells only to a new one. */
  renew(): void;
  /** The messages of the last answer, handed out once; none when it brought none. */
  takeArrived(): Arrived;
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
  /** The last message that stayed unreadable, until it was passed over. */
  readonly damage: Damage | undefined;
  /** What becomes of it; undefined until that is known. */
  readonly verdict: Verdict | undefined;
  /** A seek that waits until the queue may be moved. */
  readonly sought: Seek | undefined;
}

/** The policy's word on a message. */
export interface Judgement {
  readonly damage: Damage;
  readonly verdict: Verdict;
  /** It threw, or answered something else than that. */
  readonly fault: RocketmqError | undefined;
}

/** What an answer with an unreadable message comes to. */
export interface DamagedBatch {
  /** Good messages before the damage. */
  readonly count: number;
  /** The unreadable one's. */
  readonly nextOffset: QueueOffset;
  readonly error: RocketmqError;
}

export type PullEvent =
  | {
      readonly type: 'batch.found';
      /** The messages themselves stay with the puller: an event may outlive its handling. */
      readonly count: number;
      readonly nextOffset: QueueOffset;
    }
  | ({ readonly type: 'batch.damaged' } & DamagedBatch)
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
  /** The broker may have something to say that it tells only to a pull that comes now: a reset. */
  | { readonly type: 'queue.renew' }
  | { readonly type: 'queue.revoke' }
  /** In every state: what is held is let go, what is on the wire abandoned. Leaves a halt. */
  | ({ readonly type: 'queue.seek' } & Seek)
  | ({ readonly type: 'damage.judged' } & Judgement)
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
  /**
   * First failure of an outage, and each message that stayed unreadable, once, when it was decided upon. Each time that
   * the broker does not know our subscription (RMQ_SUBSCRIPTION_STALE): it needs a heartbeat.
   */
  | { readonly type: 'pull.troubled'; readonly error: RocketmqError }
  /** The message there was passed over, as the policy said; the `pull.troubled` before tells why. */
  | { readonly type: 'pull.skipped'; readonly queueOffset: QueueOffset; readonly error: RocketmqError }
  | FaultEvent;
