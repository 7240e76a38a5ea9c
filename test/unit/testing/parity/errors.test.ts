// SPDX-License-Identifier: Apache-2.0
/**
 * Is there for each of the original's kinds of error a situation of that kind, in which one of ours comes? Before the colon of a
 * title: the names, as the page has them. No error is made here: each comes out of what is done.
 */
import { expect, it } from 'vitest';
import {
  ConfigError,
  ConsumerError,
  consumerErrorGroup,
  createOffsetStore,
  createProducer,
  RocketmqError,
  SubscriptionError,
  SubscriptionManager,
  simple,
  tag,
} from '../../../../src/index.ts';
import { World } from './kit.ts';

const queue = { topic: 'orders', brokerName: 'broker-a', queueId: 0 };

/** What callers branch on, and what is said to people. */
function facts(error: RocketmqError): readonly [string | undefined, string] {
  expect(error.hint.length).toBeGreaterThan(20);
  expect(error.docs).toBe(`docs/errors.md#${error.code.toLowerCase()}`);
  return [consumerErrorGroup(error), error.code];
}

function thrown(call: () => unknown): RocketmqError {
  try {
    call();
  } catch (error) {
    return error as RocketmqError; // the assertions that follow say so
  }
  throw new Error('nothing was thrown');
}

it('RMQ_START_TIMEOUT: start, when name servers do not answer', async () => {
  await using world = await World.open();
  for (const server of world.cluster.nameServers) server.suspend();
  const consumer = world.make({ startTimeout: 2000 });
  expect(facts(await world.refusal(consumer.start()))).toEqual(['start', 'RMQ_START_TIMEOUT']);
});

it('RMQ_ABORTED: shutdown, when a wait is given up', async () => {
  await using world = await World.open();
  const config = { consumerGroup: 'billing', namesrvAddr: world.cluster.namesrvAddr };
  await using store = createOffsetStore(config, { clock: world.cluster.clock });
  const { signal, abort } = stoppable();
  world.cluster.interfere({ request: 'queryConsumerOffset' }, { kind: 'drop' });
  const refused = world.refusal(store.readOffset(queue, 'READ_FROM_STORE', { signal }));
  await world.cluster.untilRequest({ request: 'queryConsumerOffset' });
  abort();
  expect(facts(await refused)).toEqual(['shutdown', 'RMQ_ABORTED']);
});

it('RMQ_CONSUMER_STOPPED, RMQ_CONSUMER_NOT_RUNNING, RMQ_COMMAND_REFUSED: state, before the start and after the stop', async () => {
  await using world = await World.open();
  const consumer = world.make();
  expect(facts(await world.refusal(consumer.seek(queue, 0)))).toEqual(['state', 'RMQ_CONSUMER_NOT_RUNNING']);
  await world.wait(consumer.start());
  await world.wait(consumer.shutdown());
  expect(facts(await world.refusal(consumer.start()))).toEqual(['state', 'RMQ_CONSUMER_STOPPED']);
  const suspended = await world.refusal(consumer.suspend());
  expect(facts(suspended)).toEqual(['state', 'RMQ_COMMAND_REFUSED']);
});

it('ConsumerError, RMQ_LISTENER_FAILED: consume, when the listener throws', async () => {
  await using world = await World.open();
  const failing = simple(() => {
    throw new Error('no stock');
  });
  await world.started({}, failing);
  world.send('a');
  const error = await world.fault('RMQ_LISTENER_FAILED');
  expect(error).toBeInstanceOf(ConsumerError);
  expect(facts(error)[0]).toBe('consume');
  expect(error.cause).toMatchObject({ message: 'no stock' });
});

it('RMQ_BAD_BODY, RMQ_BAD_MESSAGE: pull, when a message cannot be read', async () => {
  await using world = await World.open({ queues: 1 });
  world.send('a', 'b');
  world.cluster.broker().damage({ topic: 'orders', queueId: 0, queueOffset: 0 }, 'body');
  await world.started();
  await world.wait(() => world.events.some(({ type }) => type === 'fault'));
  const codes = world.events.flatMap(event => (event.type === 'fault' ? [facts(event.error)] : []));
  expect(codes).toContainEqual(['pull', expect.stringMatching(/^(RMQ_BAD_BODY|RMQ_BAD_MESSAGE)$/)]);
});

it('RMQ_OFFSET_OUT_OF_RANGE: offset, for a seek past the end', async () => {
  await using world = await World.open();
  const consumer = await world.started();
  expect(facts(await world.refusal(consumer.seek(queue, 99)))).toEqual(['offset', 'RMQ_OFFSET_OUT_OF_RANGE']);
});

it('RMQ_OFFSET_UNKNOWN: offsetFetch, when the broker does not say where the group is', async () => {
  await using world = await World.open();
  world.cluster.interfere({ request: 'queryConsumerOffset' }, { kind: 'answer', code: 1, remark: 'disk' });
  world
    .make()
    .start()
    .catch(() => {}); // told by the fault
  expect(facts(await world.fault('RMQ_OFFSET_UNKNOWN'))).toEqual(['offsetFetch', 'RMQ_OFFSET_UNKNOWN']);
});

it('RMQ_ALLOCATION_FAILED, RMQ_QUEUE_NOT_OWNED: rebalance, when a strategy fails, and for a queue of somebody else', async () => {
  await using world = await World.open();
  const allocateStrategy = () => {
    throw new Error('no idea');
  };
  world
    .make({ allocateStrategy })
    .start()
    .catch(() => {}); // told by the fault
  expect(facts(await world.fault('RMQ_ALLOCATION_FAILED'))[0]).toBe('rebalance');
  const consumer = await world.started({ consumerGroup: 'other' });
  const nowhere = { ...queue, queueId: 77 };
  expect(facts(await world.refusal(consumer.pause({ queue: nowhere })))).toEqual([
    'rebalance',
    'RMQ_QUEUE_NOT_OWNED',
  ]);
});

it('RMQ_BROKER_ERROR, RMQ_NO_PERMISSION: broker, when it says no', async () => {
  await using world = await World.open();
  await using store = createOffsetStore(
    { consumerGroup: 'billing', namesrvAddr: world.cluster.namesrvAddr },
    { clock: world.cluster.clock },
  );
  store.updateOffset(queue, 3);
  for (const [code, expected] of [
    [1, 'RMQ_BROKER_ERROR'],
    [16, 'RMQ_NO_PERMISSION'],
  ] as const) {
    world.cluster.interfere({ request: 'updateConsumerOffset' }, { kind: 'answer', code, remark: 'no' });
    expect(facts(await world.refusal(store.persist(queue)))).toEqual(['broker', expected]);
  }
});

it('RMQ_NAME_SERVER_UNAVAILABLE: nameServer, when none can be asked', async () => {
  await using world = await World.open();
  const { namesrvAddr } = world.cluster;
  for (const server of world.cluster.nameServers) await server.kill();
  const producer = createProducer({ namesrvAddr, startTimeout: 1000 }, { clock: world.cluster.clock });
  expect(facts(await world.refusal(producer.start()))).toEqual(['nameServer', 'RMQ_NAME_SERVER_UNAVAILABLE']);
});

it('RMQ_CONNECTION_LOST, RMQ_CONNECT_FAILED: network, when a broker dies, and while it is away', async () => {
  await using world = await World.open();
  await world.started();
  await world.cluster.broker().kill();
  const lost = () =>
    world.events.flatMap(event =>
      event.type === 'connection.lost' && event.error !== undefined ? [facts(event.error)] : [],
    );
  await world.wait(() => lost().length > 0);
  expect(lost()).toContainEqual(['network', 'RMQ_CONNECTION_LOST']);
  for (const server of world.cluster.nameServers) await server.kill();
  const late = await world.refusal(world.make({ startTimeout: 2000 }).start());
  expect(deepest(late)).toMatchObject({ code: 'RMQ_CONNECT_FAILED' });
});

it('RMQ_REQUEST_TIMEOUT: timeout, when an answer does not come', async () => {
  await using world = await World.open();
  world.cluster.interfere({ request: 'queryConsumerOffset' }, { kind: 'dropAnswer' });
  const config = { consumerGroup: 'billing', namesrvAddr: world.cluster.namesrvAddr };
  await using store = createOffsetStore(config, { clock: world.cluster.clock });
  const error = await world.refusal(store.readOffset(queue, 'READ_FROM_STORE'));
  expect(facts(error)).toEqual(['timeout', 'RMQ_REQUEST_TIMEOUT']);
});

it('ConfigError, RMQ_CONFIG_INVALID: config, before anything exists', async () => {
  await using world = await World.open();
  const error = thrown(() => world.make({ pullBatchSize: 0, consumerGroup: 'a b' }));
  expect(error).toBeInstanceOf(ConfigError);
  expect(facts(error)).toEqual(['config', 'RMQ_CONFIG_INVALID']);
  expect((error as ConfigError).problems).toHaveLength(2);
});

it('RMQ_COMMAND_INVALID: validation, for a command that makes no sense', async () => {
  await using world = await World.open();
  const consumer = await world.started();
  const error = await world.refusal(consumer.pause({ topic: 'letters' }));
  expect(facts(error)).toEqual(['validation', 'RMQ_COMMAND_INVALID']);
});

it('SubscriptionError, RMQ_SUBSCRIPTION_INVALID: subscribe, each problem of a topic or a selector, and unsubscribe', async () => {
  await using world = await World.open();
  const consumer = await world.started();
  const few = new SubscriptionManager({ limit: 1 });
  few.subscribe('orders');
  const errors = [
    await world.refusal(consumer.subscribe('a b')),
    await world.refusal(consumer.subscribe('refunds', tag('||'))),
    await world.refusal(consumer.updateSelector('refunds', tag('x'))),
    thrown(() => few.subscribe('refunds')),
    thrown(() => few.fromDataList('topics' as never)), // what is not typed may be anything
  ];
  for (const error of errors) expect(error).toBeInstanceOf(SubscriptionError);
  expect(errors.map(error => [...facts(error), (error as SubscriptionError).problem])).toEqual([
    ['subscribe', 'RMQ_SUBSCRIPTION_INVALID', 'topic'],
    ['subscribe', 'RMQ_SUBSCRIPTION_INVALID', 'selector'],
    ['unsubscribe', 'RMQ_SUBSCRIPTION_INVALID', 'notSubscribed'],
    ['subscribe', 'RMQ_SUBSCRIPTION_INVALID', 'limit'],
    ['subscribe', 'RMQ_SUBSCRIPTION_INVALID', 'data'],
  ]);
});

it('RMQ_SELECTOR_REFUSED, RMQ_TOPIC_NOT_FOUND: subscribe, when a broker does not take a selector or there is no such topic', async () => {
  await using world = await World.open();
  const consumer = await world.started();
  world.cluster.interfere({ request: 'checkClientConfig' }, { kind: 'answer', code: 23, remark: 'syntax' });
  const refused = await world.refusal(
    consumer.updateSelector('orders', { type: 'SQL92', expression: 'price > 10' }),
  );
  expect(refused).toMatchObject({ code: 'RMQ_SELECTOR_REFUSED', problem: 'selector' });
  await world.started({ consumerGroup: 'other', subscriptions: [{ topic: 'nowhere' }] });
  expect(facts(await world.fault('RMQ_TOPIC_NOT_FOUND'))[0]).toBe('subscribe');
});

function deepest(error: unknown): unknown {
  return error instanceof Error && error.cause instanceof RocketmqError ? deepest(error.cause) : error;
}

function stoppable(): { readonly signal: AbortSignal; readonly abort: () => void } {
  const controller = new AbortController();
  return { signal: controller.signal, abort: () => controller.abort() };
}
