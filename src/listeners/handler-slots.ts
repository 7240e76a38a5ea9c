// SPDX-License-Identifier: Apache-2.0
/** How many listener calls may run at once in this consumer, and who is next when one ends? (consumeConcurrency) */

/** A dispatcher that wants to start one more listener call. */
export interface SlotClient {
  /** Starts at most one call; called when a slot became free. */
  startOne(): void;
}

/** Closed at first: the consumer opens it when its start order says so. Turns go round, so no queue starves another. */
export class HandlerSlots {
  readonly #limit: number;
  #running = 0;
  #isOpen = false;
  /** A listener that ends at once gives its slot back inside `startOne`: the loop that called it goes on, no deeper stack. */
  #isServing = false;
  readonly #queueing = new Set<SlotClient>();

  constructor(limit: number) {
    this.#limit = limit;
  }

  get running(): number {
    return this.#running;
  }

  /** True when a slot was taken; the taker gives it back with {@link giveBack}. */
  tryTake(): boolean {
    if (!this.#isOpen || this.#running >= this.#limit) return false;
    this.#running++;
    return true;
  }

  giveBack(): void {
    this.#running--;
    this.#serve();
  }

  /** One call of `startOne` when a slot is free. Asking twice counts once. */
  queueUp(client: SlotClient): void {
    this.#queueing.add(client);
  }

  leave(client: SlotClient): void {
    this.#queueing.delete(client);
  }

  open(): void {
    this.#isOpen = true;
    this.#serve();
  }

  close(): void {
    this.#isOpen = false;
  }

  #serve(): void {
    if (this.#isServing) return;
    this.#isServing = true;
    try {
      for (const client of this.#queueing) {
        if (!this.#isOpen || this.#running >= this.#limit) break;
        this.#queueing.delete(client);
        client.startOne();
      }
    } finally {
      this.#isServing = false;
    }
  }
}
