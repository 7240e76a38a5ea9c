// SPDX-License-Identifier: Apache-2.0
/** Does each name of sharing out queues do what it says? Before the colon of a title: the names, as the page has them. */
import { expect, it } from 'vitest';
import {
  type AllocateStrategy,
  average,
  type Consumer,
  consistentHash,
  createAllocateContext,
} from '../../../../src/index.ts';
import { World } from './kit.ts';

/** What each of two members reads in the end. */
async function shares(allocateStrategy: AllocateStrategy): Promise<readonly (readonly number[])[]> {
  await using world = await World.open({ queues: 8 });
  const members = [
    await world.started({ allocateStrategy, instanceName: 'anna', clientIp: '10.0.0.1' }),
    await world.started({ allocateStrategy, instanceName: 'boris', clientIp: '10.0.0.1' }),
  ];
  const idsOf = (member: Consumer): readonly number[] =>
    member
      .getAssignedQueues()
      .filter(({ queue }) => queue.topic === 'orders')
      .map(({ queue }) => queue.queueId)
      .toSorted((a, b) => a - b);
  await world.wait(
    () => members.flatMap(idsOf).length === 8 && members.every(each => idsOf(each).length < 8),
  );
  return members.map(idsOf);
}

function computed(allocate: typeof average.allocate): readonly (readonly number[])[] {
  const queues = Array.from({ length: 8 }, (_, queueId) => ({
    topic: 'orders',
    brokerName: 'broker-a',
    queueId,
  }));
  const clientIds = ['10.0.0.1@boris', '10.0.0.1@anna'];
  return clientIds
    .toSorted()
    .map(clientId => createAllocateContext({ consumerGroup: 'billing', clientId, clientIds, queues }))
    .map(context => allocate(context).map(({ queueId }) => queueId));
}

it('average, createAllocateContext: two members get what the strategy computes for them', async () => {
  expect(await shares(average)).toEqual(computed(average.allocate));
  expect(computed(average.allocate)).toEqual([
    [0, 1, 2, 3],
    [4, 5, 6, 7],
  ]);
});

it('consistentHash: two members get what the ring says', async () => {
  const ring = consistentHash({ virtualNodeCnt: 100 });
  const wanted = computed(context => ring.allocate(context)).map(ids => ids.toSorted((a, b) => a - b));
  expect(await shares(ring)).toEqual(wanted);
});

it('AllocateStrategy, allocateStrategy: a function of the user decides', async () => {
  const evenToTheFirst: AllocateStrategy = ({ queues, clientId, clientIds }) =>
    queues.filter(({ queueId }) => queueId % clientIds.length === clientIds.indexOf(clientId));
  expect(await shares(evenToTheFirst)).toEqual([
    [0, 2, 4, 6],
    [1, 3, 5, 7],
  ]);
});
