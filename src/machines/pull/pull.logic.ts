// SPDX-License-Identifier: Apache-2.0
/** How long does a queue wait after a failed pull? Pure. design.md G9. */
import type { RocketmqError } from '../../errors/errors.ts';
import { backoffDelay } from '../../transport/backoff.ts';

/** What will not heal by asking again soon is asked slowly. Unit: ms. */
const slowFloor = 5_000;

export function pullBackoff(options: {
  readonly failures: number;
  readonly elapsedMs: number;
  readonly error: RocketmqError | undefined;
  readonly random: () => number;
}): number {
  const { failures, elapsedMs, error, random } = options;
  const delay = backoffDelay({ attempt: Math.max(0, failures - 1), elapsedMs, random });
  return error?.retry === 'never' ? Math.max(slowFloor, delay) : delay;
}
