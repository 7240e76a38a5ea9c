// SPDX-License-Identifier: Apache-2.0
/** What is the lock of a queue, as whoever works on the queue sees it, and what do the actors that keep locks take, need and tell? */
import type { ErrorActorEvent } from 'xstate';
import type { RocketmqError } from '../../errors/errors.ts';
import type { Clock } from '../../model/clock.ts';
import type { MessageQueue } from '../../model/message-queue.ts';
import type { OnGranted } from '../../transport/lock-calls.ts';
import type { Hidden } from '../shared/hidden.ts';
import type { Receiver } from '../shared/refs.ts';
import type { FaultEvent } from '../shared/safe.ts';

/**
 * What the locks of a consumer are for.
 * `fence`: concurrent consumption; the next owner of a queue waits for the last commit of the former one (design.md G3).
 * `orderly`: nothing of a queue is delivered without its lock (design.md G4, protocol.md section 7.4).
 */
export type LockKind = 'fence' | 'orderly';

/** What becomes of a lock that is wanted. */
export type LockEvent =
  /** It is ours: read the committed offset, then pull. */
  | { readonly type: 'lock.granted' }
  /** Fence only: go on without it, because its broker names nobody but us, `handoverTimeout` is over, or the broker takes no locks. */
  | { readonly type: 'lock.unfenced' }
  /** It was ours and was refused at a renewal: stop, commit nothing. Final for this {@link QueueLock}. */
  | { readonly type: 'lock.lost' };

export interface ReleaseOptions {
  /** Until the broker has answered. Unit: ms. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
}

/** The lock of one assignment of one queue; made anew for each assignment. */
export interface QueueLock {
  /**
   * Asks for the lock until it is granted, and keeps it from then on. Call it once.
   * @param tell hears at most one of granted and unfenced, then at most one lost; never inside this call
   */
  want(tell: (event: LockEvent) => void): void;
  /**
   * May offsets be handed over? Held and confirmed within the last 60 s; a fence also when it is unfenced.
   * Never after lost, nor from the moment its broker was lost or {@link confirm} was called until a later 41 was granted.
   */
  mayCommit(): boolean;
  /** May a delivery start? Orderly: granted or renewed less than 30 s ago, and not in doubt. Fence: unless lost. */
  mayDeliver(): boolean;
  /**
   * Time passed without us: the lock is in doubt until a 41 that is asked from now on was granted. An unfenced one resolves.
   * @throws ConsumerError `RMQ_LOCK_REFUSED` when it was refused (`lock.lost` is told too); RocketmqError `RMQ_ABORTED`
   *   through the signal, or when the lock is given up meanwhile
   */
  confirm(signal: AbortSignal): Promise<void>;
  /**
   * The last commit was answered: gives the lock back (42) and waits for the answer. Many releases of one turn share one
   * 42 for each broker. The lock is forgotten here in any case.
   * @throws RocketmqError when the broker has not answered: what the port threw, RMQ_REQUEST_TIMEOUT, or RMQ_ABORTED
   */
  release(options: ReleaseOptions): Promise<void>;
  /**
   * Keeps it no longer and sends no 42: it expires at the broker within 60 s. For when the last commit was not answered. One
   * that was in doubt and is being asked for anew is given back when that question is answered: at a broker that was away it
   * would be a new lock, for nobody.
   * @param mayRun a listener may still run, and nobody else may have the queue: it is left to expire in any case
   */
  forget(options: { readonly mayRun: boolean }): void;
}

/** Needed from outside. */
export interface LocksPort {
  /**
   * Asks the broker's master for these locks (41), within {@link lockCallLimit}. Without a connection it fails at once, for
   * the queues may be given up before there is one; `broker.back` says when it is worth asking.
   * @returns those that are ours now
   * @throws RocketmqError; a BrokerError carries the answer's code
   */
  lock(
    brokerName: string,
    queues: readonly MessageQueue[],
    options: {
      readonly signal: AbortSignal;
      /** May be called with the same answer before the promise is settled, while the answer is being read. */
      readonly onGranted: OnGranted;
    },
  ): Promise<readonly MessageQueue[]>;
  /** Gives locks back in the name of a client (42): ourselves, or a member that is gone. */
  unlock(
    brokerName: string,
    queues: readonly MessageQueue[],
    options: ReleaseOptions & { readonly clientId: string },
  ): Promise<void>;
  /** Members of the group as this very broker lists them (38). */
  memberIds(brokerName: string, signal: AbortSignal): Promise<readonly string[]>;
  /** All queues of that broker of the topics consumed now. */
  queuesOf(brokerName: string): readonly MessageQueue[];
}

/** Time limit of a 41, a 38, and of a 42 for a member that is gone, as in Java. Unit: ms. */
export const lockCallLimit = 1000;

/** One question (41) for some queues; answers those that are ours now, and may tell `onGranted` the same while it reads. */
export type AskForLocks = (
  queues: readonly MessageQueue[],
  onGranted: OnGranted,
) => Promise<readonly MessageQueue[]>;

/** A page of the lock book: what is known, and what an answer means. When to ask is for the chart to say. */
export interface LocksOfBroker {
  /** Nothing is wanted or held. */
  readonly isEmpty: boolean;
  /** Something is not granted yet, whether it is waited for or not. */
  readonly isAnyMissing: boolean;
  /** Something is waited for, of which the broker has said that somebody holds it. */
  readonly isAnyRefused: boolean;
  /** Somebody waits for an answer that no ask under way will give. */
  readonly isAnyUrgent: boolean;
  /** Since when the longest waiting owner waits; undefined when nobody does. Monotonic ms. */
  readonly waitingSince: number | undefined;
  /**
   * One question for all that is wanted and held, or held only. Its answer is applied before this resolves; nothing is
   * asked when there is nothing to ask for.
   * @throws what `call` throws; ConnectionError `RMQ_REQUEST_TIMEOUT`; RocketmqError `RMQ_ABORTED`
   */
  ask(which: 'all' | 'held', call: AskForLocks, signal?: AbortSignal): Promise<void>;
  /** The connection is gone: what is held counts for nothing until it is granted again. */
  doubt(): void;
  /** Fence: owners who wait since this time or longer go on without. Answers their queues. */
  unfenceSince(time: number): readonly MessageQueue[];
  /** Fence: whoever holds what was refused is gone, for nobody but us is in the group; its waiters go on without. */
  unfenceRefused(): void;
  /** Fence: the broker takes no locks; all go on without. */
  unfenceAll(): void;
}

/** What a page tells its keeper. */
export type BrokerNote =
  /** Something is wanted, in doubt, or given up. */
  | { readonly type: 'locks.changed' }
  /** The broker refuses to talk of locks at all; it was asked during its greeting. */
  | { readonly type: 'locks.refused'; readonly error: RocketmqError };

/** The lock book, as the machines use it. */
export interface LocksOfBrokers {
  /** From now on it is told when there is something to look at, at the end of the turn. The answer ends that. */
  attach(tell: (note: BookNote) => void): () => void;
  /** Brokers of which something is wanted or held. */
  brokerNames(): readonly string[];
  page(brokerName: string): LocksOfBroker;
}

/** What the lock book tells. */
export type BookNote = (BrokerNote & { readonly brokerName: string }) | FaultEvent;

export interface LocksInput {
  readonly book: LocksOfBrokers;
  readonly port: LocksPort;
  readonly kind: LockKind;
  readonly clientId: string;
  /** How long a fence is waited for. Unit: ms. */
  readonly handoverTimeout: number;
  readonly clock: Clock;
  /** A number from 0 to 1, 1 excluded: jitter of the back-off. Default: Math.random. */
  readonly random?: () => number;
  readonly parent: Receiver<LocksReport>;
}

/** What the keeper of the locks is told by the consumer. */
export type LocksCommand =
  /** A round of rebalancing was decided: members may be gone. */
  | { readonly type: 'members.looked' }
  /** The connection to its master is gone: what is held there is in doubt. */
  | { readonly type: 'broker.lost'; readonly brokerName: string }
  /** It is connected and greeted again, reclaiming included. */
  | { readonly type: 'broker.back'; readonly brokerName: string };

/** What the keeper of the locks tells: RMQ_HANDOVER_UNFENCED, and what a broker refuses. */
export type LocksReport = FaultEvent;

export interface LocksContext extends LocksInput {
  readonly random: () => number;
  /** One actor for each broker of which something was wanted. */
  readonly keepers: Hidden<ReadonlyMap<string, Receiver<BrokerLocksEvent>>>;
}

export type LocksEvent =
  | LocksCommand
  | BookNote
  /** The actor of a broker died of an error: XState's own event. */
  | ErrorActorEvent;

// --- of one broker ---

export interface BrokerLocksInput {
  readonly brokerName: string;
  readonly page: LocksOfBroker;
  readonly port: LocksPort;
  readonly kind: LockKind;
  readonly clientId: string;
  /** How long a fence is waited for. Unit: ms. */
  readonly handoverTimeout: number;
  readonly clock: Clock;
  /** A number from 0 to 1, 1 excluded: jitter of the back-off. */
  readonly random: () => number;
  readonly parent: Receiver<LocksReport>;
}

/** What is known of the group's members at this broker. */
export interface MemberView {
  /** Client ids that were seen here and whose locks were not freed since. */
  readonly known: ReadonlySet<string>;
  /** Does the newest list name nobody but us? One that was read right after our own reconnect may be incomplete. */
  readonly alone: 'yes' | 'perhaps' | 'no';
  /** Missing in a list that was read right after our own reconnect: gone if they are missing in the next one too. */
  readonly suspects: ReadonlySet<string>;
  /** Gone, their locks still to be given back. */
  readonly gone: ReadonlySet<string>;
}

export interface BrokerLocksContext extends BrokerLocksInput {
  /** Answers since the waiting began, that did not grant all: they set the pause before the next ask. */
  readonly step: number;
  /** Asks that failed since the last answer. */
  readonly failures: number;
  /** First of them. Monotonic ms. */
  readonly failingSince: number;
  /** What the broker answers instead of locks, told once. */
  readonly refusal: RocketmqError | undefined;
  readonly members: MemberView;
  /** Our newest reconnect to this broker. Monotonic ms. */
  readonly backAt: number;
}

export type BrokerLocksEvent =
  | BrokerNote
  | { readonly type: 'members.looked' }
  | { readonly type: 'broker.lost' }
  | { readonly type: 'broker.back' }
  /** To itself: the locks of a dead member are free now. */
  | { readonly type: 'locks.freed' }
  | FaultEvent;
