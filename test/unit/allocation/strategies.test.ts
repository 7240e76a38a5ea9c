// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { AllocateContext } from '../../../src/allocation/allocate-strategy.ts';
import { average } from '../../../src/allocation/average.ts';
import { type AllocateStrategyName, allocateStrategies } from '../../../src/allocation/strategies.ts';
import { compareQueues, type MessageQueue, queueKey } from '../../../src/model/message-queue.ts';

/** Shares as Java gives them; strategies we do not have yet are in the file too. */
interface Sample {
  readonly topic: string;
  readonly brokers: number;
  readonly queuesPerBroker: number;
  readonly clientIdsSorted: readonly string[];
  readonly resultPerStrategy: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>>;
}

const file = new URL('../../fixtures/wire/allocation.json', import.meta.url);
const { samples } = JSON.parse(readFileSync(file, 'utf8')) as { samples: readonly (Sample | object)[] }; // recorded from Java, see README there
const shapes = samples.filter((sample): sample is Sample => 'resultPerStrategy' in sample);

function queuesOf({ topic, brokers, queuesPerBroker }: Sample): readonly MessageQueue[] {
  return Array.from({ length: brokers }, (_, broker) =>
    Array.from({ length: queuesPerBroker }, (_, queueId) => ({
      topic,
      brokerName: `broker-${'abc'.charAt(broker)}`,
      queueId,
    })),
  ).flat();
}

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

describe.each(Object.keys(allocateStrategies) as AllocateStrategyName[])('%s', name => {
  const strategy = allocateStrategies[name];

  it('goes by the name it has in the config', () => {
    expect(strategy.name).toBe(name);
  });

  it.each(shapes.map(sample => ({ ...sample, members: sample.clientIdsSorted.length })))(
    'shares $brokers × $queuesPerBroker queues among $members members as Java does',
    sample => {
      const queues = queuesOf(sample);
      const shares = sample.clientIdsSorted.map(clientId => {
        const context = { consumerGroup: 'billing', clientId, queues, clientIds: sample.clientIdsSorted };
        return [clientId, strategy.allocate(context).map(q => `${q.brokerName}:${q.queueId}`)];
      });
      expect(Object.fromEntries(shares)).toEqual(sample.resultPerStrategy[name]);
    },
  );

  it('gives every queue to exactly one member, whatever the numbers', () => {
    for (let queueCount = 1; queueCount <= 17; queueCount++) {
      for (let members = 1; members <= 19; members++) {
        const given = Array.from({ length: members }, (_, member) =>
          strategy.allocate(contextOf(queueCount, members, member)),
        );
        expect(given.flat().sort(compareQueues)).toEqual(contextOf(queueCount, members, 0).queues);
        const sizes = given.map(share => share.length);
        expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
      }
    }
  });

  it('gives nothing to a client that is no member', () => {
    expect(strategy.allocate({ ...contextOf(4, 2, 0), clientId: 'stranger' })).toEqual([]);
  });
});

describe('the recorded shares', () => {
  it('are there: eight shapes, up to three brokers and seven members', () => {
    expect(shapes).toHaveLength(8);
    expect(Math.max(...shapes.map(({ brokers }) => brokers))).toBe(3);
    expect(Math.max(...shapes.map(({ clientIdsSorted }) => clientIdsSorted.length))).toBe(7);
  });

  it('are in the order in which we sort queues', () => {
    const order = samples.find((sample): sample is SortOrder => 'sortOrder' in sample);
    const parse = (text: string): MessageQueue => {
      const [brokerName = '', id] = text.split(':');
      return { topic: 'T', brokerName, queueId: Number(id) };
    };
    expect(order?.queuesUnsorted.map(parse).sort(compareQueues).map(queueKey)).toEqual(
      order?.queuesSorted.map(parse).map(queueKey),
    );
    expect(order?.queuesSorted).toHaveLength(8);
  });
});

interface SortOrder {
  readonly sortOrder: string;
  readonly queuesUnsorted: readonly string[];
  readonly queuesSorted: readonly string[];
}

describe('AVG', () => {
  it('gives the last members nothing when there are more members than queues', () => {
    const shares = [0, 1, 2, 3].map(member => average.allocate(contextOf(2, 4, member)).map(q => q.queueId));
    expect(shares).toEqual([[0], [1], [], []]);
  });
});
