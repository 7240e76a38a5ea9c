// SPDX-License-Identifier: Apache-2.0
/** How are the routes of a round asked, and what is done with the answers? */
import { fromPromise } from 'xstate';
import { toRocketmqError } from '../../errors/errors.ts';
import type { TopicRoute } from '../../model/route.ts';
import { sharedSignal } from '../shared/shared-signal.ts';
import { wordsToHear } from './losses.ts';
import type { RouteCache } from './route-cache.ts';
import { newlyUnknown } from './routes.logic.ts';
import type {
  Missing,
  RouteAnswer,
  RouteRound,
  RoutesContext,
  RoutesPort,
  Testimony,
} from './routes.types.ts';

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

export interface AskWitnessesInput {
  readonly port: RoutesPort;
  readonly cache: RouteCache;
  readonly missing: readonly Missing[];
  readonly doubts: RouteRound['doubts'];
  readonly now: number;
}

/** Asks another name server, and the brokers themselves, about what the answers lack. Never rejects. */
export const askWitnesses = fromPromise<readonly Testimony[], AskWitnessesInput>(({ input, signal }) => {
  const shared = sharedSignal(signal);
  return Promise.all(input.missing.map(missing => hearOf(input, missing, shared)));
});

async function hearOf(
  { port, cache, doubts, now }: AskWitnessesInput,
  missing: Missing,
  signal: AbortSignal,
): Promise<Testimony> {
  const { topic } = missing;
  const elsewhere = await port.fetchElsewhere(topic, signal).catch(() => undefined);
  const named = new Set(elsewhere?.queues.map(({ brokerName }) => brokerName));
  const asked = wordsToHear(missing, doubts.get(topic), now).filter(name => !named.has(name));
  const words = await Promise.all(
    asked.map(
      async name => [name, await port.askBroker(topic, name, signal).catch(() => 'silent' as const)] as const,
    ),
  );
  const gone = new Set(words.filter(([, word]) => word === 'gone').map(([name]) => name));
  const deleted = (cache.queuesOf(topic) ?? []).filter(({ brokerName }) => gone.has(brokerName));
  if (deleted.length > 0) await port.noteDeleted(deleted, signal).catch(() => undefined); // what is not known then, the broker's 21 corrects
  return { topic, elsewhere, words: new Map(words) };
}

/** Fills the cache and tells the parent what is new in it. */
export function takeAnswers({ cache, parent, plan, round, topics }: RoutesContext): void {
  const wanted = new Set(topics());
  const answers = round.answers.filter(answer => wanted.has(answer.topic));
  const losses = round.losses.filter(loss => wanted.has(loss.topic));
  const deletedAt = (topic: string): readonly string[] =>
    losses.filter(loss => loss.topic === topic && loss.why === 'deleted').flatMap(loss => loss.brokerNames);
  const changed = answers
    .map(answer => ({ topic: answer.topic, route: keptAfter(answer) }))
    .filter(({ topic, route }) => route !== undefined && cache.set(topic, route, deletedAt(topic)))
    .map(({ topic }) => topic);
  for (const loss of losses) parent.send({ type: 'route.lost', ...loss });
  if (changed.length > 0) parent.send({ type: 'route.changed', topics: changed });
  for (const topic of newlyUnknown(plan, answers)) parent.send({ type: 'route.unknown', topic });
  if (answers.some(answer => answer.kind !== 'failed')) parent.send({ type: 'routes.answered' });
  const failure = answers.find(answer => answer.kind === 'failed');
  if (failure !== undefined) parent.send({ type: 'routes.failed', error: failure.error });
}

/** Drops the routes of topics this machine has asked for and that nobody wants any more. */
export function forgetUnwanted({ cache, plan, topics }: RoutesContext): void {
  const wanted = new Set(topics());
  for (const topic of plan.asked) if (!wanted.has(topic)) cache.forget(topic);
}

/** Of a topic that is gone an empty route is kept: its queues are to be given up, not left as they are. */
function keptAfter(answer: RouteAnswer): TopicRoute | undefined {
  if (answer.kind === 'found') return answer.route;
  return answer.kind === 'gone' ? { brokers: [], queues: [] } : undefined;
}
