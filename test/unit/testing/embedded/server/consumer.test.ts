// SPDX-License-Identifier: Apache-2.0
/** Does this library’s own consumer work on an embedded cluster as on a real one? */
import { describe, expect, it } from 'vitest';
import {
  type ConsumerActor,
  type ConsumerConfig,
  concurrently,
  createConsumerActor,
  type Environment,
  shutdown,
  whenRunning,
} from '../../../../../src/index.ts';
import { silentLogger } from '../../../../../src/observability/logger.ts';
import type { EmbeddedCluster } from '../../../../../src/testing/embedded/cluster.types.ts';
import { startEmbeddedCluster } from '../../../../../src/testing/embedded/embedded-cluster.ts';
import { TestClock } from '../../../../../src/testing/test-clock.ts';

function aConsumer(
  cluster: EmbeddedCluster,
  config: Partial<ConsumerConfig> & Pick<ConsumerConfig, 'listener'>,
  environment: Environment = {},
): ConsumerActor {
  return createConsumerActor(
    {
      consumerGroup: 'billing',
      namesrvAddr: cluster.namesrvAddr,
      subscriptions: [{ topic: 'orders' }],
      consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
      ...config,
    },
    { logger: silentLogger, ...environment },
  ).start();
}

function committedInAll(cluster: EmbeddedCluster, topic = 'orders'): readonly (number | undefined)[] {
  return cluster.brokers.flatMap(broker =>
    broker.queues(topic).map(({ queueId }) => broker.committed('billing', topic, queueId)),
  );
}

describe('a consumer on an embedded cluster', () => {
  it('consumes 1,000 messages of two brokers once each, commits them and leaves', async () => {
    await using cluster = await startEmbeddedCluster({ brokers: 2 });
    cluster.createTopic('orders', { queues: 4 });
    const bodies = Array.from({ length: 1000 }, (_, i) => `order ${i}`);
    cluster.send(...bodies.map(body => ({ topic: 'orders', body })));
    const consumed: string[] = [];
    let finish = (): void => {};
    const finished = new Promise<void>(resolve => {
      finish = resolve;
    });
    const listener = concurrently(([message]) => {
      consumed.push(message.body.toString());
      if (consumed.length === bodies.length) finish();
    });
    const consumer = aConsumer(cluster, { listener });
    await whenRunning(consumer);
    await finished;
    const report = await shutdown(consumer);
    await cluster.settle();
    expect(consumed.toSorted()).toEqual(bodies.toSorted());
    expect(report).toMatchObject({ clean: true, abandonedMessages: 0, uncommitted: [] });
    expect(committedInAll(cluster)).toEqual(Array.from({ length: 8 }, () => 125));
    expect(cluster.brokers.flatMap(broker => broker.members('billing'))).toEqual([]);
  });

  it('is a member with its subscriptions, and shares queues with one that joins and leaves', async () => {
    const clock = new TestClock();
    await using cluster = await startEmbeddedCluster({ clock });
    cluster.createTopic('orders', { queues: 4 });
    const queuesOf = (consumer: ConsumerActor): number =>
      consumer.getSnapshot().context.assignedQueues.filter(({ queue }) => queue.topic === 'orders').length;
    const listener = concurrently(() => undefined);
    const first = aConsumer(cluster, { listener, instanceName: 'first' }, { clock });
    await cluster.passUntil(whenRunning(first));
    await cluster.passUntil(() => queuesOf(first) === 4);
    const second = aConsumer(cluster, { listener, instanceName: 'second' }, { clock });
    await cluster.passUntil(whenRunning(second));
    await cluster.passUntil(() => queuesOf(first) === 2 && queuesOf(second) === 2);
    const members = cluster.broker().members('billing');
    expect(members.map(({ subscriptions }) => [...subscriptions])).toEqual(
      [1, 2].map(() => [
        ['orders', '*'],
        ['%RETRY%billing', '*'],
      ]),
    );
    await cluster.passUntil(shutdown(second));
    await cluster.passUntil(() => queuesOf(first) === 4);
    await cluster.passUntil(shutdown(first));
    expect(cluster.broker().members('billing')).toEqual([]);
  });

  it('gets a message that fails again after 10 s, 30 s and 1 min of a clock moved by hand', async () => {
    const clock = new TestClock();
    await using cluster = await startEmbeddedCluster({ clock });
    cluster.createTopic('orders', { queues: 2 });
    const attempts: { readonly times: number; readonly at: number }[] = [];
    const listener = concurrently(([message]) => {
      attempts.push({ times: message.reconsumeTimes, at: clock.now() });
      if (message.reconsumeTimes < 3) throw new Error('not yet');
    });
    const consumer = aConsumer(cluster, { listener }, { clock });
    await cluster.passUntil(whenRunning(consumer));
    cluster.send({ topic: 'orders', body: 'order 1' });
    await cluster.passUntil(() => attempts.length === 4, 200_000);
    await cluster.passUntil(shutdown(consumer));
    const pauses = attempts.slice(1).map(({ at }, i) => Math.floor((at - (attempts[i]?.at ?? 0)) / 1000));
    expect(attempts.map(({ times }) => times)).toEqual([0, 1, 2, 3]);
    expect(pauses).toEqual([10, 30, 60]);
    expect(committedInAll(cluster, '%RETRY%billing')).toEqual([3]);
  });

  it('leaves a message that always fails in the group’s dead letters', async () => {
    const clock = new TestClock();
    await using cluster = await startEmbeddedCluster({ clock, messageDelayLevel: '1s 1s 1s 1s 1s' });
    cluster.createTopic('orders', { queues: 1 });
    const listener = concurrently(() => {
      throw new Error('never');
    });
    const consumer = aConsumer(cluster, { listener, maxReconsumeTimes: 2 }, { clock });
    await cluster.passUntil(whenRunning(consumer));
    cluster.send({ topic: 'orders', body: 'order 1', keys: 'k1' });
    await cluster.passUntil(() => cluster.broker().messages('%DLQ%billing').length === 1);
    await cluster.passUntil(shutdown(consumer));
    const [dead] = cluster.broker().messages('%DLQ%billing');
    expect(dead).toMatchObject({ topic: '%DLQ%billing', body: Buffer.from('order 1') });
    expect(dead?.properties.get('RETRY_TOPIC')).toBe('orders');
  });

  it('goes on after its broker was killed and came back', async () => {
    const clock = new TestClock();
    await using cluster = await startEmbeddedCluster({ clock });
    cluster.createTopic('orders', { queues: 2 });
    const consumed: string[] = [];
    const listener = concurrently(([message]) => {
      consumed.push(message.body.toString());
    });
    const consumer = aConsumer(cluster, { listener }, { clock });
    await cluster.passUntil(whenRunning(consumer));
    cluster.send({ topic: 'orders', body: 'before' });
    await cluster.passUntil(() => consumed.length === 1);
    await cluster.broker().kill();
    await cluster.pass(5000);
    await cluster.broker().start();
    cluster.send({ topic: 'orders', body: 'after' });
    await cluster.passUntil(() => consumed.length === 2, 120_000);
    expect(consumed).toEqual(['before', 'after']);
    await cluster.passUntil(shutdown(consumer));
    await cluster.stop();
    expect(clock.pending).toBe(0);
  });
});
