// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { createAllocateContext } from '../../../src/allocation/create-allocate-context.ts';
import type { MessageQueue } from '../../../src/model/message-queue.ts';

const queue = (brokerName: string, queueId: number): MessageQueue => ({
  topic: 'orders',
  brokerName,
  queueId,
});
const given = {
  consumerGroup: 'billing',
  clientId: '9',
  clientIds: ['9', '10', '9'],
  queues: [queue('b', 0), queue('a', 10), queue('a', 2), { ...queue('b', 0) }],
};

describe('createAllocateContext', () => {
  it('has every entry once, in the order of all members', () => {
    expect(createAllocateContext(given)).toEqual({
      consumerGroup: 'billing',
      clientId: '9',
      clientIds: ['10', '9'],
      queues: [queue('a', 2), queue('a', 10), queue('b', 0)],
    });
  });

  it('leaves the lists it was given alone, and cannot be changed itself', () => {
    const before = structuredClone(given);
    const context = createAllocateContext(given);
    expect(given).toEqual(before);
    expect([context, context.queues, context.clientIds].every(Object.isFrozen)).toBe(true);
  });

  it.each([
    ['no queues', { queues: [] }, 'there are no queues'],
    ['no members', { clientIds: [] }, '9 is none of its 0 members'],
    ['a client that is no member', { clientId: 'x' }, 'x is none of its 3 members'],
    [
      'queues of two topics',
      { queues: [queue('a', 0), { ...queue('a', 0), topic: 'bills' }] },
      'its queues are of 2 topics, where each is shared by itself',
    ],
  ])('refuses %s', (_, change, problem) => {
    expect(() => createAllocateContext({ ...given, ...change })).toThrow(
      expect.objectContaining({
        code: 'RMQ_ALLOCATION_FAILED',
        message: `nothing can be allocated in group billing: ${problem}`,
      }),
    );
  });
});
