// SPDX-License-Identifier: Apache-2.0
/** A route names less than before: is it believed? Pure. A name server that has just been started knows nobody for up to 30 s. */
import type { TopicRoute } from '../../model/route.ts';
import type {
  BrokerWord,
  Doubt,
  Missing,
  RouteAnswer,
  RouteLoss,
  RouteRound,
  Testimony,
  TopicDoubts,
} from './routes.types.ts';

/**
 * For how long a broker must have been missing before that is believed. One that has the topic is never given up. One that
 * does not tell may have been forgotten by a name server that was started anew, and registers within 30 s. Unit: ms.
 */
const patience: Readonly<Record<BrokerWord, number>> = {
  has: Number.POSITIVE_INFINITY,
  gone: 0,
  silent: 20_000,
  untold: 60_000,
};

/** How soon a topic in doubt is asked for again, and how long a broker's word counts. Unit: ms. */
const doubtPause = 5000;
/** The same where all brokers in doubt said that they have it. Unit: ms. */
const contradictedPause = 15_000;

/** Node's timers may fire early by so much. Unit: ms. */
const timerSlack = 1;

const emptyRoute: TopicRoute = { brokers: [], queues: [] };

/** The route that is kept of a topic; undefined: none was ever seen. */
export type KeptRoute = (topic: string) => TopicRoute | undefined;

/** Whether a topic has, or had at the last look, any queue. */
function isKnown(kept: TopicRoute | undefined): boolean {
  return kept !== undefined && kept.queues.length > 0;
}

/** What the answers of a round do not name, and the kept routes do. Fewer queues of a broker that is named are its own word, and count at once. */
export function missingIn(answers: readonly RouteAnswer[], kept: KeptRoute): readonly Missing[] {
  return answers.flatMap(answer => {
    if (answer.kind === 'failed' || answer.kind === 'gone') return [];
    const brokerNames = lackingIn(routeOf(answer), kept(answer.topic));
    return brokerNames.length === 0 ? [] : [{ topic: answer.topic, brokerNames }];
  });
}

/** The brokers to be asked: not those whose word is young. */
export function wordsToHear(
  missing: Missing,
  doubts: TopicDoubts | undefined,
  now: number,
): readonly string[] {
  return missing.brokerNames.filter(name => !isYoung(doubts?.get(name), now));
}

/** Which brokers does a route not name that the other one does? */
function lackingIn(route: TopicRoute, kept: TopicRoute = emptyRoute): readonly string[] {
  const named = namesIn(route);
  return [...namesIn(kept)].filter(name => !named.has(name));
}

export interface Settling {
  readonly round: RouteRound;
  readonly testimonies: readonly Testimony[];
  readonly kept: KeptRoute;
  readonly now: number;
}

/** What the answers of a round come to: what is missing in them is kept, in doubt, or lost. */
export function settle({ round, testimonies, kept, now }: Settling): RouteRound {
  const doubts = new Map(round.doubts);
  const losses: RouteLoss[] = [];
  const answers = round.answers.map((answer): RouteAnswer => {
    if (answer.kind === 'failed' || answer.kind === 'gone') return answer;
    const { topic } = answer;
    const before = kept(topic);
    const testimony = testimonies.find(each => each.topic === topic);
    const route = fuller(routeOf(answer), testimony?.elsewhere, before);
    const judged = lackingIn(route, before).map(name =>
      judge(name, doubts.get(topic)?.get(name), testimony, now),
    );
    doubts.delete(topic);
    const doubted = judged.filter(({ why }) => why === undefined);
    if (doubted.length > 0) doubts.set(topic, new Map(doubted.map(({ name, doubt }) => [name, doubt])));
    losses.push(...lossesOf(topic, judged));
    const merged = withKept(route, before, new Set(doubted.map(({ name }) => name)));
    if (merged.queues.length > 0) return { kind: 'found', topic, route: merged };
    return isKnown(before) ? { kind: 'gone', topic } : { kind: 'unknown', topic };
  });
  return { ...round, answers, losses, doubts };
}

/** When a topic in doubt is asked for again; undefined: it is in none. */
export function nextDoubtLook(doubts: TopicDoubts | undefined, now: number): number | undefined {
  if (doubts === undefined) return undefined;
  const open = [...doubts.values()].filter(({ word }) => word !== 'has');
  if (open.length === 0) return now + contradictedPause;
  const believedAt = open.map(({ since, word }) => since + patience[word]);
  return Math.min(now + doubtPause, ...believedAt.map(at => Math.max(at, now + timerSlack)));
}

interface Judged {
  readonly name: string;
  readonly doubt: Doubt;
  /** Undefined: it is not believed yet. */
  readonly why: RouteLoss['why'] | undefined;
}

function judge(
  name: string,
  before: Doubt | undefined,
  testimony: Testimony | undefined,
  now: number,
): Judged {
  const told = testimony?.words.get(name);
  const word = told ?? before?.word ?? 'silent';
  const heardAt = told === undefined ? (before?.heardAt ?? now) : now;
  const since = before === undefined || told === 'has' ? now : before.since;
  const doubt = { since, word, heardAt };
  if (now - since < patience[word] - timerSlack) return { name, doubt, why: undefined };
  return { name, doubt, why: word === 'gone' ? 'deleted' : 'unrouted' };
}

function lossesOf(topic: string, judged: readonly Judged[]): readonly RouteLoss[] {
  return (['deleted', 'unrouted'] as const).flatMap(why => {
    const brokerNames = judged.filter(each => each.why === why).map(({ name }) => name);
    return brokerNames.length === 0 ? [] : [{ topic, brokerNames, why }];
  });
}

/** Of two routes the one that lacks less of what was there; the first when neither does. */
function fuller(route: TopicRoute, other: TopicRoute | undefined, kept: TopicRoute | undefined): TopicRoute {
  if (other === undefined) return route;
  return lackingIn(other, kept).length < lackingIn(route, kept).length ? other : route;
}

/** What is in doubt stays as it was. */
function withKept(route: TopicRoute, kept: TopicRoute = emptyRoute, names: ReadonlySet<string>): TopicRoute {
  if (names.size === 0) return route;
  const isKept = ({ brokerName }: { readonly brokerName: string }): boolean => names.has(brokerName);
  return {
    brokers: [...route.brokers.filter(broker => !isKept(broker)), ...kept.brokers.filter(isKept)],
    queues: [...route.queues, ...kept.queues.filter(isKept)],
  };
}

function routeOf(answer: Exclude<RouteAnswer, { readonly kind: 'failed' | 'gone' }>): TopicRoute {
  return answer.kind === 'found' ? answer.route : emptyRoute;
}

function namesIn({ queues }: TopicRoute): ReadonlySet<string> {
  return new Set(queues.map(({ brokerName }) => brokerName));
}

function isYoung(doubt: Doubt | undefined, now: number): boolean {
  return doubt !== undefined && now - doubt.heardAt < doubtPause - timerSlack;
}
