// SPDX-License-Identifier: Apache-2.0
/** How does a store wait without leaving timers or listeners behind? */
import type { Clock } from '../model/clock.ts';

interface WakeUp {
  readonly signal?: AbortSignal | undefined;
  /** Registers the wake-up call; answers how to take it back. */
  readonly wake?: (fn: () => void) => () => void;
}

/** Resolves after `ms`, or earlier when woken or aborted; the caller looks at what happened. Never rejects. */
export function waitFor(clock: Clock, ms: number, { signal, wake }: WakeUp = {}): Promise<void> {
  if (signal?.aborted === true) return Promise.resolve();
  return new Promise(resolve => {
    const end = (): void => {
      clock.clearTimeout(timer);
      signal?.removeEventListener('abort', end);
      forget?.();
      resolve();
    };
    const timer = clock.setTimeout(end, ms);
    signal?.addEventListener('abort', end, { once: true });
    const forget = wake?.(end);
  });
}

/** Until when an operation may take, and what else ends it. */
export interface Bound {
  readonly clock: Clock;
  /** Monotonic ms. */
  readonly deadline: number;
  readonly signal?: AbortSignal | undefined;
  /** The error once the deadline has passed or the signal is aborted. */
  readonly tooLate: () => Error;
}

/** Settles as `work` does, unless its bound is reached first: then rejects with `tooLate`, and `work` is left to itself. */
export function within<T>(work: Promise<T>, { clock, deadline, signal, tooLate }: Bound): Promise<T> {
  return new Promise((resolve, reject) => {
    const giveUp = (): void => {
      done();
      reject(tooLate());
    };
    const timer = clock.setTimeout(giveUp, Math.max(0, deadline - clock.now()));
    signal?.addEventListener('abort', giveUp, { once: true });
    const done = (): void => {
      clock.clearTimeout(timer);
      signal?.removeEventListener('abort', giveUp);
    };
    work.finally(done).then(resolve, reject);
    if (signal?.aborted === true) giveUp();
  });
}
