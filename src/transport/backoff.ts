// SPDX-License-Identifier: Apache-2.0
/** How long to wait before the next try? 200 ms doubling with full jitter, capped (design.md G9). */

/** Unit: ms. */
const firstStep = 200;
/** Even a jitter of 0 gives no hot loop. Unit: ms. */
const floor = 50;
/** Cap while the outage is young: what restarts is noticed soon. Unit: ms. */
const earlyCap = 3000;
/** Unit: ms. */
const lateCap = 10_000;
/** From when on an outage is an old one. Unit: ms. */
const lateAfter = 60_000;

export interface BackoffInput {
  /** Failures so far, this one included: 1 after the first. */
  readonly attempt: number;
  /** Since the first failure. Unit: ms. */
  readonly elapsedMs: number;
  /** A number from 0 to 1, 1 excluded. */
  readonly random: () => number;
}

/**
 * The pause before the next try. Unit: ms, from 50 to 10000.
 * @example
 * backoffDelay({ attempt: 3, elapsedMs: 900, random: () => 0.5 }); // 400
 */
export function backoffDelay({ attempt, elapsedMs, random }: BackoffInput): number {
  const cap = elapsedMs < lateAfter ? earlyCap : lateCap;
  const step = Math.min(cap, firstStep * 2 ** Math.max(0, attempt - 1));
  return Math.max(floor, Math.round(random() * step));
}
