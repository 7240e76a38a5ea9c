// SPDX-License-Identifier: Apache-2.0
/** Does a consumer that is steered by its methods do on an embedded cluster what they promise? */
import { describe, expect, it } from 'vitest';
import { type ConsumerConfig, createConsumer, simple, tag } from '../../../../../src/index.ts';
import { silentLogger } from '../../../../../src/observability/logger.ts';
import type { EmbeddedCluster } from '../../../../../src/testing/embedded/cluster.types.ts';
import { startEmbeddedCluster } from '../../../../../src/testing/embedded/embedded-cluster.ts';
import { TestClock } from '../../../../../src/testing/test-clock.ts';
import { loopOver } from '../../../consumer/face-kit.ts';

async function aCluster(messages: number): Promise<EmbeddedCluster> {
  const cluster = await startEmbeddedCluster({ clock: new TestClock() });
  cluster.createTopic('orders', { queues: 2 });
  cluster.send(...Array.from({ length: messages }, (_, i) => ({ topic: 'orders', body: `${i}` })));
  return cluster;
}

function configFor(cluster: EmbeddedCluster): ConsumerConfig {
  return {
    consumerGroup: 'billing',
    namesrvAddr: cluster.namesrvAddr,
    subscriptions: [{ topic: 'orders' }],
    consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
    consumeConcurrency: 8,
  };
}

function committed(cluster: EmbeddedCluster): readonly (number | undefined)[] {
  return [0, 1].map(id => cluster.broker().committed('billing', 'orders', id));
}

describe('a loop over messages() on an embedded cluster', () => {
  it('that is left half-way gets later what it did not ack, and nothing that it did', async () => {
    await using cluster = await aCluster(100);
    const consumer = createConsumer(configFor(cluster), undefined, {
      clock: cluster.clock,
      logger: silentLogger,
    });
    await cluster.passUntil(consumer.start());
    const acked: number[] = [];
    const open: number[] = [];
    const half = loopOver(consumer.messages(), message => {
      const number = Number(message.body);
      if (number % 10 === 5) open.push(number);
      else {
        acked.push(number);
        message.ack();
      }
      return acked.length === 45 ? 'enough' : undefined;
    });
    await cluster.passUntil(half.ended);
    await cluster.pass(1000);
    expect(open.length).toBeGreaterThan(3);
    expect(cluster.requests({ request: 'consumerSendMsgBack' })).toHaveLength(open.length);

    const rest = loopOver(consumer.messages());
    await cluster.passUntil(() => rest.seen.length === 55);
    await cluster.pass(1000);
    const again = rest.seen.filter(({ attempt }) => attempt === 2).map(({ body }) => Number(body));
    expect(again.toSorted((a, b) => a - b)).toEqual(open.toSorted((a, b) => a - b));
    const all = [...acked, ...rest.seen.map(({ body }) => Number(body))].toSorted((a, b) => a - b);
    expect(all).toEqual(Array.from({ length: 100 }, (_, i) => i));

    const report = await cluster.passUntil(consumer.shutdown());
    expect([report?.clean, rest.outcome]).toEqual([true, 'over']);
    expect(committed(cluster)).toEqual([50, 50]);
  });
});

describe('the methods of a consumer on an embedded cluster', () => {
  it('move, pause, filter and commit as they promise', async () => {
    await using cluster = await aCluster(10);
    const seen: string[] = [];
    const listener = simple(({ topic, queueId, body }) => void seen.push(`${topic}-${queueId} ${body}`));
    const consumer = createConsumer(configFor(cluster), listener, {
      clock: cluster.clock,
      logger: silentLogger,
    });
    await cluster.passUntil(consumer.start());
    await cluster.passUntil(() => seen.length === 10);
    await cluster.passUntil(consumer.commit());
    expect(committed(cluster)).toEqual([5, 5]);

    const [first] = consumer.getAssignedQueues().map(({ queue }) => queue);
    if (first === undefined) throw new Error('it owns no queue');
    await cluster.passUntil(consumer.pause({ queue: first }));
    await cluster.passUntil(consumer.seek(first, 3));
    expect(committed(cluster)[first.queueId]).toBe(3);
    await cluster.pass(1000);
    expect(seen).toHaveLength(10);
    await cluster.passUntil(consumer.resume({ queue: first }));
    await cluster.passUntil(() => seen.length === 12);

    cluster.createTopic('refunds', { queues: 1 });
    await cluster.passUntil(consumer.subscribe('refunds', tag('paid')));
    cluster.send(
      { topic: 'refunds', body: 'no', tags: 'open' },
      { topic: 'refunds', body: 'yes', tags: 'paid' },
    );
    await cluster.passUntil(() => seen.length === 13);
    await cluster.pass(1000);
    expect(seen.slice(12)).toEqual(['refunds-0 yes']);
    await cluster.passUntil(consumer.unsubscribe('refunds'));
    expect(cluster.broker().committed('billing', 'refunds', 0)).toBe(2);
    expect(cluster.broker().members('billing')[0]?.subscriptions.has('refunds')).toBe(false);
    expect(consumer.getStats()).toMatchObject({ messagesConsumed: 13, messagesFailed: 0 });
    expect((await cluster.passUntil(consumer.shutdown()))?.clean).toBe(true);
  });
});
