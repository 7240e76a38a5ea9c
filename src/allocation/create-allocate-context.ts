// SPDX-License-Identifier: Apache-2.0
/** How is a strategy asked outside a running consumer: in a tool, a test, or to see what a member more would change? */
import { ConsumerError } from '../errors/errors.ts';
import { compareQueues, compareText, queueKey } from '../model/message-queue.ts';
import type { AllocateContext } from './allocate-strategy.ts';

/**
 * Puts the lists into the order in which every member has them, each entry once, and freezes them.
 * Source: AllocateContext of pyrocketmq, AbstractAllocateMessageQueueStrategy.check.
 * @throws ConsumerError `RMQ_ALLOCATION_FAILED` without queues, without members, with queues of several topics, or when
 * `clientId` is not among `clientIds`
 * @example
 * const context = createAllocateContext({ consumerGroup: 'billing', clientId: 'b', clientIds: ['b', 'a'], queues });
 * const share = sticky.allocate(context);
 */
export function createAllocateContext({
  consumerGroup,
  clientId,
  queues,
  clientIds,
}: AllocateContext): AllocateContext {
  const topics = new Set(queues.map(({ topic }) => topic));
  const problem =
    queues.length === 0
      ? 'there are no queues'
      : topics.size > 1
        ? `its queues are of ${topics.size} topics, where each is shared by itself`
        : clientIds.includes(clientId)
          ? undefined
          : `${clientId} is none of its ${clientIds.length} members`;
  if (problem !== undefined) {
    const message = `nothing can be allocated in group ${consumerGroup}: ${problem}`;
    throw new ConsumerError('RMQ_ALLOCATION_FAILED', message, { context: { consumerGroup, clientId } });
  }
  const byKey = new Map(queues.map(queue => [queueKey(queue), queue]));
  return Object.freeze({
    consumerGroup,
    clientId,
    queues: Object.freeze([...byKey.values()].sort(compareQueues)),
    clientIds: Object.freeze([...new Set(clientIds)].sort(compareText)),
  });
}
