// SPDX-License-Identifier: Apache-2.0
/** Which calls have not ended yet, and whose deadline is next? One timer for all of them. */
import type { Clock } from '../model/clock.ts';
import type { OnOutcome } from './call.ts';

export interface PendingCall {
  readonly opaque: number;
  readonly what: string;
  readonly timeoutMs: number;
  /** On the monotonic clock. Unit: ms. */
  readonly deadline: number;
  readonly onOutcome: OnOutcome;
  /** The frame, while it waits to be written. */
  readonly bytes?: Buffer;
}

/** Two sweeps are at least so far apart: deadlines may be met so much late. Unit: ms. */
const sweepGap = 10;
/**
 * A timer later than this means that the process slept. What the peers sent meanwhile lies unread in the sockets: it is read
 * before anything expires, or a healthy connection would be taken for a deaf one. Unit: ms.
 */
const sleptMs = 2000;
/** Time for that. Unit: ms. */
const catchUpMs = 250;

/**
 * Calls by their number, in the order they were made. The timer stands at the earliest deadline known when it was armed and
 * is not moved when calls end, so a call costs a map entry and no timer.
 */
export class PendingCalls {
  readonly #clock: Clock;
  readonly #onExpired: (expired: readonly PendingCall[]) => void;
  readonly #calls = new Map<number, PendingCall>();
  #timer: unknown;
  #wakeAt = Number.POSITIVE_INFINITY;

  constructor(clock: Clock, onExpired: (expired: readonly PendingCall[]) => void) {
    this.#clock = clock;
    this.#onExpired = onExpired;
  }

  get size(): number {
    return this.#calls.size;
  }

  has(opaque: number): boolean {
    return this.#calls.has(opaque);
  }

  add(call: PendingCall): void {
    this.#calls.set(call.opaque, call);
    if (call.deadline < this.#wakeAt) this.#arm(call.deadline);
  }

  /** Takes a call out: whoever has taken it must end it. */
  take(opaque: number): PendingCall | undefined {
    const call = this.#calls.get(opaque);
    if (call !== undefined) this.#calls.delete(opaque);
    return call;
  }

  /** Takes all out, in order, and lets the timer go. */
  takeAll(): readonly PendingCall[] {
    const calls = [...this.#calls.values()];
    this.#calls.clear();
    this.#disarm();
    return calls;
  }

  /** Takes out what was called with this function. */
  takeOf(onOutcome: OnOutcome): readonly PendingCall[] {
    return this.#takeWhere(call => call.onOutcome === onOutcome);
  }

  #takeWhere(matches: (call: PendingCall) => boolean): readonly PendingCall[] {
    const taken: PendingCall[] = [];
    for (const call of this.#calls.values()) {
      if (!matches(call)) continue;
      this.#calls.delete(call.opaque);
      taken.push(call);
    }
    return taken;
  }

  readonly #sweep = (): void => {
    const now = this.#clock.now();
    const lateBy = now - this.#wakeAt;
    this.#timer = undefined;
    this.#wakeAt = Number.POSITIVE_INFINITY;
    if (lateBy > sleptMs) {
      this.#arm(now + catchUpMs);
      return;
    }
    const expired = this.#takeWhere(call => call.deadline <= now);
    let earliest = Number.POSITIVE_INFINITY;
    for (const { deadline } of this.#calls.values()) if (deadline < earliest) earliest = deadline;
    if (earliest < Number.POSITIVE_INFINITY) this.#arm(Math.max(earliest, now + sweepGap));
    if (expired.length > 0) this.#onExpired(expired);
  };

  #arm(wakeAt: number): void {
    this.#disarm();
    this.#wakeAt = wakeAt;
    this.#timer = this.#clock.setTimeout(this.#sweep, Math.max(0, Math.ceil(wakeAt - this.#clock.now())));
  }

  #disarm(): void {
    if (this.#timer !== undefined) this.#clock.clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#wakeAt = Number.POSITIVE_INFINITY;
  }
}
