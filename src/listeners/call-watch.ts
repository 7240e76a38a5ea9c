// SPDX-License-Identifier: Apache-2.0
/** Who is told what listener calls of a queue came to, and how long some of them took? */

/** A call that is timed: not each one is, because asking the time costs more than a fast handler. */
export interface TimedCall {
  /** Monotonic ms. */
  readonly beganAt: number;
  /** How many calls it stands for: those since the last one that was timed, and itself. */
  readonly standsFor: number;
}

export interface CallWatch {
  /** A call begins; undefined when it is not timed. */
  begin(): TimedCall | undefined;
  /** It has ended, or was given up: so many of its messages are done, so many failed. */
  end(timed: TimedCall | undefined, done: number, failed: number): void;
}
