// SPDX-License-Identifier: Apache-2.0
/** AVG, the default: every member takes one run of neighbouring queues, runs differing by at most one queue. */
import type { MessageQueue } from '../model/message-queue.ts';
import type { AllocateContext, NamedAllocateStrategy } from './allocate-strategy.ts';

/**
 * Five queues and two members: the first takes 0 1 2, the second 3 4. With fewer queues than members the last ones take
 * none. Source: AllocateMessageQueueAveragely, protocol.md section 10.
 * @example
 * createConsumerActor({ …, allocateStrategy: 'AVG' }); // or average itself, or nothing: it is the default
 */
export const average: NamedAllocateStrategy = {
  name: 'AVG',
  allocate({ clientId, queues, clientIds }: AllocateContext): readonly MessageQueue[] {
    const index = clientIds.indexOf(clientId);
    if (index < 0) return [];
    const smaller = Math.floor(queues.length / clientIds.length);
    const larger = queues.length % clientIds.length; // so many members, the first ones, take one more
    const start = index * smaller + Math.min(index, larger);
    return queues.slice(start, start + smaller + (index < larger ? 1 : 0));
  },
};
