// SPDX-License-Identifier: Apache-2.0
/** How are the routes of a round asked, and what is done with the answers? */
import { fromPromise } from 'xstate';
import { toRocketmqError } from '../../errors/errors.ts';
import { sharedSignal } from '../shared/shared-signal.ts';
import { newlyUnknown } from './routes.logic.ts';
import type { RouteAnswer, RoutesContext, RoutesPort } from './routes.types.ts';

export interface AskRoutesInput {
  readonly port: RoutesPort;
  readonly topics: readonly string[];
}

/** Asks for all topics side by side. Never rejects: a topic without an answer is a value among the others. */
export const askRoutes = fromPromise<readonly RouteAnswer[], AskRoutesInput>(({ input, signal }) =>
  Promise.all(input.topics.map(topic => askRoute(input.port, topic, sharedSignal(signal)))),
);

async function askRoute(port: RoutesPort, topic: string, signal: AbortSignal): Promise<RouteAnswer> {
  try {
    const route = await port.fetchRoute(topic, signal);
    return route === undefined || route.queues.length === 0
      ? { kind: 'unknown', topic } // a route without queues says no more than none: the last good one is kept
      : { kind: 'found', topic, route };
  } catch (thrown) {
    return { kind: 'failed', topic, error: toRocketmqError(thrown) };
  }
}

/** Fills the cache and tells the parent what is new in it. */
export function takeAnswers({ cache, parent, plan, round, topics }: RoutesContext): void {
  const wanted = new Set(topics());
  const answers = round.answers.filter(answer => wanted.has(answer.topic));
  const changed = answers
    .filter(answer => answer.kind === 'found' && cache.set(answer.topic, answer.route))
    .map(answer => answer.topic);
  if (changed.length > 0) parent.send({ type: 'route.changed', topics: changed });
  for (const topic of newlyUnknown(plan, answers, topic => cache.get(topic) !== undefined)) {
    parent.send({ type: 'route.unknown', topic });
  }
  if (answers.some(answer => answer.kind !== 'failed')) parent.send({ type: 'routes.answered' });
  const failure = answers.find(answer => answer.kind === 'failed');
  if (failure !== undefined) parent.send({ type: 'routes.failed', error: failure.error });
}

/** Drops the routes of topics this machine has asked for and that nobody wants any more. */
export function forgetUnwanted({ cache, plan, topics }: RoutesContext): void {
  const wanted = new Set(topics());
  for (const topic of plan.asked) if (!wanted.has(topic)) cache.forget(topic);
}
