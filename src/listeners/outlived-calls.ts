// SPDX-License-Identifier: Apache-2.0
/** Does an orderly listener call still run although its queue was given up? When the queue comes back, it has to wait. */
import type { QueueKey } from '../model/message-queue.ts';

/** One for each consumer, shared by all assignments of its queues. */
export class OutlivedCalls {
  readonly #running = new Map<QueueKey, Set<object>>();

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
}
