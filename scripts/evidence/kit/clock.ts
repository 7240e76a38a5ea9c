// SPDX-License-Identifier: Apache-2.0
/** How do times of the wall clock (Java, the launcher) and of CLOCK_MONOTONIC (members) meet? */
import { monotonicMs } from '../../../test/support/history/deliveries.ts';

/** A `Date.now()` of this machine as CLOCK_MONOTONIC ms, as long as nobody sets the clock meanwhile. */
export function toMonotonic(wallMs: number): number {
  return wallMs - (Date.now() - monotonicMs());
}
