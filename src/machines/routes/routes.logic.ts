// SPDX-License-Identifier: Apache-2.0
/** Which topics are asked next, and when? Pure: a plan goes in, a plan comes out. */
import { ConnectionError, type RocketmqError } from '../../errors/errors.ts';
import { isRetryTopic } from '../../model/names.ts';
import { nextDoubtLook } from './losses.ts';
import type {
  RouteAnswer,
  RoutePlan,
  RouteRetry,
  RouteRound,
  RoutesInput,
  TopicDoubts,
} from './routes.types.ts';

/** All topics are never asked twice within this, however often a refresh is wanted. Unit: ms. */
const refreshFloor = 1000;

/** A defence only: the port has time limits of its own. Unit: ms. */
const defaultRoundLimit = 60_000;

/** Unit: ms. */
const timerSlack = 1;

/** First pause before a topic without an answer is asked again; doubles. Unit: ms. */
const firstRetry = 1000;
/** Longest pause for a topic no name server knows. Unit: ms. */
const unknownCap = 30_000;
/** Longest pause after a failure, while name servers have not failed for long: one that restarts is noticed soon. Unit: ms. */
const earlyFailureCap = 3000;
/** Longest pause after a failure later on. Unit: ms. */
const lateFailureCap = 10_000;
/** From which attempt on failures are old: about a minute. */
const lateFailureAttempt = 15;

/** The plan of a machine that has asked nothing yet: everything is due. */
export function firstPlan(now: number): RoutePlan {
  return { allAt: now, allEndedAt: undefined, asked: new Set(), retries: new Map(), doubts: new Map() };
}

/** What a round that begins now asks for: all topics, or those never asked and those due on their own. */
export function roundAt(plan: RoutePlan, topics: readonly string[], now: number): RouteRound {
  const wanted = [...new Set(topics)];
  const all = isPast(plan.allAt, now);
  const asked = all ? wanted : wanted.filter(topic => isDue(plan, topic, now));
  return { topics: asked, all, answers: [], losses: [], doubts: plan.doubts };
}

/** How long until a topic is due. Unit: ms, 0 or more. */
export function nextAskIn(plan: RoutePlan, topics: readonly string[], now: number): number {
  if (topics.some(topic => !plan.asked.has(topic))) return 0;
  const times = topics.flatMap(topic => plan.retries.get(topic)?.at ?? []);
  return Math.max(0, Math.min(plan.allAt, ...times) - now);
}

/** A refresh is wanted: all topics are due now, or once the floor since the last round over all has passed. */
export function planRefresh(plan: RoutePlan, now: number): RoutePlan {
  const soonest = plan.allEndedAt === undefined ? now : plan.allEndedAt + refreshFloor;
  return { ...plan, allAt: Math.min(plan.allAt, Math.max(now, soonest)) };
}

export interface Surroundings {
  /** The topics wanted now. What was planned for others is dropped. */
  readonly wanted: readonly string[];
  readonly pollInterval: number;
  readonly now: number;
}

/** The plan after a round: all topics are due again by poll, those without an answer sooner. */
export function planAfter(plan: RoutePlan, round: RouteRound, around: Surroundings): RoutePlan {
  const wanted = new Set(around.wanted);
  const answers = round.answers.filter(answer => wanted.has(answer.topic));
  const asked = new Set([...plan.asked].filter(topic => wanted.has(topic)));
  const retries = new Map([...plan.retries].filter(([topic]) => wanted.has(topic)));
  const doubts = new Map([...round.doubts].filter(([topic]) => wanted.has(topic)));
  for (const answer of answers) {
    asked.add(answer.topic);
    const retry = retryAfter(
      answer,
      { before: retries.get(answer.topic), doubts: doubts.get(answer.topic) },
      around,
    );
    if (retry === undefined) retries.delete(answer.topic);
    else retries.set(answer.topic, retry);
  }
  if (!round.all) return { ...plan, asked, retries, doubts };
  return { allAt: around.now + around.pollInterval, allEndedAt: around.now, asked, retries, doubts };
}

/** A round that ended without answers of its own: every topic failed for the same reason. */
export function failedRound(round: RouteRound, error: RocketmqError): RouteRound {
  return { ...round, answers: round.topics.map(topic => ({ kind: 'failed', topic, error })) };
}

/** Longest a round may last. Unit: ms. */
export function roundLimitOf({ roundLimit }: RoutesInput): number {
  return roundLimit ?? defaultRoundLimit;
}

/** Why a round was given up. */
export function overdue(input: RoutesInput, { topics }: RouteRound): RocketmqError {
  const timeoutMs = roundLimitOf(input);
  const message = `routes of ${topics.join(', ')} were not settled within ${timeoutMs} ms`;
  return new ConnectionError('RMQ_REQUEST_TIMEOUT', message, { context: { topics, timeoutMs } });
}

/** The topics of which the parent has not heard yet that no name server knows them. Retry topics appear by themselves. */
export function newlyUnknown(plan: RoutePlan, answers: readonly RouteAnswer[]): readonly string[] {
  return answers
    .filter(answer => answer.kind === 'unknown' && !isRetryTopic(answer.topic))
    .map(answer => answer.topic)
    .filter(topic => plan.retries.get(topic)?.reported !== true);
}

/** When a topic is asked again before the poll; undefined when the poll will do. */
function retryAfter(
  answer: RouteAnswer,
  { before, doubts }: { readonly before: RouteRetry | undefined; readonly doubts: TopicDoubts | undefined },
  { now }: Surroundings,
): RouteRetry | undefined {
  if (answer.kind === 'found') {
    const at = nextDoubtLook(doubts, now);
    return at === undefined ? undefined : { attempt: 0, at, reported: false };
  }
  if (answer.kind === 'gone') return { attempt: 1, at: now + firstRetry, reported: true }; // told as a loss
  const reported = before?.reported === true || answer.kind === 'unknown';
  if (before !== undefined && !isPast(before.at, now)) return { ...before, reported }; // asked early by a refresh: that is no attempt of ours
  const attempt = (before?.attempt ?? 0) + 1;
  return { attempt, at: now + retryDelay(answer.kind, attempt), reported };
}

function retryDelay(kind: 'unknown' | 'failed', attempt: number): number {
  const failureCap = attempt < lateFailureAttempt ? earlyFailureCap : lateFailureCap;
  return Math.min(firstRetry * 2 ** (attempt - 1), kind === 'unknown' ? unknownCap : failureCap);
}

function isDue(plan: RoutePlan, topic: string, now: number): boolean {
  const retry = plan.retries.get(topic);
  return !plan.asked.has(topic) || (retry !== undefined && isPast(retry.at, now));
}

/** Node's timers may fire a little early by the monotonic clock; without slack that would be an empty round. */
function isPast(time: number, now: number): boolean {
  return time <= now + timerSlack;
}
