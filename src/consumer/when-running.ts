// SPDX-License-Identifier: Apache-2.0
/** When may I count on this consumer? */
import { ConsumerError } from '../errors/errors.ts';
import type { ConsumerActor, ConsumerSnapshot } from './consumer-actor.ts';
import { until } from './until.ts';

/**
 * Resolves when the consumer runs: at once if it does, and it may be called before `start()`.
 * Rejects with what made the start fail, with `RMQ_CONSUMER_STOPPED` when it is stopping or stopped, and with
 * `signal.reason` on abort, which leaves the consumer alone.
 * @example await whenRunning(actor, { signal: AbortSignal.timeout(30_000) });
 */
export async function whenRunning(
  actor: ConsumerActor,
  options: { readonly signal?: AbortSignal | undefined } = {},
): Promise<void> {
  const snapshot = await until(actor, state => state.matches('running') || state.matches('stopped'), options);
  if (!snapshot.matches('running')) throw whyNot(snapshot);
}

function whyNot(snapshot: ConsumerSnapshot): Error {
  const { consumerGroup } = snapshot.context;
  const cause = snapshot.output?.error;
  if (cause !== undefined && snapshot.output?.reason === 'startFailed') return cause;
  return new ConsumerError('RMQ_CONSUMER_STOPPED', `the consumer of ${consumerGroup} was stopped`, {
    cause,
    context: { consumerGroup },
  });
}
