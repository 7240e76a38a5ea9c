// SPDX-License-Identifier: Apache-2.0
/** Which time is the same for all processes of a machine? CLOCK_MONOTONIC. Unit: ms. */
export function monotonicMs() {
  return Number(process.hrtime.bigint()) / 1e6;
}
