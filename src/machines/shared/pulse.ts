// SPDX-License-Identifier: Apache-2.0
/** Was this process just asleep? A stopped or suspended one must not commit or deliver on what it knew before (design.md G2). */
import { toError } from '../../errors/errors.ts';
import type { Clock } from '../../model/clock.ts';

/** How long the process did nothing, as far as it can tell. Both in ms since the last tick. */
export interface TimeGap {
  /** By the monotonic clock: the process was stopped (SIGSTOP, a debugger, a hogged event loop). */
  readonly monotonicMs: number;
  /** By wall time: also counts a suspended machine, in which Linux stops the monotonic clock. */
  readonly wallMs: number;
}

export interface PulseOptions {
  readonly clock: Clock;
  /** Pause between two ticks. Unit: ms. Default 1000. */
  readonly tickEvery?: number;
  /** A longer silence than this is a gap. Unit: ms. Default 10000. */
  readonly gapMs?: number;
  /**
   * Called once for every gap, from `isFresh`, `confirm` or a tick, whichever sees it first. Send an event and return:
   * the caller is in the middle of something. What it throws becomes a process warning.
   */
  readonly onGap: (gap: TimeGap) => void;
}

/**
 * Notices that time passed without us. `isFresh` compares the clocks itself, so it is right in the very first turn
 * after SIGCONT, when socket data is handled before any timer has fired.
 * Cost: one wall clock reading, and a monotonic one at most once per millisecond.
 */
export class Pulse {
  private readonly clock: Clock;
  private readonly tickEvery: number;
  private readonly gapMs: number;
  private readonly onGap: (gap: TimeGap) => void;
  private timer: unknown;
  private tickedAt = 0;
  private tickedAtWall = 0;
  /** Wall time of the last comparison; within the same millisecond its result still stands. NaN: none. */
  private comparedAtWall = Number.NaN;
  private fresh = true;

  constructor(options: PulseOptions) {
    this.clock = options.clock;
    this.tickEvery = options.tickEvery ?? 1000;
    this.gapMs = options.gapMs ?? 10_000;
    this.onGap = options.onGap;
    this.mark();
  }

  /** Begins to tick. Calling it again changes nothing. */
  start(): void {
    if (this.timer !== undefined) return;
    this.mark();
    this.arm();
  }

  /** Ends the ticking; a gap that was not confirmed stays one. */
  stop(): void {
    if (this.timer === undefined) return;
    this.clock.clearTimeout(this.timer);
    this.timer = undefined;
  }

  /**
   * True while nothing speaks for a gap: may be asked before every commit and delivery. False from the moment a gap
   * can be seen until `confirm`. A wall clock that was set back is no gap; one set forward past `gapMs` counts as one.
   */
  isFresh(): boolean {
    if (this.timer === undefined) return this.fresh; // not ticking: silence means nothing
    if (this.clock.wallNow() !== this.comparedAtWall) this.compare();
    return this.fresh;
  }

  /**
   * What was known before the gap has been asked anew. False, with `onGap` called again, when the process slept once
   * more before this call: the answers are old already.
   */
  confirm(): boolean {
    this.fresh = this.timer === undefined || !this.compare();
    return this.fresh;
  }

  private arm(): void {
    this.timer = this.clock.setTimeout(() => {
      this.arm();
      this.compare();
      this.mark();
    }, this.tickEvery);
  }

  private mark(): void {
    this.tickedAt = this.clock.now();
    this.tickedAtWall = this.clock.wallNow();
  }

  /** True when there is a new gap; it then counts as told, and a next one is measured from here. */
  private compare(): boolean {
    const wallNow = this.clock.wallNow();
    const gap = { monotonicMs: this.clock.now() - this.tickedAt, wallMs: wallNow - this.tickedAtWall };
    this.comparedAtWall = wallNow;
    if (gap.monotonicMs <= this.gapMs && gap.wallMs - gap.monotonicMs <= this.gapMs) return false;
    this.fresh = false;
    this.mark();
    this.tell(gap);
    return true;
  }

  private tell(gap: TimeGap): void {
    try {
      this.onGap(gap);
    } catch (thrown) {
      process.emitWarning(`onGap threw: ${toError(thrown).message}`, { type: 'RocketmqActorsWarning' });
    }
  }
}
