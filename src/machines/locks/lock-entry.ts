// SPDX-License-Identifier: Apache-2.0
/**
 * How does one lock stand, and what does each answer make of it?
 *
 *   unasked ──want──► wanted ──granted──► held ──refused──► lost
 *                       └────unfence────► unfenced ──granted, silently──► held
 *   held ──unfence (its broker takes no locks any more)──► unfenced
 *   gone: released, forgotten or replaced; from everywhere, for good, as lost is
 */
import { ConsumerError, RocketmqError } from '../../errors/errors.ts';
import type { Clock } from '../../model/clock.ts';
import { type MessageQueue, type QueueKey, queueKey } from '../../model/message-queue.ts';
import type { LockEvent, LockKind } from './locks.types.ts';

/** How long a lock lives at the broker after it was last asked for. Source: RebalanceLockManager. Unit: ms. */
export const lockLife = 60_000;
/** How long an orderly listener may rely on its lock. Source: ProcessQueue.REBALANCE_LOCK_MAX_LIVE_TIME. Unit: ms. */
const deliveryLife = 30_000;

/** Questions of one broker are numbered in the order in which they are asked. */
export interface Ask {
  readonly number: number;
  /** Taken before asking, so that the broker counts from later than we do. Monotonic ms. */
  readonly askedAt: number;
}

type Standing =
  | { readonly kind: 'unasked' }
  | { readonly kind: 'wanted'; readonly since: number; readonly isRefused: boolean }
  | { readonly kind: 'unfenced' }
  /** By the newest ask that granted it. */
  | { readonly kind: 'held'; readonly by: Ask }
  | { readonly kind: 'lost' }
  | { readonly kind: 'gone' };

interface Confirmation {
  readonly resolve: () => void;
  readonly reject: (error: RocketmqError) => void;
}

export class LockEntry {
  readonly queue: MessageQueue;
  readonly key: QueueKey;
  readonly #kind: LockKind;
  readonly #clock: Clock;
  #standing: Standing = { kind: 'unasked' };
  #tell: (event: LockEvent) => void = () => {};
  readonly #confirmations = new Set<Confirmation>();
  /** Number of the newest ask it was part of; 0: none, or that one failed. */
  #lastAsk = 0;
  /** Asks up to this number are too old to grant anything. */
  #doubtedAfter = 0;
  #mayBeOurs = false;

  constructor(queue: MessageQueue, kind: LockKind, clock: Clock) {
    this.queue = queue;
    this.key = queueKey(queue);
    this.#kind = kind;
    this.#clock = clock;
  }

  get standing(): Standing['kind'] {
    return this.#standing.kind;
  }

  /** Not granted yet, whether it is waited for or not. */
  get isMissing(): boolean {
    return this.standing === 'wanted' || this.standing === 'unfenced';
  }

  get isInDoubt(): boolean {
    return this.#standing.kind === 'held' && this.#standing.by.number <= this.#doubtedAfter;
  }

  /** Somebody waits for an answer that no ask gave or will give: never asked, not since it came into doubt, or in vain. */
  get isUrgent(): boolean {
    return (this.isMissing || this.standing === 'held') && this.#lastAsk <= this.#doubtedAfter;
  }

  /** Since when it is waited for; undefined when it is not. Monotonic ms. */
  get waitedForSince(): number | undefined {
    return this.#standing.kind === 'wanted' ? this.#standing.since : undefined;
  }

  /** It is waited for, and the broker has said that somebody holds it. */
  get isRefused(): boolean {
    return this.#standing.kind === 'wanted' && this.#standing.isRefused;
  }

  /** The broker may have it down as ours: it was granted, or a question for it was not answered. */
  get mayBeOurs(): boolean {
    return this.#mayBeOurs;
  }

  mayCommit(): boolean {
    if (this.standing === 'unfenced') return true;
    return this.standing === 'held' && !this.isInDoubt && this.#isYoungerThan(lockLife);
  }

  mayDeliver(): boolean {
    if (this.#kind === 'fence') return this.standing !== 'lost';
    return this.standing === 'held' && !this.isInDoubt && this.#isYoungerThan(deliveryLife);
  }

  /** False: it was wanted before, or is given up already. */
  want(tell: (event: LockEvent) => void): boolean {
    if (this.standing !== 'unasked') return false;
    this.#tell = tell;
    this.#standing = { kind: 'wanted', since: this.#clock.now(), isRefused: false };
    return true;
  }

  asked({ number }: Ask): void {
    this.#lastAsk = number;
    this.#mayBeOurs = true;
  }

  /** The ask failed: the broker may have granted it all the same. */
  unanswered(): void {
    this.#lastAsk = 0;
  }

  /** What is to be told, if anything. */
  granted(ask: Ask): LockEvent | undefined {
    const before = this.#standing;
    this.#mayBeOurs = true;
    if (ask.number <= this.#doubtedAfter) return undefined; // an answer from before the doubt
    if (!this.isMissing && before.kind !== 'held') return undefined;
    this.#standing = { kind: 'held', by: ask };
    for (const { resolve } of [...this.#confirmations]) resolve();
    return before.kind === 'wanted' ? { type: 'lock.granted' } : undefined;
  }

  /** Another member has it. What is to be told, if anything. */
  refused(): LockEvent | undefined {
    const before = this.#standing;
    this.#mayBeOurs = false;
    if (before.kind === 'wanted') this.#standing = { ...before, isRefused: true };
    if (before.kind !== 'held') return undefined;
    this.#standing = { kind: 'lost' };
    this.#rejectAll(lockRefused(this.key));
    return { type: 'lock.lost' };
  }

  /** Fence: go on without. What is to be told, if anything. */
  unfence(): LockEvent | undefined {
    const before = this.#standing;
    if (before.kind !== 'wanted' && before.kind !== 'held') return undefined;
    this.#standing = { kind: 'unfenced' };
    for (const { resolve } of [...this.#confirmations]) resolve();
    return before.kind === 'wanted' ? { type: 'lock.unfenced' } : undefined;
  }

  /** Its broker refuses to talk of locks: there is nothing of ours to be given back. */
  disown(): void {
    this.#mayBeOurs = false;
  }

  /** What was or is granted by this ask or an earlier one counts for nothing. */
  doubt(after: number): void {
    this.#doubtedAfter = after;
  }

  /** Settled by the next answer that counts, see QueueLock.confirm. */
  confirmed(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return Promise.reject(givenUp(this.key, signal.reason));
    switch (this.standing) {
      case 'unfenced':
        return Promise.resolve();
      case 'lost':
        return Promise.reject(lockRefused(this.key));
      case 'unasked':
      case 'gone':
        return Promise.reject(givenUp(this.key));
      case 'wanted':
      case 'held':
        return this.#confirmation(signal);
    }
  }

  /** Nobody is told anything any more. */
  end(): void {
    if (this.standing !== 'lost') this.#standing = { kind: 'gone' };
    this.#tell = () => {};
    this.#rejectAll(givenUp(this.key));
  }

  tell(event: LockEvent): void {
    this.#tell(event);
  }

  #isYoungerThan(age: number): boolean {
    return this.#standing.kind === 'held' && this.#clock.now() - this.#standing.by.askedAt < age;
  }

  #confirmation(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const ended = (): void => {
        this.#confirmations.delete(confirmation);
        signal.removeEventListener('abort', onAbort);
      };
      const confirmation: Confirmation = {
        resolve: () => {
          ended();
          resolve();
        },
        reject: error => {
          ended();
          reject(error);
        },
      };
      const onAbort = (): void => confirmation.reject(givenUp(this.key, signal.reason));
      signal.addEventListener('abort', onAbort, { once: true });
      this.#confirmations.add(confirmation);
    });
  }

  #rejectAll(error: RocketmqError): void {
    for (const { reject } of [...this.#confirmations]) reject(error);
  }
}

function lockRefused(key: QueueKey): ConsumerError {
  return new ConsumerError('RMQ_LOCK_REFUSED', `the lock of ${key} is held by another member`, {
    context: { queue: key },
  });
}

function givenUp(key: QueueKey, cause?: unknown): RocketmqError {
  return new RocketmqError('RMQ_ABORTED', `waiting for the lock of ${key} was given up`, {
    context: { queue: key },
    ...(cause !== undefined && { cause }),
  });
}
