// SPDX-License-Identifier: Apache-2.0
/** AVG_BY_CIRCLE: queues are dealt to the members in turn, like cards. */
import type { MessageQueue } from '../model/message-queue.ts';
import type { AllocateContext, NamedAllocateStrategy } from './allocate-strategy.ts';

/**
 * Five queues and two members: the first takes 0 2 4, the second 1 3. Spreads each broker's queues over all members.
 * Source: AllocateMessageQueueAveragelyByCircle, protocol.md section 10.
 * @example
 * createConsumerActor({ …, allocateStrategy: 'AVG_BY_CIRCLE' }); // or averageByCircle itself
 */
export const averageByCircle: NamedAllocateStrategy = {
  name: 'AVG_BY_CIRCLE',
  allocate({ clientId, queues, clientIds }: AllocateContext): readonly MessageQueue[] {
    const index = clientIds.indexOf(clientId);
    return index < 0 ? [] : queues.filter((_, position) => position % clientIds.length === index);
  },
};
