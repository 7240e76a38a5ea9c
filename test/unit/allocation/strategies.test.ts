// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import type { AllocateContext } from '../../../src/allocation/allocate-strategy.ts';
import { average } from '../../../src/allocation/average.ts';
import {
  type AllocateStrategyName,
  allocateStrategies,
  asStrategy,
} from '../../../src/allocation/strategies.ts';
import { compareQueues, queueKey } from '../../../src/model/message-queue.ts';
import { parseQueue, queuesOfShape, shapes, sharesOfAll, sortOrders } from './golden.ts';

const words = Object.keys(allocateStrategies) as AllocateStrategyName[]; // the keys of a constant
const javaWords = words.filter(word => word !== 'STICKY');
const evenWords = words.filter(word => word !== 'CONSISTENT_HASH');

function contextOf(queueCount: number, members: number, member: number): AllocateContext {
  const clientIds = Array.from({ length: members }, (_, i) => `member-${String(i).padStart(3, '0')}`);
  const queues = Array.from({ length: queueCount }, (_, queueId) => ({
    topic: 'orders',
    brokerName: 'a',
    queueId,
  }));
  return {
    consumerGroup: 'billing',
    clientId: `member-${String(member).padStart(3, '0')}`,
    clientIds,
    queues,
  };
}

describe.each(words)('%s', name => {
  const strategy = allocateStrategies[name];

  it('goes by the name it has in the config', () => {
    expect(strategy.name).toBe(name);
  });

  it('gives every queue to exactly one member, whatever the numbers', () => {
    for (let queueCount = 1; queueCount <= 17; queueCount++) {
      for (let members = 1; members <= 19; members++) {
        const given = Array.from({ length: members }, (_, member) =>
          strategy.allocate(contextOf(queueCount, members, member)),
        );
        expect(given.flat().sort(compareQueues)).toEqual(contextOf(queueCount, members, 0).queues);
      }
    }
  });

  it('gives nothing to a client that is no member', () => {
    expect(strategy.allocate({ ...contextOf(4, 2, 0), clientId: 'stranger' })).toEqual([]);
  });
});

describe.each(javaWords)('%s', name => {
  it.each(shapes.map(sample => ({ ...sample, members: sample.clientIdsSorted.length })))(
    'shares $brokers × $queuesPerBroker queues among $members members as Java does',
    sample => {
      const shares = sharesOfAll(allocateStrategies[name], queuesOfShape(sample), sample.clientIdsSorted);
      expect(shares).toEqual(sample.resultPerStrategy[name]);
    },
  );
});

describe.each(evenWords)('%s', name => {
  it('gives shares that differ by at most one queue, whatever the numbers', () => {
    for (let queueCount = 1; queueCount <= 17; queueCount++) {
      for (let members = 1; members <= 19; members++) {
        const sizes = Array.from(
          { length: members },
          (_, member) => allocateStrategies[name].allocate(contextOf(queueCount, members, member)).length,
        );
        expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
      }
    }
  });
});

describe('the recorded shares', () => {
  it('are there: eight shapes, up to three brokers and seven members', () => {
    expect(shapes).toHaveLength(8);
    expect(Math.max(...shapes.map(({ brokers }) => brokers))).toBe(3);
    expect(Math.max(...shapes.map(({ clientIdsSorted }) => clientIdsSorted.length))).toBe(7);
  });

  it('are in the order in which we sort queues', () => {
    const [order] = sortOrders;
    expect(order?.queuesUnsorted.map(parseQueue).sort(compareQueues).map(queueKey)).toEqual(
      order?.queuesSorted.map(parseQueue).map(queueKey),
    );
    expect(order?.queuesSorted).toHaveLength(8);
  });
});

describe('AVG', () => {
  it('gives the last members nothing when there are more members than queues', () => {
    const shares = [0, 1, 2, 3].map(member => average.allocate(contextOf(2, 4, member)).map(q => q.queueId));
    expect(shares).toEqual([[0], [1], [], []]);
  });
});

describe('asStrategy', () => {
  it('finds a strategy by its word, and leaves functions and objects as they are', () => {
    const own = { name: 'OWN', allocate: () => [] };
    const chosen = () => [];
    expect(asStrategy('AVG')).toBe(average);
    expect(asStrategy(own)).toBe(own);
    expect(asStrategy(chosen)).toBe(chosen);
  });

  it.each([
    ['avg'],
    ['toString'],
    ['MACHINE_ROOM'],
    [undefined],
    [null],
    [7],
    [{ name: 'X' }],
    [{ allocate: () => [] }],
  ])('takes %o for none', value => {
    expect(asStrategy(value)).toBeUndefined();
  });
});
