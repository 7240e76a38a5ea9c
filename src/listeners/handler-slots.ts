// SPDX-License-Identifier: Apache-2.0
/** How many listener calls may run at once in this consumer, and who is next when one ends? (consumeConcurrency) */

/** A dispatcher that wants to start one more listener call. */
export interface SlotClient {
  /** Starts at most one call; called when a slot became free. */
  startOne(): void;
  /** Kept by HandlerSlots: it stands in the line. */
  isQueued?: boolean;
}

/** Served places kept before they are cut off in one go. */
const longestTail = 1024;

/** Closed at first: the consumer opens it when its start order says so. Turns go round, so no queue starves another. */
export class HandlerSlots {
  readonly #limit: number;
  #running = 0;
  #isOpen = false;
  /** A listener that ends at once gives its slot back inside `startOne`: the loop that called it goes on, no deeper stack. */
  #isServing = false;
  /** First come, first served; a plain array with a moving head, because this happens for every message when slots are short. */
  readonly #line: SlotClient[] = [];
  #head = 0;

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
    if (client.isQueued === true) return;
    client.isQueued = true;
    this.#line.push(client);
  }

  leave(client: SlotClient): void {
    if (client.isQueued !== true) return;
    client.isQueued = false;
    this.#line.splice(this.#line.indexOf(client, this.#head), 1);
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
      while (this.#isOpen && this.#running < this.#limit && this.#head < this.#line.length)
        this.#serveFirst();
    } finally {
      this.#isServing = false;
    }
  }

  #serveFirst(): void {
    const client = this.#line[this.#head++];
    if (this.#head > longestTail) {
      this.#line.splice(0, this.#head);
      this.#head = 0;
    }
    if (client === undefined) return;
    client.isQueued = false;
    client.startOne();
  }
}
