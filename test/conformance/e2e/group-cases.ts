// SPDX-License-Identifier: Apache-2.0
/** ClusterTest and LoadBalancingTest: how do the members of a group share what there is? */
import { expect } from 'vitest';
import type { E2eClass } from './e2e-case.ts';
import type { E2eConsumer, GivenConsumer } from './e2e-consumer.ts';
import { bodies, type E2eStage, numbered, sorted } from './stage.ts';

async function join(stage: E2eStage, count: number, given: GivenConsumer): Promise<E2eConsumer[]> {
  const consumers: E2eConsumer[] = [];
  while (consumers.length < count) consumers.push(await stage.consumer(given));
  return consumers;
}

/** Sends so many and answers how many each consumer got of them; each was delivered once. */
async function sharedOut(
  stage: E2eStage,
  consumers: readonly E2eConsumer[],
  { topic, group }: GivenConsumer,
  count: number,
): Promise<readonly number[]> {
  for (const consumer of consumers) consumer.clear();
  await stage.send(numbered(topic, count));
  await stage.committed(topic, group);
  expect(sorted(consumers.flatMap(consumer => consumer.bodies()))).toEqual(bodies(count));
  return consumers.map(({ seen }) => seen.length);
}

/** A broadcasting consumer, which has its files to itself. */
function broadcasting(stage: E2eStage, topic: string, group: string): GivenConsumer {
  const instanceName = stage.fresh('instance');
  return { topic, group, config: { messageModel: 'BROADCASTING', instanceName } };
}

/** Sends so many and waits until each consumer got all of them; each came once. */
async function givenToAll(
  stage: E2eStage,
  consumers: readonly E2eConsumer[],
  topic: string,
  count: number,
): Promise<void> {
  await stage.shares(
    consumers,
    topic,
    consumers.map(() => 8),
  );
  await stage.send(numbered(topic, count));
  await stage.until('everybody got everything', () => consumers.every(({ seen }) => seen.length >= count));
  for (const consumer of consumers) await stage.stop(consumer);
  for (const consumer of consumers) expect(sorted(consumer.bodies())).toEqual(bodies(count));
}

/** Of each queue the messages came in the order of their offsets. */
function expectOrder(consumers: readonly E2eConsumer[]): void {
  for (const { seen } of consumers) {
    for (const queueId of new Set(seen.map(each => each.queueId))) {
      const offsets = seen.filter(each => each.queueId === queueId).map(({ queueOffset }) => queueOffset);
      expect(offsets).toEqual(offsets.toSorted((a, b) => a - b));
    }
  }
}

export const clusterTest: E2eClass = {
  name: 'ClusterTest',
  cases: [
    {
      name: 'testClusterConsume',
      about: 'three members of a group get each of 100 messages once between them, and each gets some',
      async run(stage) {
        const given = { topic: await stage.topic(), group: stage.fresh('e2e') };
        const consumers = await join(stage, 3, given);
        await stage.until('all queues are owned', () =>
          consumers.every(each => each.owned(given.topic) >= 2),
        );
        const shares = await sharedOut(stage, consumers, given, 100);
        expect(Math.min(...shares)).toBeGreaterThan(0);
      },
    },
    {
      name: 'testBroadcastConsume',
      about: 'three broadcasting consumers of groups of their own get all of 100 messages, each once',
      async run(stage) {
        const topic = await stage.topic();
        const consumers: E2eConsumer[] = [];
        for (let member = 0; member < 3; member++) {
          consumers.push(await stage.consumer(broadcasting(stage, topic, stage.fresh('e2e'))));
        }
        await givenToAll(stage, consumers, topic, 100);
      },
    },
    {
      name: 'testBroadcastConsumeWithSameGroupId',
      about: 'three broadcasting members of one group get all of 100 messages, each once',
      async run(stage) {
        const topic = await stage.topic();
        const group = stage.fresh('e2e');
        const consumers: E2eConsumer[] = [];
        for (let member = 0; member < 3; member++) {
          consumers.push(await stage.consumer(broadcasting(stage, topic, group)));
        }
        await givenToAll(stage, consumers, topic, 100);
      },
    },
  ],
};

export const loadBalancingTest: E2eClass = {
  name: 'LoadBalancingTest',
  cases: [
    {
      name: 'testLoadBalancing_normal_message',
      about:
        'four members get a quarter each of 240, two are left with a half each, four have a quarter each again',
      async run(stage) {
        const given = { topic: await stage.topic(), group: stage.fresh('e2e') };
        const first = await join(stage, 4, given);
        await stage.shares(first, given.topic, [2, 2, 2, 2]);
        expect(await sharedOut(stage, first, given, 240)).toEqual([60, 60, 60, 60]);
        const [one, two, ...others] = first;
        for (const each of others) await stage.stop(each);
        const left = [one, two].flatMap(each => each ?? []);
        await stage.shares(left, given.topic, [4, 4]);
        expect(await sharedOut(stage, left, given, 240)).toEqual([120, 120]);
        const again = [...left, ...(await join(stage, 2, given))];
        await stage.shares(again, given.topic, [2, 2, 2, 2]);
        expect(await sharedOut(stage, again, given, 240)).toEqual([60, 60, 60, 60]);
      },
    },
    {
      name: 'testLoadBalancing_global_sequential_message',
      about:
        'of two orderly members one gets all 30 messages of a queue; when it leaves, the other gets the next 30',
      async run(stage) {
        const given = { topic: await stage.topic(), group: stage.fresh('e2e'), orderly: true as const };
        const consumers = await join(stage, 2, given);
        await stage.shares(consumers, given.topic, [4, 4]);
        await stage.send(numbered(given.topic, 30), 'one key');
        await stage.committed(given.topic, given.group);
        const busy = consumers.filter(({ seen }) => seen.length > 0);
        expect(busy.map(each => each.bodies())).toEqual([bodies(30)]);
        const idle = consumers.filter(({ seen }) => seen.length === 0);
        for (const each of busy) await stage.stop(each);
        await stage.shares(idle, given.topic, [8]);
        await stage.send(numbered(given.topic, 30), 'one key');
        await stage.committed(given.topic, given.group);
        expect(idle.map(each => each.bodies())).toEqual([bodies(30)]);
      },
    },
    {
      name: 'testLoadBalancing_partition_sequential_message',
      about:
        'of 120 messages over eight queues four orderly members get a quarter each, and the two that stay a half each',
      async run(stage) {
        const given = { topic: await stage.topic(), group: stage.fresh('e2e'), orderly: true as const };
        const first = await join(stage, 4, given);
        await stage.shares(first, given.topic, [2, 2, 2, 2]);
        expect(await sharedOut(stage, first, given, 120)).toEqual([30, 30, 30, 30]);
        expectOrder(first);
        const [one, two, ...others] = first;
        for (const each of others) await stage.stop(each);
        const left = [one, two].flatMap(each => each ?? []);
        await stage.shares(left, given.topic, [4, 4]);
        expect(await sharedOut(stage, left, given, 120)).toEqual([60, 60]);
        expectOrder(left);
      },
    },
  ],
};
