// SPDX-License-Identifier: Apache-2.0
/** What does a strategy, ours or a user's, give this member? Its answer is checked before anybody acts on it. */
import { ConsumerError, toError } from '../errors/errors.ts';
import { type MessageQueue, type QueueKey, queueKey } from '../model/message-queue.ts';
import type { AllocateContext, AllocateStrategy } from './allocate-strategy.ts';

/**
 * Asks a strategy for this member's share of one topic's queues.
 * @throws ConsumerError `RMQ_ALLOCATION_FAILED` when the strategy throws, answers no array, names a queue that is not
 * among those of the context, or names one twice
 * @example
 * allocate(average, { consumerGroup: 'billing', clientId: 'a', clientIds: ['a', 'b'], queues });
 */
export function allocate(strategy: AllocateStrategy, context: AllocateContext): readonly MessageQueue[] {
  const offer = new Offer(context.queues); // before the strategy is asked: it may splice what it is given
  const answer = answerOf(strategy, context);
  const taken = new Set<MessageQueue>();
  for (const item of answer) {
    const queue = offer.find(item);
    if (queue === undefined) {
      throw failure(strategy, context, `answered ${textOf(item)}, which it was not offered`);
    }
    if (taken.has(queue)) throw failure(strategy, context, `answered ${queueKey(queue)} twice`);
    taken.add(queue);
  }
  return [...taken];
}

/** The name of a strategy for logs and errors; a function goes by its own. */
export function strategyName(strategy: AllocateStrategy): string {
  return strategy.name === '' ? 'anonymous function' : strategy.name;
}

/** Finds the offered queue for what a strategy answered: nearly always the very object; by name only where it is not. */
class Offer {
  private readonly queues: ReadonlySet<MessageQueue>;
  private byKey: ReadonlyMap<QueueKey, MessageQueue> | undefined;

  constructor(queues: readonly MessageQueue[]) {
    this.queues = new Set(queues);
  }

  find(item: unknown): MessageQueue | undefined {
    const same = item as MessageQueue; // believed only if it is one of those put in
    if (this.queues.has(same)) return same;
    const key = keyOf(item);
    return key === undefined ? undefined : this.named().get(key);
  }

  private named(): ReadonlyMap<QueueKey, MessageQueue> {
    this.byKey ??= new Map([...this.queues].map(queue => [queueKey(queue), queue]));
    return this.byKey;
  }
}

/** Elements are unknown: a user's JavaScript is not bound by our types. */
function answerOf(strategy: AllocateStrategy, context: AllocateContext): readonly unknown[] {
  let answer: unknown;
  try {
    answer = typeof strategy === 'function' ? strategy(context) : strategy.allocate(context);
  } catch (thrown) {
    throw failure(strategy, context, `threw: ${toError(thrown).message}`, thrown);
  }
  if (Array.isArray(answer)) return answer;
  if (answer instanceof Promise) answer.catch(() => {}); // it is refused here; a later rejection must not end the process
  throw failure(strategy, context, `answered ${textOf(answer)}, not an array of queues`);
}

function keyOf(queue: unknown): QueueKey | undefined {
  if (typeof queue !== 'object' || queue === null) return undefined;
  const { topic, brokerName, queueId } = queue as Partial<MessageQueue>; // each field is checked in the next line
  const complete = typeof topic === 'string' && typeof brokerName === 'string' && typeof queueId === 'number';
  return complete ? queueKey({ topic, brokerName, queueId }) : undefined;
}

function textOf(value: unknown): string {
  if (value instanceof Promise) return 'a promise';
  return keyOf(value) ?? (typeof value === 'object' && value !== null ? 'an object' : String(value));
}

function failure(
  strategy: AllocateStrategy,
  context: AllocateContext,
  problem: string,
  cause?: unknown,
): ConsumerError {
  const name = strategyName(strategy);
  const topic = context.queues[0]?.topic;
  const message = `allocate strategy ${name} of group ${context.consumerGroup} failed for topic ${topic}: it ${problem}`;
  const details = { context: { strategy: name, consumerGroup: context.consumerGroup, topic } };
  return new ConsumerError(
    'RMQ_ALLOCATION_FAILED',
    message,
    cause === undefined ? details : { ...details, cause },
  );
}
