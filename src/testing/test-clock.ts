// SPDX-License-Identifier: Apache-2.0
/** How does a test decide what time it is? Timers fire at their own times, in order, and promises settle in between. */
import type { Clock } from '../model/clock.ts';

interface Timer {
  readonly id: number;
  readonly due: number;
  readonly fire: () => void;
}

/**
 * A clock that stands still until it is told to go on. XState's SimulatedClock fires chained timers too late and
 * knows no promises; this one does both. Pass it as the consumer's `clock` and as the `clock` of createActor.
 * @example
 * const clock = new TestClock();
 * const actor = createActor(machine, { clock, input }).start();
 * await clock.advance(30_000);
 * assert.equal(clock.pending, 0);
 */
export class TestClock implements Clock {
  private readonly timers = new Map<number, Timer>();
  private monotonic: number;
  private wall: number;
  private lastId = 0;

  /** Both in ms. Defaults: 0, and 2026-01-01T00:00:00Z. */
  constructor(start: { readonly now?: number; readonly wallNow?: number } = {}) {
    this.monotonic = start.now ?? 0;
    this.wall = start.wallNow ?? Date.UTC(2026, 0, 1);
  }

  now(): number {
    return this.monotonic;
  }

  wallNow(): number {
    return this.wall;
  }

  setTimeout(fn: (...args: never[]) => void, timeout: number): unknown {
    const id = ++this.lastId;
    const fire = fn as () => void; // timers are called without arguments, as XState and our code expect
    this.timers.set(id, { id, due: this.monotonic + Math.max(0, timeout), fire });
    return id;
  }

  clearTimeout(id: unknown): void {
    if (typeof id === 'number') this.timers.delete(id);
  }

  /** Timers armed and not yet fired. 0 at the end of a test proves that nothing leaked. */
  get pending(): number {
    return this.timers.size;
  }

  /**
   * Lets `ms` milliseconds pass: every timer due by then fires at its own time, also those armed on the way;
   * equal times in the order of arming. Promises settle before the first, between two, and after the last.
   * A timer that throws rejects the call; the others stay armed.
   */
  async advance(ms: number): Promise<void> {
    const until = this.monotonic + ms;
    await settle();
    for (let next = this.earliest(until); next !== undefined; next = this.earliest(until)) {
      this.timers.delete(next.id);
      this.jump(Math.max(0, next.due - this.monotonic));
      next.fire();
      await settle();
    }
    this.jump(Math.max(0, until - this.monotonic));
  }

  /** Lets promises settle and fires what is due now, without passing time. */
  async flush(): Promise<void> {
    await this.advance(0);
  }

  /** Time passes at once and no timer fires before the next advance: a process stopped (SIGSTOP) and continued. */
  jump(ms: number): void {
    this.monotonic += ms;
    this.wall += ms;
  }

  /** Only wall time moves, back if negative: a corrected system clock, or a machine that was suspended. */
  jumpWall(ms: number): void {
    this.wall += ms;
  }

  /** The timer to fire next: overdue ones first, in the order of their times, then of arming. */
  private earliest(until: number): Timer | undefined {
    let found: Timer | undefined;
    for (const timer of this.timers.values()) {
      if (timer.due <= until && (found === undefined || timer.due < found.due)) found = timer;
    }
    return found;
  }
}

/** One turn of the event loop: every promise that can settle by now has settled, and real I/O has had its turn. */
function settle(): Promise<void> {
  return new Promise(resolve => {
    setImmediate(resolve);
  });
}
