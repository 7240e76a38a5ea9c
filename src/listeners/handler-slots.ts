// SPDX-License-Identifier: Apache-2.0
/**
 * How many listener calls may run at once in this consumer, how many messages may start in a second, and who is next when a
 * call may start? (consumeConcurrency, maxMessagesPerSecond)
 */
import type { RateLimit } from '../flow/rate-limit.ts';

/** A dispatcher that wants to start one more listener call. */
export interface SlotClient {
  /** Starts at most one call; called when a slot is free. */
  startOne(): void;
  /** Kept by HandlerSlots: it stands in the line. */
  isQueued?: boolean;
}

/** Served places kept before they are cut off in one go. */
const longestTail = 1024;

/**
 * Closed at first: the consumer opens it when its start order says so. Turns go round, so no queue starves another.
 * Invariant: while somebody stands in the line and a call might start, now or when its rate allows it, either the line is
 * being served or a timer runs.
 */
export class HandlerSlots {
  readonly #limit: number;
  readonly #rate: RateLimit | undefined;
  /** Messages whose calls ended well, since the consumer was made. */
  doneMessages = 0;
  /** Deliveries that failed: what fails twice counts twice. */
  failedMessages = 0;
  #running = 0;
  #isOpen = false;
  /** A listener that ends at once gives its slot back inside `startOne`: the loop that called it goes on, no deeper stack. */
  #isServing = false;
  /** First come, first served; a plain array with a moving head, because this happens for every message when slots are short. */
  readonly #line: SlotClient[] = [];
  #head = 0;
  readonly #serveNow = (): void => this.#serve();

  constructor(limit: number, rate?: RateLimit) {
    this.#limit = limit;
    this.#rate = rate;
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  get running(): number {
    return this.#running;
  }

  /** True when a slot was taken; the taker gives it back with {@link giveBack}, and tells with {@link started} what for. */
  tryTake(): boolean {
    if (!this.#isOpen || this.#running >= this.#limit) return false;
    if (this.#rate !== undefined && !this.#isDue(this.#rate)) return false;
    this.#running++;
    return true;
  }

  /** A call of that many messages starts in the slot just taken. */
  started(messages: number): void {
    this.#rate?.spend(messages);
  }

  /** What a call came to. */
  ended(done: number, failed: number): void {
    this.doneMessages += done;
    this.failedMessages += failed;
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
    if (this.#rate !== undefined) this.#serveWhenDue(this.#rate);
  }

  leave(client: SlotClient): void {
    if (client.isQueued !== true) return;
    client.isQueued = false;
    this.#line.splice(this.#line.indexOf(client, this.#head), 1);
    if (this.#rate !== undefined) this.#serveWhenDue(this.#rate);
  }

  open(): void {
    this.#isOpen = true;
    this.#serve();
  }

  close(): void {
    this.#isOpen = false;
    this.#rate?.forget();
  }

  #serve(): void {
    if (this.#isServing) return;
    this.#isServing = true;
    try {
      while (this.#mayServe() && this.#rate?.isShort !== true) this.#serveFirst();
    } finally {
      this.#isServing = false;
      if (this.#rate !== undefined) this.#serveWhenDue(this.#rate);
    }
  }

  #mayServe(): boolean {
    return this.#isOpen && this.#running < this.#limit && this.#head < this.#line.length;
  }

  /** Time may have come for the next message while somebody waits for it in the line: a newcomer does not go before. */
  #isDue(rate: RateLimit): boolean {
    return !rate.isShort && (this.#isServing || this.#head === this.#line.length);
  }

  #serveWhenDue(rate: RateLimit): void {
    if (this.#isServing) return;
    if (this.#mayServe()) rate.whenDue(this.#serveNow);
    else rate.forget();
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
