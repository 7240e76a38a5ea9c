// SPDX-License-Identifier: Apache-2.0
/** How do the locks that are given back in one turn share one request (42)? */
import type { Clock } from '../../model/clock.ts';
import type { MessageQueue } from '../../model/message-queue.ts';

type Unlock = (queues: readonly MessageQueue[], options: { readonly timeoutMs: number }) => Promise<void>;

interface Batch {
  readonly queues: MessageQueue[];
  /** The latest of those that share it; whoever has less time stops waiting by itself. Monotonic ms. */
  deadline: number;
  readonly answered: Promise<void>;
}

/** For one broker. */
export class UnlockBatch {
  readonly #unlock: Unlock;
  readonly #clock: Clock;
  #gathering: Batch | undefined;

  constructor(unlock: Unlock, clock: Clock) {
    this.#unlock = unlock;
    this.#clock = clock;
  }

  /** Settles as the request does that this queue went with. */
  add(queue: MessageQueue, deadline: number): Promise<void> {
    this.#gathering ??= this.#open();
    this.#gathering.queues.push(queue);
    this.#gathering.deadline = Math.max(this.#gathering.deadline, deadline);
    return this.#gathering.answered;
  }

  #open(): Batch {
    const batch: Batch = { queues: [], deadline: 0, answered: endOfTurn().then(() => this.#send(batch)) };
    return batch;
  }

  #send(batch: Batch): Promise<void> {
    this.#gathering = undefined;
    return this.#unlock(batch.queues, { timeoutMs: Math.max(1, batch.deadline - this.#clock.now()) });
  }
}

/** When all that came with the same turn of the event loop has been looked at. */
export function endOfTurn(): Promise<void> {
  return new Promise(resolve => {
    setImmediate(resolve);
  });
}
