// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { byConfig } from '../../../src/allocation/by-config.ts';
import { ConfigError } from '../../../src/errors/errors.ts';
import type { MessageQueue } from '../../../src/model/message-queue.ts';

const queue = (queueId: number, topic = 'orders'): MessageQueue => ({
  topic,
  brokerName: 'broker-a',
  queueId,
});
const orders = [0, 1, 2, 3].map(id => queue(id));
const asked = (queues: readonly MessageQueue[], clientId = 'b') => ({
  consumerGroup: 'billing',
  clientId,
  clientIds: ['a', 'b'],
  queues,
});

describe('byConfig', () => {
  it('answers the queues that were named, whoever else is there', () => {
    expect(byConfig([queue(3), queue(1)]).allocate(asked(orders))).toEqual([queue(1), queue(3)]);
  });

  it('passes over what does not exist, and other topics', () => {
    expect(byConfig([queue(1), queue(9), queue(2, 'bills')]).allocate(asked(orders))).toEqual([queue(1)]);
    expect(byConfig([queue(1, 'bills')]).allocate(asked(orders))).toEqual([]);
  });

  it('is not changed by what becomes of the list', () => {
    const list = [queue(1)];
    const strategy = byConfig(list);
    list.push(queue(2));
    expect(strategy.allocate(asked(orders))).toEqual([queue(1)]);
  });

  it('shares the retry topic as AVG does when the list does not name it, or nobody would have it', () => {
    const retry = [0, 1, 2].map(id => queue(id, '%RETRY%billing'));
    const strategy = byConfig([queue(1)]);
    expect(strategy.allocate(asked(retry, 'a'))).toEqual(retry.slice(0, 2));
    expect(strategy.allocate(asked(retry, 'b'))).toEqual(retry.slice(2));
    expect(strategy.allocate(asked([queue(0, '%RETRY%others')], 'a'))).toEqual([]);
  });

  it('keeps to the list for the retry topic too when it names it', () => {
    const retry = [0, 1].map(id => queue(id, '%RETRY%billing'));
    expect(byConfig([queue(1), queue(1, '%RETRY%billing')]).allocate(asked(retry, 'a'))).toEqual(
      retry.slice(1),
    );
  });

  it.each<[string, unknown, readonly string[]]>([
    ['an empty list', [], ['byConfig got no queue']],
    ['nothing', undefined, ['byConfig got no array of queues']],
    ['one queue without a list', queue(0), ['byConfig got no array of queues']],
    [
      'what is no queue, each with its place',
      [queue(0), 'orders', { ...queue(0), queueId: -1 }, { ...queue(0), topic: '' }, null],
      [1, 2, 3, 4].map(index => `queue ${index} of byConfig is no queue`),
    ],
  ])('refuses %s', (_, queues, problems) => {
    expect(() => byConfig(queues as never)).toThrow(ConfigError); // wrong on purpose
    expect(() => byConfig(queues as never)).toThrow(
      expect.objectContaining({
        problems: problems.map(problem => ({
          option: 'allocateStrategy',
          problem,
          hint: "Write byConfig([{ topic: 'orders', brokerName: 'broker-a', queueId: 0 }]).",
        })),
      }),
    );
  });
});
