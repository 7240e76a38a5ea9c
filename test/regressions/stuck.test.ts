// SPDX-License-Identifier: Apache-2.0
/** Bugs by which other clients stood still, or ran hot: does any of them happen here? docs/peer-bugs.md. */
import { afterEach, expect, it } from 'vitest';
import { execute } from '../../src/consumer/execute.ts';
import { orderly } from '../../src/listeners/listener.ts';
import { OrderlyResult } from '../../src/model/consume-result.ts';
import { RequestCode, ResponseCode } from '../../src/protocol/codes.ts';
import { deferred, queueNumber } from '../support/builders.ts';
import { ConsumerKit, type KitOptions } from '../support/consumer-kit.ts';
import { committed, firstQueue, numbers, offsetsDelivered, oneQueue, pullsOf } from './kit.ts';

const minute = 60_000;
const kits: ConsumerKit[] = [];
afterEach(() => {
  for (const kit of kits.splice(0)) kit.actor.stop();
});

function consumer(options: KitOptions = {}): ConsumerKit {
  const kit = new ConsumerKit({ cluster: oneQueue, ...options });
  kits.push(kit);
  return kit;
}

it('alibaba/rocketmq#459: an orderly queue that was suspended again and again for ten minutes goes on', async () => {
  const outage = { isOver: false };
  const done: number[] = [];
  const kit = consumer({
    config: {
      listener: orderly(([{ queueOffset }]) => {
        if (!outage.isOver) return OrderlyResult.SUSPEND_CURRENT_QUEUE_A_MOMENT;
        done.push(queueOffset);
        return OrderlyResult.SUCCESS;
      }),
    },
  });
  await kit.start();
  kit.cluster.store(firstQueue, 3000); // more than a queue may hold: it is throttled all the time
  await kit.pass(10 * minute, 500);
  expect([kit.all('queue.revoked'), done]).toEqual([[], []]);
  outage.isOver = true;
  await kit.until(() => done.length === 3000);
  expect(done).toEqual(numbers(0, 3000));
});

it('rocketmq-client-go#897: a listener that hangs for ten minutes while its queue is full blocks no other queue, and then goes on', async () => {
  const hand = deferred<undefined>();
  const kit = consumer({
    cluster: { topics: { orders: 2 } },
    listener: (_, { queue }) => (queue.queueId === 0 ? hand.promise : undefined),
    config: { consumeConcurrency: 4, pullThresholdForQueue: 10 },
  });
  await kit.start();
  kit.cluster.store(queueNumber(0), 3);
  kit.cluster.store(queueNumber(1), 50);
  await kit.pass(10 * minute, 500);
  kit.cluster.store(queueNumber(1), 50);
  await kit.until(() => offsetsDelivered(kit, 1).length === 100);
  hand.resolve(undefined);
  kit.cluster.store(queueNumber(0), 3);
  await kit.until(() => offsetsDelivered(kit, 0).length === 6);
  expect(kit.all('queue.revoked')).toEqual([]);
});

it.each([
  ['moves the offset to where it is', ResponseCode.PULL_OFFSET_MOVED],
  ['says "again at once" without leading on', ResponseCode.PULL_RETRY_IMMEDIATELY],
])(
  'alibaba/rocketmq#395: a broker that %s ("none correction") is not asked in a hot loop',
  async (_, code) => {
    const kit = consumer();
    kit.cluster.on(RequestCode.PULL_MESSAGE, ({ fields }) => ({
      code,
      fields: {
        ...{ nextBeginOffset: fields['queueOffset'] ?? '', minOffset: '0', maxOffset: '7157' },
        suggestWhichBrokerId: '0',
      },
    }));
    await kit.start();
    await kit.pass(minute);
    expect(pullsOf(kit).length).toBeGreaterThan(1);
    expect(pullsOf(kit).length).toBeLessThan(100);
  },
);

it('rocketmq-client-go#574, #587: of a queue that went to another member nothing is pulled or delivered any more', async () => {
  const kit = consumer({ cluster: { topics: { orders: 2 } }, config: { handover: 'none' } });
  await kit.start();
  kit.cluster.otherMembers.add('10.0.0.99@other');
  kit.cluster.tellMembersChanged('billing');
  await kit.until(() => kit.all('queue.revoked').length === 1);
  const [gone = firstQueue] = kit.all('queue.revoked').map(({ queue }) => queue);
  kit.cluster.store(gone, 10);
  await kit.pass(1000);
  const before = { asked: kit.cluster.asked.length, pulls: pullsOf(kit, gone.queueId).length };
  kit.cluster.store(gone, 10);
  await kit.pass(minute);
  expect(pullsOf(kit, gone.queueId).length).toBe(before.pulls);
  expect(offsetsDelivered(kit, gone.queueId)).toEqual([]);
  expect(kit.cluster.asked.length - before.asked).toBeLessThan(60);
});

it('rocketmq-client-go#1080: a lock that was renewed is not taken for expired', async () => {
  const delivered: number[] = [];
  const kit = consumer({
    config: { listener: orderly(([{ queueOffset }]) => void delivered.push(queueOffset)) },
  });
  await kit.start();
  await kit.pass(5 * minute);
  const renewals = kit.cluster.askedFor(RequestCode.LOCK_BATCH_MQ).length;
  expect(renewals).toBeGreaterThanOrEqual(14);
  kit.cluster.store(firstQueue, 1);
  await kit.settle(); // no time passes
  expect(delivered).toEqual([0]);
});

it('apache/rocketmq#3513: a heartbeat that is not answered in time does not close the connection that pulls live on', async () => {
  const kit = consumer();
  await kit.start();
  const { length } = kit.cluster.dials;
  kit.cluster.on(RequestCode.HEART_BEAT, () => undefined);
  await kit.pass(2 * minute);
  kit.cluster.store(firstQueue, 1);
  await kit.until(() => kit.delivered.length === 1);
  expect(kit.cluster.dials.length).toBe(length);
  expect(kit.all('queue.revoked')).toEqual([]);
});

it('apache/rocketmq#2621: an orderly queue is consumed as soon as its lock is given, not a renewal later', async () => {
  const delivered: number[] = [];
  const kit = consumer({
    config: { listener: orderly(([{ queueOffset }]) => void delivered.push(queueOffset)) },
  });
  kit.cluster.queue('orders@broker-a#0').max = 1;
  await kit.start();
  await kit.pass(500);
  expect(delivered).toEqual([0]);
});

it('alibaba/rocketmq#281; apache/rocketmq#1404: one message that hangs does not let the queue run ahead for ever', async () => {
  const kit = consumer({
    listener: ([{ queueOffset }]) => (queueOffset === 0 ? new Promise(() => {}) : undefined),
    config: { consumeConcurrentlyMaxSpan: 100 },
  });
  await kit.start();
  kit.cluster.store(firstQueue, 1000);
  await kit.pass(minute);
  expect(Math.max(...offsetsDelivered(kit))).toBeLessThan(200);
});

it('apache/rocketmq#2777: a topic that was deleted is pulled no more, said to be so once, and consumed again from its beginning when it is back', async () => {
  const kit = await consumer().start();
  kit.cluster.store(firstQueue, 5);
  await kit.until(() => kit.delivered.length === 5);
  await kit.pass(5000);
  kit.cluster.topics.delete('orders');
  kit.cluster.on(RequestCode.PULL_MESSAGE, () => ({
    code: ResponseCode.TOPIC_NOT_EXIST,
    remark: 'the topic[orders] not exist',
  }));
  kit.cluster.cut('broker-a:10911'); // ends the poll that the broker held
  await kit.until(() => kit.all('queue.revoked').length === 1);
  expect(kit.all('queue.revoked')).toMatchObject([{ queue: firstQueue, reason: 'deleted' }]);
  const { length } = kit.cluster.asked;
  const commits = kit.cluster.askedFor(RequestCode.UPDATE_CONSUMER_OFFSET).length;
  await kit.pass(5 * minute, 200);
  expect(pullsOf(kit).filter(({ at }) => at > kit.clock.now() - 5 * minute)).toEqual([]);
  expect(kit.cluster.askedFor(RequestCode.UPDATE_CONSUMER_OFFSET).length).toBe(commits);
  expect(kit.cluster.asked.length - length).toBeLessThan(120); // routes of two topics, heartbeats, members
  expect(kit.faults.filter(({ error }) => error.code === 'RMQ_TOPIC_DELETED')).toHaveLength(1);
  kit.cluster.topics.set('orders', 1);
  kit.cluster.on(RequestCode.PULL_MESSAGE, () => 'as usual');
  Object.assign(kit.cluster.queue('orders@broker-a#0'), { max: 7 }); // the broker still has 5 as committed
  await kit.until(() => kit.delivered.length === 12);
  expect(offsetsDelivered(kit)).toEqual([0, 1, 2, 3, 4, 0, 1, 2, 3, 4, 5, 6]);
});

it.each([
  ['is missing', ResponseCode.SUBSCRIPTION_NOT_EXIST],
  ['is not the latest', ResponseCode.SUBSCRIPTION_NOT_LATEST],
])(
  'apache/rocketmq#5473, #2836: a broker that says our subscription %s is told it again, and is not asked in a hot loop',
  async (_, code) => {
    const kit = await consumer().start();
    const before = { pulls: pullsOf(kit).length, beats: kit.cluster.askedFor(RequestCode.HEART_BEAT).length };
    kit.cluster.on(RequestCode.PULL_MESSAGE, () => ({ code, remark: 'the consumer subscription' }));
    kit.cluster.store(firstQueue, 1); // ends the poll that the broker held
    await kit.pass(minute);
    expect(pullsOf(kit).length - before.pulls).toBeGreaterThan(2);
    expect(pullsOf(kit).length - before.pulls).toBeLessThan(61);
    const beats = kit.cluster.askedFor(RequestCode.HEART_BEAT).length - before.beats;
    expect(beats).toBeGreaterThan(2);
    expect(beats).toBeLessThan(61);
    kit.cluster.on(RequestCode.PULL_MESSAGE, () => 'as usual');
    kit.cluster.store(firstQueue, 1);
    await kit.until(() => kit.delivered.length === 2);
  },
);

it('rocketmq-client-go#1024: the queues of a topic that was unsubscribed are let go', async () => {
  const kit = await consumer().start();
  kit.cluster.store(firstQueue, 2);
  await kit.until(() => kit.delivered.length === 2);
  const leaving = execute(kit.actor, { type: 'consumer.unsubscribe', topic: 'orders' });
  await kit.until(() => kit.all('queue.revoked').length === 1);
  await leaving;
  const pulls = pullsOf(kit).length;
  kit.cluster.store(firstQueue, 2);
  await kit.pass(minute);
  expect([pullsOf(kit).length, kit.delivered.length]).toEqual([pulls, 2]);
  expect(committed(kit)).toBe(2);
});
