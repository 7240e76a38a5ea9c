// SPDX-License-Identifier: Apache-2.0
/** What time is it, and call me later: the only way this library learns of time. Tests pass a TestClock. */

export interface Clock {
  /** Monotonic time. Unit: ms. For every duration, deadline and expiry. */
  now(): number;
  /** Wall time. Unit: ms since 1970. For what is shown or sent only, and to notice a suspended machine. */
  wallNow(): number;
  /** Calls `fn` once, without arguments, after `timeout`. Unit: ms. Answers what {@link clearTimeout} takes. */
  setTimeout(fn: (...args: never[]) => void, timeout: number): unknown;
  /** The call will not come; nothing happens when it has come already. */
  clearTimeout(id: unknown): void;
}

/** Node drops a longer delay to 1 ms. Unit: ms. */
const longestDelay = 2 ** 31 - 1;

/** The clock of the system: the default everywhere. */
export const systemClock: Clock = {
  now: () => performance.now(),
  wallNow: () => Date.now(),
  setTimeout: (fn, timeout) => setTimeout(fn as () => void, Math.min(timeout, longestDelay)), // XState passes functions without parameters
  clearTimeout: id => clearTimeout(id as NodeJS.Timeout), // the id is the one setTimeout above gave
};
