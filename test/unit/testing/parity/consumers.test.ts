// SPDX-License-Identifier: Apache-2.0
/** Does each name of consumers, config and listeners do what it says? Before the colon of a title: the names, as the page has them. */
import { afterEach, expect, it, vi } from 'vitest';
import {
  type ConsumeContext,
  ConsumeResult,
  concurrently,
  createConcurrentConsumer,
  createConsumer,
  createConsumerConfig,
  createOrderlyConsumer,
  explain,
  OrderlyResult,
  orderly,
  parseConfig,
  simple,
  systemSources,
} from '../../../../src/index.ts';
import { World } from './kit.ts';

afterEach(() => vi.unstubAllEnvs());

it('createConsumer, consumer.start, consumer.isRunning, consumer.shutdown: it consumes from start to shutdown', async () => {
  await using world = await World.open();
  const consumer = world.keep(createConsumer(world.config, world.note, world.environment));
  expect(consumer.isRunning()).toBe(false);
  await world.wait(consumer.start());
  expect(consumer.isRunning()).toBe(true);
  world.send('a', 'b');
  await world.wait(() => world.seen.length === 2);
  expect((await world.wait(consumer.shutdown()))?.clean).toBe(true);
  expect(consumer.isRunning()).toBe(false);
  world.send('c');
  await world.cluster.pass(5000);
  expect(world.seen.toSorted()).toEqual(['a', 'b']);
});

it('createConcurrentConsumer: several calls of one queue run side by side', async () => {
  await using world = await World.open({ queues: 1 });
  let running = 0;
  const ends: (() => void)[] = [];
  const listener = async (): Promise<void> => {
    running += 1;
    await new Promise<void>(resolve => ends.push(resolve));
  };
  const consumer = world.keep(createConcurrentConsumer(world.config, listener, world.environment));
  await world.wait(consumer.start());
  world.send('a', 'b', 'c');
  await world.wait(() => running === 3);
  for (const end of ends) end();
  await world.wait(() => consumer.getStats().messagesConsumed === 3);
  expect(ends).toHaveLength(3);
});

it('createOrderlyConsumer: one call of a queue at a time, under the lock of the queue', async () => {
  await using world = await World.open({ queues: 1 });
  const ends: (() => void)[] = [];
  const listener = async ([message]: readonly [{ readonly body: Buffer }, ...unknown[]]): Promise<void> => {
    world.seen.push(message.body.toString());
    await new Promise<void>(resolve => ends.push(resolve));
  };
  const consumer = world.keep(createOrderlyConsumer(world.config, listener, world.environment));
  await world.wait(consumer.start());
  world.send('a', 'b');
  await world.wait(() => world.seen.length === 1);
  await world.cluster.pass(1000);
  expect(world.seen).toEqual(['a']);
  expect(world.cluster.broker().lockedBy('billing', 'orders', 0)).toContain('@');
  ends.shift()?.();
  await world.wait(() => world.seen.length === 2);
  expect(world.seen).toEqual(['a', 'b']);
  ends.shift()?.();
});

it('consumer.subscribe, consumer.unsubscribe: a topic comes and goes while it runs', async () => {
  await using world = await World.open();
  world.cluster.createTopic('refunds', { queues: 1 });
  const consumer = await world.started();
  await world.wait(consumer.subscribe('refunds'));
  world.cluster.send({ topic: 'refunds', body: 'back' });
  await world.wait(() => world.seen.includes('back'));
  await world.wait(consumer.unsubscribe('refunds'));
  world.cluster.send({ topic: 'refunds', body: 'unread' });
  await world.cluster.pass(5000);
  expect(world.seen).toEqual(['back']);
});

it('consumer.getStats, consumer.health, consumer.getAssignedQueues: they show what it does and has', async () => {
  await using world = await World.open();
  world.send('a', 'b', 'c');
  const consumer = await world.started();
  await world.wait(() => world.seen.length === 3);
  await world.cluster.pass(10_000);
  const stats = consumer.getStats();
  expect(stats).toMatchObject({ messagesConsumed: 3, messagesFailed: 0, pullFailures: 0, heldMessages: 0 });
  expect(stats.pullSuccesses).toBeGreaterThan(0);
  expect(stats.uptimeSeconds).toBeGreaterThanOrEqual(10);
  expect(stats.assignedQueuesCount).toBe(consumer.getAssignedQueues().length);
  const queues = consumer.getAssignedQueues().filter(({ queue }) => queue.topic === 'orders');
  expect(queues.map(({ queue }) => queue.queueId).toSorted()).toEqual([0, 1]);
  expect(consumer.health()).toMatchObject({ status: 'up' });
  await world.cluster.broker().kill();
  await world.wait(() => consumer.health().status === 'degraded');
});

it('subscriptions, systemSources: a consumer made of the environment is one that was configured by hand', async () => {
  await using world = await World.open();
  vi.stubEnv('ROCKETMQ_CONSUMER_GROUP', 'from-environment');
  vi.stubEnv('ROCKETMQ_NAMESRV_ADDR', world.cluster.namesrvAddr);
  expect(systemSources().env).toMatchObject({ ROCKETMQ_CONSUMER_GROUP: 'from-environment' });
  await world.started({
    ...{ consumerGroup: undefined, namesrvAddr: undefined },
    subscriptions: [{ topic: 'orders' }],
  });
  world.send('a');
  await world.wait(() => world.seen.length === 1);
  expect(world.cluster.broker().members('from-environment')).toHaveLength(1);
});

it('parseConfig, createConsumerConfig, explain: a config is checked whole, and each value says where it came from', () => {
  const sources = systemSources({ env: { ROCKETMQ_PULL_BATCH_SIZE: '64' } });
  const config = parseConfig({ consumerGroup: 'billing', namesrvAddr: 'a:9876' }, sources);
  const line = (option: string) =>
    explain(config)
      .split('\n')
      .find(each => each.includes(option));
  expect(line('consumerGroup')).toMatch(/billing.*argument/);
  expect(line('pullBatchSize')).toMatch(/64.*ROCKETMQ_PULL_BATCH_SIZE/);
  expect(createConsumerConfig('billing', 'a:9876', { pullBatchSize: 64 })).toMatchObject({
    ...{ consumerGroup: 'billing', namesrvAddr: 'a:9876', pullBatchSize: 64 },
  });
  expect(line('pullInterval')).toMatch(/0.*default/);
  expect(() => parseConfig({ consumerGroup: 'a b', pullBatchSize: 0 }, sources)).toThrow(/[34] problems/);
});

it('concurrently, ConsumeContext, ConsumeResult: a batch with its context; what is to come later comes again', async () => {
  await using world = await World.open({ queues: 1 });
  world.send('a', 'b');
  const attempts: number[] = [];
  const attributes: number[] = [];
  const listener = concurrently((messages, context: ConsumeContext) => {
    attempts.push(context.attempt);
    context.attributes.set(`${context.attempt}`, messages);
    attributes.push(context.attributes.size);
    return messages[0].body.toString() === 'b' && context.attempt === 1
      ? ConsumeResult.RECONSUME_LATER
      : ConsumeResult.SUCCESS;
  });
  await world.started({}, listener);
  await world.wait(() => attempts.length === 3);
  expect(attempts).toEqual([1, 1, 2]);
  expect(attributes).toEqual([1, 1, 1]); // each delivery has its own
});

it('orderly, OrderlyResult: a queue that is suspended waits, and then goes on with the same message', async () => {
  await using world = await World.open({ queues: 1 });
  world.send('a', 'b');
  let failures = 2;
  const listener = orderly(([message]) => {
    world.seen.push(message.body.toString());
    return failures-- > 0 ? OrderlyResult.SUSPEND_CURRENT_QUEUE_A_MOMENT : OrderlyResult.SUCCESS;
  });
  await world.started({}, listener);
  await world.wait(() => world.seen.length === 4);
  expect(world.seen).toEqual(['a', 'a', 'a', 'b']);
});

it('simple: one message a call, whatever the batch size says', async () => {
  await using world = await World.open({ queues: 1 });
  world.send('a', 'b', 'c');
  const queueIds: number[] = [];
  const listener = simple((message, { queue }) => {
    world.seen.push(message.body.toString());
    queueIds.push(queue.queueId);
  });
  await world.started({ consumeMessageBatchMaxSize: 3 }, listener);
  await world.wait(() => world.seen.length === 3);
  expect(world.seen).toEqual(['a', 'b', 'c']);
  expect(queueIds).toEqual([0, 0, 0]);
});
