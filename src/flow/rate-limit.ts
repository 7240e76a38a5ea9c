// SPDX-License-Identifier: Apache-2.0
/** May a message be given to a listener now, or were there enough of them in this second? (maxMessagesPerSecond) */
import type { Clock } from '../model/clock.ts';

/** Of what is saved up while nothing waits: a tenth of a second's worth. */
const burstShare = 0.1;
/** Of the last message of a burst that must have been saved up, so that a burst is never one more. */
const hair = 0.01;

/**
 * A token bucket, kept as the time at which the next message is due: a timer that comes late, by less than the burst,
 * costs nothing of the rate. A call of many messages may start with one token; the next one waits for all of them.
 */
export class RateLimit {
  /** Messages that may start at once after a quiet time; at least 1. */
  readonly burst: number;
  readonly #clock: Clock;
  /** Between two messages. Unit: ms. */
  readonly #interval: number;
  /** How far behind the clock the due time may be. Unit: ms. */
  readonly #slack: number;
  #due: number;
  #timer: unknown;
  #isAwaited = false;

  constructor(perSecond: number, clock: Clock) {
    this.#clock = clock;
    this.#interval = 1000 / perSecond;
    this.burst = Math.max(1, Math.floor(perSecond * burstShare));
    this.#slack = (this.burst - hair) * this.#interval;
    this.#due = clock.now() - this.#slack;
  }

  /** Somebody waits for nothing else: from {@link whenDue}, and while he is called, to {@link forget}. Read on the pull path: no clock is asked. */
  get isAwaited(): boolean {
    return this.#isAwaited;
  }

  /** No message may start now. */
  get isShort(): boolean {
    return this.#due > this.#clock.now();
  }

  /** That many were started. */
  spend(messages: number): void {
    this.#due = Math.max(this.#due, this.#clock.now() - this.#slack) + messages * this.#interval;
  }

  /** Calls once, as soon as a message may start, never inside this call. While one call is wanted, asking again changes nothing. */
  whenDue(call: () => void): void {
    if (this.#timer !== undefined) return;
    this.#isAwaited = true;
    const ms = Math.max(0, Math.ceil(this.#due - this.#clock.now()));
    this.#timer = this.#clock.setTimeout(() => {
      this.#timer = undefined;
      if (this.isShort) this.whenDue(call);
      else call();
    }, ms);
  }

  /** Nobody waits any more. */
  forget(): void {
    this.#isAwaited = false;
    if (this.#timer !== undefined) this.#clock.clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
