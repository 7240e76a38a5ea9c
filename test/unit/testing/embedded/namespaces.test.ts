// SPDX-License-Identifier: Apache-2.0
/** Do brokers see the names of a namespace, and users those they gave, whatever way a name takes? */
import { describe, expect, it } from 'vitest';
import {
  type ConsumerConfig,
  type ConsumerEvent,
  concurrently,
  createConsumer,
  createProducer,
  type MessageExt,
  orderly,
  silentLogger,
} from '../../../../src/index.ts';
import { parseRunningInfo } from '../../../../src/protocol/bodies/running-info.ts';
import { RequestCode } from '../../../../src/protocol/codes.ts';
import type { ExtFields } from '../../../../src/protocol/frame.ts';
import { startEmbeddedCluster } from '../../../../src/testing/embedded/embedded-cluster.ts';
import { TestClock } from '../../../../src/testing/test-clock.ts';
import { MemoryFileSystem } from '../../../support/memory-file-system.ts';
import { WireClient } from './server/wire-client.ts';

interface Setup {
  readonly config?: ConsumerConfig;
  /** How often each message fails first. */
  readonly failures?: number;
  readonly wireTopic?: string;
}

async function aConsumer({ config = {}, failures = 0, wireTopic = 'shop%orders' }: Setup = {}) {
  const cluster = await startEmbeddedCluster({ clock: new TestClock(), messageDelayLevel: '1s 1s 1s 1s' });
  cluster.createTopic(wireTopic, { queues: 2 });
  const seen: MessageExt[] = [];
  const events: ConsumerEvent[] = [];
  const disk = new MemoryFileSystem();
  const consumer = createConsumer(
    {
      ...{ namespace: 'shop', consumerGroup: 'billing', namesrvAddr: cluster.namesrvAddr },
      ...{ subscriptions: [{ topic: 'orders' }], consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET' },
      listener: concurrently(([message]) => {
        seen.push(message);
        if (message.reconsumeTimes < failures) throw new Error('not yet');
      }),
      ...config,
    },
    undefined,
    { clock: cluster.clock, logger: silentLogger, fileSystem: disk },
  );
  consumer.actor.on('*', event => events.push(event));
  return {
    ...{ cluster, consumer, seen, events, disk },
    start: () => cluster.passUntil(consumer.start()),
    send: (...bodies: readonly string[]) => cluster.send(...bodies.map(body => ({ topic: wireTopic, body }))),
    async [Symbol.asyncDispose](): Promise<void> {
      await cluster.passUntil(consumer.shutdown());
      await cluster.stop();
    },
  };
}

const committedIn = (test: Awaited<ReturnType<typeof aConsumer>>, group: string, topic: string) =>
  [0, 1].map(queueId => test.cluster.broker().committed(group, topic, queueId) ?? 0);

describe('a namespace of version 1', () => {
  it('is in all names brokers see, and in none a user sees; a retry comes back under the own topic', async () => {
    await using test = await aConsumer({ failures: 1 });
    await test.start();
    test.send('a', 'b', 'c', 'd');
    await test.cluster.passUntil(() => test.seen.length === 8);
    await test.cluster.pass(6000);
    expect(test.seen.map(({ topic }) => topic)).toEqual(Array(8).fill('orders'));
    expect(committedIn(test, 'shop%billing', 'shop%orders')).toEqual([2, 2]);
    const [member] = test.cluster.broker().members('shop%billing');
    expect([...(member?.subscriptions.keys() ?? [])]).toEqual(['shop%orders', '%RETRY%shop%billing']);
    const [retried] = test.cluster.broker().messages('%RETRY%shop%billing');
    expect(retried?.properties.get('RETRY_TOPIC')).toBe('shop%orders');
    expect(
      test.consumer
        .getAssignedQueues()
        .map(({ queue }) => queue.topic)
        .toSorted(),
    ).toEqual([...['%RETRY%billing', 'orders', 'orders']]);
    const requests = test.cluster.requests();
    const names = new Set(requests.flatMap(({ topic, group }) => [topic, group]).filter(Boolean));
    expect([...names].toSorted()).toEqual(['%RETRY%shop%billing', 'shop%billing', 'shop%orders']);
    const told = JSON.stringify([
      test.events,
      test.consumer.actor.getSnapshot(),
      await test.consumer.health(),
    ]);
    expect(told).not.toContain('shop%');
  });

  it('holds for locks: orderly ones and those of a hand-over', async () => {
    await using fenced = await aConsumer();
    await using held = await aConsumer({ config: { listener: orderly(() => undefined) } });
    for (const { start, cluster } of [fenced, held]) {
      await start();
      await cluster.pass(30_000);
    }
    const holder = ({ cluster }: typeof held, group: string) =>
      cluster.broker().lockedBy(group, 'shop%orders', 0);
    const idOf = ({ consumer }: typeof held) => consumer.actor.getSnapshot().context.clientId;
    expect(holder(held, 'shop%billing')).toBe(idOf(held));
    expect(holder(fenced, '%RETRY%shop%billing')).toBe(idOf(fenced));
  });

  it('holds for what a broker asks: its figures, where it stands, a reset', async () => {
    await using test = await aConsumer();
    const { cluster, consumer } = test;
    await test.start();
    test.send(...'0123');
    await cluster.passUntil(() => test.seen.length === 4);
    const tool = await WireClient.connect(cluster.broker().address);
    const ask = async (code: number, fields: ExtFields) => {
      const answer = tool.request(code, { fields });
      await cluster.passUntil(answer);
      return answer;
    };
    const { clientId } = consumer.actor.getSnapshot().context;
    const group = 'shop%billing';
    const info = await ask(RequestCode.GET_CONSUMER_RUNNING_INFO, { consumerGroup: group, clientId });
    const { mqTable, subscriptionSet, statusTable } = parseRunningInfo(info.body);
    expect(mqTable.map(([{ topic }]) => topic)).toContain('shop%orders');
    expect(subscriptionSet.map(({ topic }) => topic)).toEqual(['shop%orders', '%RETRY%shop%billing']);
    expect([...statusTable.keys()]).toContain('shop%orders');
    const place = { topic: 'shop%orders', group };
    const status = await ask(RequestCode.INVOKE_BROKER_TO_GET_CONSUMER_STATUS, { ...place, clientAddr: '' });
    expect(status.body.toString()).toContain('"topic":"shop%orders"}:2');
    await ask(RequestCode.INVOKE_BROKER_TO_RESET_OFFSET, { ...place, timestamp: '0', isForce: 'true' });
    await cluster.passUntil(() => test.seen.length === 8);
    expect(test.seen.length).toBe(8);
    tool.close();
  });

  it('keeps the files of two namespaces apart', async () => {
    await using test = await aConsumer({ config: { messageModel: 'BROADCASTING', storePath: '/data' } });
    await test.start();
    test.send('a', 'b');
    await test.cluster.passUntil(() => test.seen.length === 2);
    await test.cluster.passUntil(test.consumer.shutdown());
    const files = [...test.disk.files.keys()];
    expect(files.some(file => file.includes('/shop%25billing/'))).toBe(true);
  });

  it('is the same for a producer, whose topics are made within it', async () => {
    await using test = await aConsumer({ wireTopic: 'shop%others' });
    const { cluster } = test;
    await using producer = createProducer(
      { namespace: 'shop', namesrvAddr: cluster.namesrvAddr, producerGroup: 'tills' },
      { clock: cluster.clock },
    );
    await cluster.passUntil(producer.start());
    const sent = producer.send({ topic: 'orders', body: 'x' });
    await cluster.passUntil(sent);
    expect((await sent).queue.topic).toBe('orders');
    expect(cluster.broker().topics()).toContain('shop%orders');
    await cluster.passUntil(producer.shutdown());
  });
});

describe('a namespace of version 2', () => {
  it('leaves names as they are and is said with every request', async () => {
    const namespace = { name: 'shop', version: 2 } as const;
    await using test = await aConsumer({ config: { namespace }, wireTopic: 'orders' });
    await test.start();
    test.send('a', 'b');
    await test.cluster.passUntil(() => test.seen.length === 2);
    await test.cluster.pass(31_000);
    const requests = test.cluster.requests();
    expect(requests.length).toBeGreaterThan(10);
    expect(requests.filter(({ fields }) => fields['ns'] !== 'shop' || fields['nsd'] !== 'true')).toEqual([]);
    expect(committedIn(test, 'billing', 'orders')).toEqual([1, 1]);
  });
});

describe('names with the namespace in front', () => {
  it('are refused in a config and at a subscribe, saying what to write', async () => {
    expect(() =>
      createConsumer(
        {
          namespace: 'shop',
          consumerGroup: 'shop%billing',
          namesrvAddr: 'a:1',
          subscriptions: [{ topic: 'shop%orders' }],
        },
        undefined,
      ),
    ).toThrow(/Write 'billing'.*\n.*Write 'orders'/);
    await using test = await aConsumer();
    await test.start();
    await expect(test.consumer.subscribe('shop%others')).rejects.toMatchObject({
      code: 'RMQ_SUBSCRIPTION_INVALID',
    });
  });

  it.each([
    ['shop%x'],
    [''],
    [7],
    [{ name: 'shop', version: 3 }],
    [{ name: 'shop', tenant: 'x' }],
    ['x'.repeat(101)],
  ])('no namespace is %o', namespace => {
    const config = { namespace, consumerGroup: 'billing', namesrvAddr: 'a:1' } as ConsumerConfig; // what a user without types may write
    expect(() => createConsumer(config, undefined)).toThrow(/namespace: /);
  });
});
