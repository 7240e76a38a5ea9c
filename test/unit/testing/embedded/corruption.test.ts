// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import {
  type ConsumerConfig,
  type ConsumerEvent,
  createConsumerActor,
  execute,
  shutdown,
  silentLogger,
  simple,
  tag,
  whenRunning,
} from '../../../../src/index.ts';
import { type EmbeddedCluster, startEmbeddedCluster, TestClock } from '../../../../src/testing/index.ts';

const queue = { topic: 'orders', brokerName: 'broker-a', queueId: 0 };

/** One queue with messages 0 to 9 of tag `a`, each with as many of tag `b` before it as is said. */
async function aQueue(between = 0): Promise<EmbeddedCluster> {
  const cluster = await startEmbeddedCluster({ clock: new TestClock() });
  cluster.createTopic('orders', { queues: 1 });
  for (let i = 0; i < 10; i++) {
    for (let other = 0; other < between; other++) cluster.send({ topic: 'orders', body: 'other', tags: 'b' });
    cluster.send({ topic: 'orders', body: String(i), tags: 'a' });
  }
  return cluster;
}

async function consume(cluster: EmbeddedCluster, config: Partial<ConsumerConfig> = {}) {
  const bodies: string[] = [];
  const events: ConsumerEvent[] = [];
  const actor = createConsumerActor(
    {
      consumerGroup: 'billing',
      namesrvAddr: cluster.namesrvAddr,
      consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
      subscriptions: [{ topic: 'orders', selector: tag('a') }],
      listener: simple(({ body }) => void bodies.push(body.toString())),
      ...config,
    },
    { clock: cluster.clock, logger: silentLogger },
  );
  actor.on('*', event => events.push(event));
  actor.start();
  await cluster.passUntil(whenRunning(actor));
  const stop = () => cluster.passUntil(shutdown(actor));
  return {
    ...{ actor, bodies, stop },
    seek: (to: number) => cluster.passUntil(execute(actor, { type: 'queue.seek', queue, to })),
    faults: () =>
      events.flatMap(event =>
        event.type === 'fault' ? [[event.error.code, event.error.context['queueOffset']]] : [],
      ),
    skipped: () => events.flatMap(each => (each.type === 'message.skipped' ? [each.queueOffset] : [])),
    [Symbol.asyncDispose]: async () => void (await stop()),
  };
}

const all = [...'0123456789'];

describe.each(['body', 'length'] as const)('a message with a damaged %s', what => {
  it('is asked for again, and delivered when it comes right in the end', async () => {
    await using cluster = await aQueue();
    using damage = cluster.broker().damage({ ...queue, queueOffset: 4 }, what, { times: 3 });
    await using consumer = await consume(cluster);
    await cluster.passUntil(() => consumer.bodies.length === 10);
    expect([consumer.bodies, consumer.faults(), damage.applied]).toEqual([all, [], 3]);
  });

  it('halts its queue; a seek behind it leaves the halt, and nothing comes twice', async () => {
    await using cluster = await aQueue();
    using damage = cluster.broker().damage({ ...queue, queueOffset: 4 }, what);
    await using consumer = await consume(cluster);
    await cluster.passUntil(() => consumer.faults().length === 1);
    await cluster.pass(60_000);
    expect([consumer.bodies, consumer.faults(), damage.applied]).toEqual([
      all.slice(0, 4),
      [['RMQ_BAD_MESSAGE', 4]],
      4,
    ]);
    expect(cluster.broker().committed('billing', 'orders', 0)).toBe(4);
    await consumer.seek(5);
    await cluster.passUntil(() => consumer.bodies.length === 9);
    await consumer.stop();
    expect(consumer.bodies).toEqual(all.filter(body => body !== '4'));
    expect(cluster.broker().committed('billing', 'orders', 0)).toBe(10);
  });

  it('that was mended is delivered after a seek to it', async () => {
    await using cluster = await aQueue();
    const damage = cluster.broker().damage({ ...queue, queueOffset: 4 }, what);
    await using consumer = await consume(cluster);
    await cluster.passUntil(() => consumer.faults().length === 1);
    damage.remove();
    await consumer.seek(4);
    await cluster.passUntil(() => consumer.bodies.length === 10);
    expect(consumer.bodies).toEqual(all);
  });

  it('is skipped where that is wanted, with what the broker filtered out before it, and asked about once', async () => {
    await using cluster = await aQueue(40);
    using _ = cluster.broker().damage({ ...queue, queueOffset: 5 * 41 - 1 }, what);
    const asked: number[] = [];
    await using consumer = await consume(cluster, {
      onCorruptMessage: async ({ queueOffset }): Promise<'skip'> => {
        asked.push(queueOffset);
        return 'skip';
      },
    });
    await cluster.passUntil(() => consumer.bodies.length === 9);
    await consumer.stop();
    expect([consumer.bodies, asked, consumer.skipped()]).toEqual([
      all.filter(body => body !== '4'),
      [204],
      [204],
    ]);
    expect(cluster.broker().committed('billing', 'orders', 0)).toBe(410);
  });
});
