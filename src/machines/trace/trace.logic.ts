// SPDX-License-Identifier: Apache-2.0
/** How long does the trace actor wait, and what does it tell of lost traces? Pure. */
import { ConsumerError } from '../../errors/errors.ts';
import { backoffDelay } from '../../transport/backoff.ts';
import type { TraceContext } from './trace.types.ts';

/** Unit: ms. */
const defaultInterval = 500;
/** The net under the time limits of the port itself. Unit: ms. */
export const sendLimit = 60_000;

export function sendTookTooLong(): ConsumerError {
  return new ConsumerError('RMQ_SEND_FAILED', `a message of traces was not stored within ${sendLimit} ms`, {
    context: { timeoutMs: sendLimit },
  });
}

export function intervalOf({ interval = defaultInterval }: TraceContext): number {
  return interval;
}

export function pauseOf({ failures, failingSince, now, random }: TraceContext): number {
  return backoffDelay({ attempt: failures, elapsedMs: now() - failingSince, random });
}

export function tracesLost({ lastError }: TraceContext, count: number): ConsumerError {
  const why = lastError === undefined ? 'they came faster than they could be sent' : lastError.message;
  return new ConsumerError('RMQ_TRACE_LOST', `${count} message traces were lost: ${why}`, {
    context: { count },
    cause: lastError,
  });
}
