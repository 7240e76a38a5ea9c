// SPDX-License-Identifier: Apache-2.0
/** Which queues is this member to hold? Pure, but for the user's strategy it asks. Source: RebalanceImpl, protocol.md section 7.2. */
import { allocate } from '../../allocation/allocate.ts';
import { ConnectionError, RocketmqError, toRocketmqError } from '../../errors/errors.ts';
import { compareQueues, compareText, type MessageQueue, queueKey } from '../../model/message-queue.ts';
import type { FailedMemberList, MemberAnswer, RebalanceInput } from './rebalance.types.ts';

/** From a round that had to keep a topic's queues undecided to the next. Source: RebalanceService. Unit: ms. */
export const unbalancedRetry = 1000;
/** Least pause between two rounds, however often members come and go. Unit: ms. */
export const restPause = 250;

/** The decision of a round that decided nothing: all stays as it is. */
export function asBefore(assigned: readonly MessageQueue[]): Decision {
  return {
    queues: assigned,
    added: [],
    removed: [],
    otherMembers: true,
    isDecided: true,
    undecided: [],
    failures: [],
    missing: [],
    faults: [],
  };
}

/** A defence only: the port has time limits of its own. Unit: ms. */
const defaultCollectLimit = 60_000;
/** A defence only: the parent has limits of its own for revoking. Unit: ms. */
const defaultApplyLimit = 120_000;

/** Longest wait for member lists. Unit: ms. */
export function collectLimitOf({ collectLimit }: RebalanceInput): number {
  return collectLimit ?? defaultCollectLimit;
}

/** Longest wait for the parent to apply a decision. Unit: ms. */
export function applyLimitOf({ applyLimit }: RebalanceInput): number {
  return applyLimit ?? defaultApplyLimit;
}

/** The outcome of a round. */
export interface Decision {
  /** All queues to hold, in the order of `compareQueues`. */
  readonly queues: readonly MessageQueue[];
  readonly added: readonly MessageQueue[];
  readonly removed: readonly MessageQueue[];
  readonly otherMembers: boolean;
  /** Whether there is anything to act on: false when every topic asked kept its queues for want of an answer. */
  readonly isDecided: boolean;
  /** Topics that kept their queues because the member list failed, or we are missing in it. */
  readonly undecided: readonly string[];
  readonly failures: readonly FailedMemberList[];
  /** Topics whose member list lacks us. */
  readonly missing: readonly string[];
  /** What the strategy did wrong; the topics concerned kept their queues. */
  readonly faults: readonly RocketmqError[];
}

/** What a round says of one topic. */
type Share =
  | { readonly kind: 'decided'; readonly queues: readonly MessageQueue[] }
  /** No route, or subscribed while the others were asked: it keeps what it has, usually nothing. */
  | { readonly kind: 'unasked' }
  | { readonly kind: 'failed'; readonly error: RocketmqError }
  | { readonly kind: 'missing' }
  | { readonly kind: 'refused'; readonly error: RocketmqError };

interface TopicShare {
  readonly topic: string;
  readonly share: Share;
}

/** The topics whose members must be asked: those with queues. Without a route there is no broker to ask. */
export function topicsToAsk({ topics, port }: RebalanceInput): readonly string[] {
  return [...new Set(topics())].filter(topic => (port.queuesOf(topic)?.length ?? 0) > 0);
}

/** Puts the answers of all topics together with what is held at present. */
export function decide(
  input: RebalanceInput,
  present: readonly MessageQueue[],
  answers: readonly MemberAnswer[],
): Decision {
  const shares = sharesOf(input, answers);
  const queues = queuesOfAll(shares, present);
  const { added, removed } = difference(present, queues);
  const hasKind = (...kinds: readonly Share['kind'][]) =>
    shares.some(({ share }) => kinds.includes(share.kind));
  const isChanged = added.length + removed.length > 0;
  return {
    queues,
    added,
    removed,
    otherMembers: answers.some(answer => namesOthers(answer, input.clientId)),
    isDecided: isChanged || hasKind('decided') || !hasKind('failed', 'missing', 'refused'),
    ...troublesOf(shares),
  };
}

/** What a round amounts to whose member lists were not even collected. */
export function undecidable(
  { topics }: RebalanceInput,
  present: readonly MessageQueue[],
  error: RocketmqError,
): Decision {
  const asked = [...new Set(topics())];
  return {
    queues: present,
    added: [],
    removed: [],
    otherMembers: false,
    isDecided: false,
    undecided: asked,
    failures: asked.map(topic => ({ topic, error })),
    missing: [],
    faults: [],
  };
}

/** Why collecting was given up. */
export function membersOverdue(input: RebalanceInput): RocketmqError {
  const { consumerGroup } = input;
  const timeoutMs = collectLimitOf(input);
  const message = `member lists of group ${consumerGroup} were not settled within ${timeoutMs} ms`;
  return new ConnectionError('RMQ_REQUEST_TIMEOUT', message, { context: { consumerGroup, timeoutMs } });
}

/** What is wrong when the parent never says that it has applied a decision. */
export function applyOverdue(input: RebalanceInput, round: number): RocketmqError {
  const timeoutMs = applyLimitOf(input);
  const message = `the assignment of round ${round} was not applied within ${timeoutMs} ms`;
  return new RocketmqError('RMQ_INTERNAL', message, { context: { round, timeoutMs } });
}

/** In the order of topics, so that what comes out is nearly sorted. */
function sharesOf(input: RebalanceInput, answers: readonly MemberAnswer[]): readonly TopicShare[] {
  const topics = [...new Set(input.topics())].sort(compareText);
  const answerOf = new Map(answers.map(answer => [answer.topic, answer]));
  const lists: MemberLists = new Map();
  return topics.map(topic => ({ topic, share: shareOf(input, topic, answerOf.get(topic), lists) }));
}

function shareOf(
  input: RebalanceInput,
  topic: string,
  answer: MemberAnswer | undefined,
  lists: MemberLists,
): Share {
  const offered = input.port.queuesOf(topic);
  if (offered === undefined) return { kind: 'unasked' };
  if (offered.length === 0) return { kind: 'decided', queues: offered };
  if (answer === undefined) return { kind: 'unasked' };
  if (answer.kind === 'failed') return { kind: 'failed', error: answer.error };
  if (!answer.clientIds.includes(input.clientId)) return { kind: 'missing' };
  const { consumerGroup, clientId } = input;
  const queues = Object.freeze([...offered].sort(compareQueues)); // the strategy may be a user's
  const context = { consumerGroup, clientId, queues, clientIds: sortedOnce(answer.clientIds, lists) };
  try {
    return { kind: 'decided', queues: allocate(input.allocate, context) };
  } catch (thrown) {
    return { kind: 'refused', error: toRocketmqError(thrown) };
  }
}

/** Member lists of one decision, sorted, by their text as answered: brokers say the same for every topic. */
type MemberLists = Map<string, readonly string[]>;

/** Each member once, in order. Frozen: all topics share it. */
function sortedOnce(clientIds: readonly string[], lists: MemberLists): readonly string[] {
  const text = clientIds.join('\n');
  const known = lists.get(text) ?? Object.freeze([...new Set(clientIds)].sort(compareText));
  lists.set(text, known);
  return known;
}

/** What was decided for a topic, else what is held of it at present. Topics no longer consumed contribute nothing. */
function queuesOfAll(
  shares: readonly TopicShare[],
  present: readonly MessageQueue[],
): readonly MessageQueue[] {
  const keeping = new Map<string, MessageQueue[]>();
  for (const { topic, share } of shares) if (share.kind !== 'decided') keeping.set(topic, []);
  for (const queue of present) keeping.get(queue.topic)?.push(queue);
  return shares
    .flatMap(({ topic, share }) => (share.kind === 'decided' ? share.queues : (keeping.get(topic) ?? [])))
    .sort(compareQueues);
}

/** By object first, for the route cache gives the same ones until a route changes; by name where that differs. */
function difference(
  present: readonly MessageQueue[],
  wanted: readonly MessageQueue[],
): Pick<Decision, 'added' | 'removed'> {
  const before = new Set(present);
  const after = new Set(wanted);
  const appeared = wanted.filter(queue => !before.has(queue));
  const vanished = present.filter(queue => !after.has(queue));
  const appearedKeys = new Set(appeared.map(queueKey));
  const vanishedKeys = new Set(vanished.map(queueKey));
  return {
    added: appeared.filter(queue => !vanishedKeys.has(queueKey(queue))),
    removed: vanished.filter(queue => !appearedKeys.has(queueKey(queue))),
  };
}

function troublesOf(
  shares: readonly TopicShare[],
): Pick<Decision, 'undecided' | 'failures' | 'missing' | 'faults'> {
  const failures = shares.flatMap(({ topic, share }) =>
    share.kind === 'failed' ? { topic, error: share.error } : [],
  );
  const missing = shares.filter(({ share }) => share.kind === 'missing').map(({ topic }) => topic);
  const faults = shares.flatMap(({ share }) => (share.kind === 'refused' ? share.error : []));
  return { undecided: [...failures.map(({ topic }) => topic), ...missing], failures, missing, faults };
}

function namesOthers(answer: MemberAnswer, clientId: string): boolean {
  return answer.kind === 'listed' && answer.clientIds.some(id => id !== clientId);
}
