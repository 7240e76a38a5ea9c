// SPDX-License-Identifier: Apache-2.0
/**
 * Which listener calls still run although their queue was given up? An orderly queue that comes back waits for its own; and
 * their slots come back at consumeTimeout, as those of all others.
 */
import type { QueueKey } from '../model/message-queue.ts';

/** What is left of a queue that was given up. */
interface Leftover {
  readonly runningCalls: number;
  sweep(awakeMs: number): void;
}

/** One for each consumer, shared by all assignments of its queues. */
export class OutlivedCalls {
  readonly #running = new Map<QueueKey, Set<object>>();
  readonly #leftovers = new Set<Leftover>();

  /** Whether a call of another assignment of this queue than `mine` runs. */
  blocks(key: QueueKey, mine: object): boolean {
    const running = this.#running.get(key);
    return running !== undefined && running.size > (running.has(mine) ? 1 : 0);
  }

  /** From now on calls of this assignment run. */
  begin(key: QueueKey, mine: object): void {
    const running = this.#running.get(key);
    if (running === undefined) this.#running.set(key, new Set([mine]));
    else running.add(mine);
  }

  /** Its last call has ended. */
  end(key: QueueKey, mine: object): void {
    const running = this.#running.get(key);
    running?.delete(mine);
    if (running?.size === 0) this.#running.delete(key);
  }

  /** Nobody sweeps it any more but {@link sweep}. */
  adopt(leftover: Leftover): void {
    if (leftover.runningCalls > 0) this.#leftovers.add(leftover);
  }

  /** By whichever queue sweeps its own: who wants a slot is one of those. */
  sweep(awakeMs: number): void {
    for (const leftover of this.#leftovers) {
      leftover.sweep(awakeMs);
      if (leftover.runningCalls === 0) this.#leftovers.delete(leftover);
    }
  }
}
