// SPDX-License-Identifier: Apache-2.0
/** How long has a connection been failing, when is it tried again, and how do its own time limits read? Pure. */

import { isForbidden } from '../../errors/access.ts';
import { ConnectionError, type RocketmqError } from '../../errors/errors.ts';
import type { Address } from '../../model/route.ts';
import { backoffDelay } from '../../transport/backoff.ts';
import type { TransportLimits } from '../../transport/limits.ts';
import type { ConnectionContext } from './connection.types.ts';

type Failures = Pick<ConnectionContext, 'attempt' | 'failingSince' | 'lastError'>;

export const noFailures: Failures = { attempt: 0, failingSince: 0, lastError: undefined };

/** One failure more. The outage began with the first since the connection was last stable. */
export function oneMoreFailure(
  { attempt, failingSince }: Failures,
  now: number,
  lastError: RocketmqError,
): Failures {
  return { attempt: attempt + 1, failingSince: attempt === 0 ? now : failingSince, lastError };
}

/** Between two greetings of a peer that refuses who we are: only an administrator can change that. Unit: ms. */
const refusedPause = 30_000;

/** Pause before the next dial. Unit: ms. The first after a refusal is soon: rotating credentials are asked for anew before it. */
export function pauseOf({ attempt, failingSince, lastError, clock, random }: ConnectionContext): number {
  if (attempt > 1 && isForbidden(lastError)) return refusedPause;
  return backoffDelay({ attempt, elapsedMs: clock.now() - failingSince, random });
}

/** The dialer keeps its own limit and names the cause; this much later we stop believing in it. Unit: ms. */
const dialGrace = 500;

/** Unit: ms. */
export function dialLimit(limits: TransportLimits): number {
  return limits.dialTimeoutMs + dialGrace;
}

export function dialTookTooLong(address: Address, limits: TransportLimits): ConnectionError {
  const message = `connect to ${address} failed: the dialer has not ended after ${dialLimit(limits)} ms`;
  return new ConnectionError('RMQ_CONNECT_FAILED', message, { context: { address } });
}

export function greetingTookTooLong(address: Address, limits: TransportLimits): ConnectionError {
  const message = `greeting of ${address} timed out after ${limits.greetTimeoutMs} ms`;
  return new ConnectionError('RMQ_REQUEST_TIMEOUT', message, { context: { address } });
}

/** We hung up ourselves. */
export function closedByUs(address: Address): ConnectionError {
  return new ConnectionError(
    'RMQ_CONNECTION_LOST',
    `the connection to ${address} was closed by this client`,
    {
      context: { address },
    },
  );
}
