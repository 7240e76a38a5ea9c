// SPDX-License-Identifier: Apache-2.0
/** Which client holds which queue for its group? A lock lives 60 s since it was last asked for. Source: RebalanceLockManager, protocol.md section 7.4. */
import type { Clock } from '../../../model/clock.ts';
import { type MessageQueue, queueKey } from '../../../model/message-queue.ts';

/** Unit: ms. */
const lockLife = 60_000;

interface Lock {
  readonly clientId: string;
  readonly lastAsked: number;
}

export class LockTable {
  readonly #clock: Clock;
  readonly #groups = new Map<string, Map<string, Lock>>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Takes or renews what nobody else holds, and says which that is. */
  lock(group: string, clientId: string, queues: readonly MessageQueue[]): readonly MessageQueue[] {
    const granted = queues.filter(queue => (this.holder(group, queue) ?? clientId) === clientId);
    const locks = this.#groups.get(group) ?? new Map<string, Lock>();
    this.#groups.set(group, locks);
    for (const queue of granted) locks.set(queueKey(queue), { clientId, lastAsked: this.#clock.now() });
    return granted;
  }

  /** Gives back what this client holds; only its id is looked at. */
  unlock(group: string, clientId: string, queues: readonly MessageQueue[]): void {
    const locks = this.#groups.get(group);
    for (const queue of queues) {
      if (locks?.get(queueKey(queue))?.clientId === clientId) locks.delete(queueKey(queue));
    }
  }

  /** Client id of who holds the queue, undefined when nobody does. */
  holder(group: string, queue: MessageQueue): string | undefined {
    const lock = this.#groups.get(group)?.get(queueKey(queue));
    return lock !== undefined && this.#isAlive(lock) ? lock.clientId : undefined;
  }

  /** Whether any queue is locked under this group's name. */
  isAnyHeld(group: string): boolean {
    return [...(this.#groups.get(group)?.values() ?? [])].some(lock => this.#isAlive(lock));
  }

  /** The broker was killed: locks are in memory only. */
  clear(): void {
    this.#groups.clear();
  }

  #isAlive(lock: Lock): boolean {
    return this.#clock.now() - lock.lastAsked <= lockLife;
  }
}
