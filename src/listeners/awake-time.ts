// SPDX-License-Identifier: Apache-2.0
/** For how long has this process been at work? What listener calls are timed by: a frozen process has not been running them. */

/** A longer silence between two readings is not the doing of a listener. Unit: ms. */
const longestStep = 1000;

export class AwakeTime {
  #ms = 0;
  #readAt = Number.POSITIVE_INFINITY;

  /** Ms at work until now; `now`: monotonic ms. To be asked at least once a second while something is timed. */
  read(now: number): number {
    const passed = now - this.#readAt;
    this.#readAt = now;
    if (passed > 0) this.#ms += Math.min(passed, longestStep);
    return this.#ms;
  }
}
