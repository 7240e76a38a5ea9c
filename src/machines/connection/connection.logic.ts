// SPDX-License-Identifier: Apache-2.0
/** How long has a connection been failing, when is it tried again, and how do its own time limits read? Pure. */
import { ConnectionError } from '../../errors/errors.ts';
import type { Address } from '../../model/route.ts';
import { backoffDelay } from '../../transport/backoff.ts';
import type { TransportLimits } from '../../transport/limits.ts';
import type { ConnectionContext } from './connection.types.ts';

type Failures = Pick<ConnectionContext, 'attempt' | 'failingSince'>;

export const noFailures: Failures = { attempt: 0, failingSince: 0 };

/** One failure more. The outage began with the first since the connection was last stable. */
export function oneMoreFailure({ attempt, failingSince }: Failures, now: number): Failures {
  return { attempt: attempt + 1, failingSince: attempt === 0 ? now : failingSince };
}

/** Pause before the next dial. Unit: ms. */
export function pauseOf({ attempt, failingSince, clock, random }: ConnectionContext): number {
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
