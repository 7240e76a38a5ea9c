// SPDX-License-Identifier: Apache-2.0
/** When may I count on this consumer? */
import type { ConsumerContext } from '../machines/consumer/consumer.context.ts';
import type { ConsumerActor, ConsumerSnapshot } from './consumer-actor.ts';
import { stoppedError } from './refusals.ts';
import { until } from './until.ts';

/**
 * Resolves when the consumer runs: at once if it does, and it may be called before `start()`.
 * @throws what made the start fail, once nothing of it is left open: ConnectionError, BrokerError, SubscriptionError or
 * ConsumerError; ConsumerError `RMQ_CONSUMER_STOPPED` when it is stopping or stopped; `signal.reason` on abort, which leaves
 * the consumer alone
 * @example await whenRunning(actor, { signal: AbortSignal.timeout(30_000) });
 */
export async function whenRunning(
  actor: ConsumerActor,
  options: { readonly signal?: AbortSignal | undefined } = {},
): Promise<void> {
  const snapshot = await until(actor, state => state.matches('running') || isGivenUp(state), options);
  if (!snapshot.matches('running')) throw whyNot(snapshot);
}

/** Stopped, or stopping for another reason than a failed start, whose error comes with the end. */
function isGivenUp(snapshot: ConsumerSnapshot): boolean {
  return (
    snapshot.matches('stopped') || (snapshot.hasTag('stopping') && stopOf(snapshot)?.reason !== 'startFailed')
  );
}

function whyNot(snapshot: ConsumerSnapshot): Error {
  const stop = stopOf(snapshot);
  if (stop?.reason === 'startFailed' && stop.error !== undefined) return stop.error;
  return stoppedError(snapshot.context.consumerGroup, stop?.error);
}

function stopOf({ context }: ConsumerSnapshot): ConsumerContext['stop'] {
  return (context as ConsumerContext).stop; // the view leaves out what is there
}
