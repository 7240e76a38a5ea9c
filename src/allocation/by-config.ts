// SPDX-License-Identifier: Apache-2.0
/** CONFIG: a member takes the queues that were named to it, whoever else is in the group. */
import { ConfigError, type ConfigProblem } from '../errors/errors.ts';
import { type MessageQueue, queueKey } from '../model/message-queue.ts';
import { retryTopicOf } from '../model/names.ts';
import type { AllocateContext, NamedAllocateStrategy } from './allocate-strategy.ts';
import { average } from './average.ts';

/**
 * A fixed list. Nobody takes over when its member dies, and a queue that is on no list is consumed by nobody.
 * One thing is not as in Java: when the list names no queue of the group's retry topic, those are shared as by AVG,
 * so that failed messages come back to somebody. Name them in the lists of all members or of none.
 * Source: AllocateMessageQueueByConfig.
 * @param queues the queues of all topics this member consumes; those that do not exist are passed over
 * @throws ConfigError when there are none, or one is no queue
 * @example
 * byConfig([0, 1, 2].map(queueId => ({ topic: 'orders', brokerName: 'broker-a', queueId })));
 */
export function byConfig(queues: readonly MessageQueue[]): NamedAllocateStrategy {
  checkQueues(queues);
  const named = new Set(queues.map(queueKey));
  const topics = new Set(queues.map(({ topic }) => topic));
  return {
    name: 'CONFIG',
    allocate(context: AllocateContext): readonly MessageQueue[] {
      const topic = context.queues[0]?.topic ?? '';
      const isUnnamedRetry = topic === retryTopicOf(context.consumerGroup) && !topics.has(topic);
      return isUnnamedRetry
        ? average.allocate(context)
        : context.queues.filter(queue => named.has(queueKey(queue)));
    },
  };
}

const hint = "Write byConfig([{ topic: 'orders', brokerName: 'broker-a', queueId: 0 }]).";

function checkQueues(queues: unknown): void {
  if (!Array.isArray(queues) || queues.length === 0) {
    const problem = Array.isArray(queues) ? 'byConfig got no queue' : 'byConfig got no array of queues';
    throw new ConfigError([{ option: 'allocateStrategy', problem, hint }]);
  }
  const wrong = queues.flatMap((queue: unknown, index): readonly ConfigProblem[] =>
    isQueue(queue)
      ? []
      : [{ option: 'allocateStrategy', problem: `queue ${index} of byConfig is no queue`, hint }],
  );
  if (wrong.length > 0) throw new ConfigError(wrong);
}

function isQueue(queue: unknown): boolean {
  if (typeof queue !== 'object' || queue === null) return false;
  const { topic, brokerName, queueId } = queue as Partial<MessageQueue>; // each field is checked in the next lines
  const isNamed =
    typeof topic === 'string' && topic !== '' && typeof brokerName === 'string' && brokerName !== '';
  return isNamed && typeof queueId === 'number' && Number.isInteger(queueId) && queueId >= 0;
}
