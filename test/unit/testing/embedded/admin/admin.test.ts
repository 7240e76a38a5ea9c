// SPDX-License-Identifier: Apache-2.0
/** Do name servers and brokers answer admin tools? Asked by the witness of the real cluster, which shares no code with them. */
import { describe, expect, it } from 'vitest';
import { encodeHeartbeat } from '../../../../../src/protocol/bodies/heartbeat.ts';
import { parseOffsetTable } from '../../../../../src/protocol/bodies/offset-table.ts';
import { encodeSubscriptionGroup } from '../../../../../src/protocol/bodies/subscription-group.ts';
import { parseTopicList } from '../../../../../src/protocol/bodies/topic-list.ts';
import { parseTopicStats } from '../../../../../src/protocol/bodies/topic-stats.ts';
import type { EmbeddedClusterOptions } from '../../../../../src/testing/embedded/cluster.types.ts';
import { startEmbeddedCluster } from '../../../../../src/testing/embedded/embedded-cluster.ts';
import { TestClock } from '../../../../../src/testing/test-clock.ts';
import { RawAdmin } from '../../../../support/cluster/raw-admin.ts';
import { aHeartbeat } from '../clients/builders.ts';
import { WireClient } from '../server/wire-client.ts';

async function aCluster(options: EmbeddedClusterOptions = {}) {
  const cluster = await startEmbeddedCluster(options);
  const admin = new RawAdmin(cluster.namesrvAddr);
  return {
    cluster,
    admin,
    broker: cluster.broker(),
    async [Symbol.asyncDispose](): Promise<void> {
      admin.close();
      await cluster.stop();
    },
  };
}

describe('a name server', () => {
  it('lists the brokers that run', async () => {
    await using test = await aCluster({ brokers: 2 });
    const { cluster, admin } = test;
    const address = (name: string) => new Map([[0, cluster.broker(name).address]]);
    expect(await admin.clusterBrokers()).toEqual([
      { brokerName: 'broker-a', addresses: address('broker-a') },
      { brokerName: 'broker-b', addresses: address('broker-b') },
    ]);
    await cluster.broker('broker-a').kill();
    expect((await admin.clusterBrokers()).map(({ brokerName }) => brokerName)).toEqual(['broker-b']);
  });

  it('answers 17 to a topic that no running broker has, and its route as long as one has it', async () => {
    await using test = await aCluster({ brokers: 2 });
    const { cluster, admin } = test;
    expect(await admin.topicRoute('orders')).toBeUndefined();
    cluster.createTopic('orders', { queues: 3, brokers: ['broker-b'] });
    expect(await admin.topicRoute('orders')).toMatchObject({
      brokers: [{ brokerName: 'broker-b' }],
      queues: [{ brokerName: 'broker-b', readQueues: 3, writeQueues: 3, perm: 6 }],
    });
    await cluster.broker('broker-b').kill();
    expect(await admin.topicRoute('orders')).toBeUndefined();
    await cluster.broker('broker-b').start();
    expect(await admin.topicRoute('orders')).toBeDefined();
  });

  it('gives producers the template topic from which a first send makes others, unless that is switched off', async () => {
    await using on = await aCluster();
    expect((await on.admin.topicRoute('TBW102'))?.queues).toMatchObject([{ writeQueues: 8, perm: 7 }]);
    await using off = await aCluster({ autoCreateTopicEnable: false });
    expect(await off.admin.topicRoute('TBW102')).toBeUndefined();
  });

  it('answers alike on every one of several', async () => {
    await using test = await aCluster({ nameServers: 2 });
    const [first, second] = test.cluster.nameServers.map(({ address }) => address);
    expect(await test.admin.clusterBrokers(second)).toEqual(await test.admin.clusterBrokers(first));
  });

  it('lists all topics, answers 22 to a configuration and 3 to what it does not know', async () => {
    await using test = await aCluster({ brokers: 2 });
    const [nameServer] = test.cluster.nameServers;
    const address = nameServer?.address ?? '';
    test.cluster.createTopic('orders');
    const topics = parseTopicList((await test.admin.request(address, { code: 206 })).body);
    expect(topics.filter(topic => topic === 'orders')).toEqual(['orders']);
    const ofCluster = await test.admin.request(address, { code: 224, fields: { cluster: 'DefaultCluster' } });
    expect(parseTopicList(ofCluster.body)).toEqual(topics);
    const fields = { namespace: 'ORDER_TOPIC_CONFIG', key: 'orders' };
    expect((await test.admin.request(address, { code: 101, fields })).code).toBe(22);
    expect((await test.admin.request(address, { code: 999 })).code).toBe(3);
  });
});

describe('a broker', () => {
  it('makes, grows and deletes topics', async () => {
    await using test = await aCluster();
    const { admin, broker } = test;
    await admin.createTopic('broker-a', 'orders', 2);
    await admin.createTopic('broker-a', 'orders', 4);
    expect((await admin.topicRoute('orders'))?.queues).toMatchObject([{ readQueues: 4, writeQueues: 4 }]);
    expect(broker.topics()).toEqual(['orders']);
    await admin.deleteTopic('orders');
    expect(await admin.topicRoute('orders')).toBeUndefined();
  });

  it('refuses a topic with an illegal name, or one of its own, with 29', async () => {
    await using test = await aCluster();
    await expect(test.admin.createTopic('broker-a', 'bad topic', 1)).rejects.toThrow('29');
    await expect(test.admin.createTopic('broker-a', 'SCHEDULE_TOPIC_XXXX', 1)).rejects.toThrow('29');
  });

  it('says how far a group is, queue by queue', async () => {
    await using test = await aCluster();
    const { cluster, admin, broker } = test;
    cluster.createTopic('orders', { queues: 2 });
    cluster.send(...[0, 0, 0, 1].map(queueId => ({ topic: 'orders', body: 'x', queueId })));
    broker.commit('billing', 'orders', 0, 2);
    expect(await admin.consumeStats('billing', 'orders', 'broker-a')).toEqual([
      { queueId: 0, brokerOffset: 3, consumerOffset: 2 },
      { queueId: 1, brokerOffset: 1, consumerOffset: 0 },
    ]);
    const all = await admin.request(broker.address, { code: 208, fields: { consumerGroup: 'billing' } });
    expect(all.body.toString()).toContain('"topic":"orders"');
    const listed = { consumerGroup: 'billing', topicList: 'parcels;orders' };
    const some = await admin.request(broker.address, { code: 208, fields: listed });
    expect(some.body.toString()).toBe(all.body.toString());
  });

  it('says what a topic’s queues hold, and 17 when there is none', async () => {
    await using test = await aCluster({ clock: new TestClock({ wallNow: 1_800_000_000_000 }) });
    const { cluster, admin, broker } = test;
    cluster.createTopic('orders', { queues: 2 });
    cluster.send({ topic: 'orders', body: 'x', queueId: 1 });
    const { body } = await admin.request(broker.address, { code: 202, fields: { topic: 'orders' } });
    expect(parseTopicStats(body).offsetTable.map(([{ queueId }, stats]) => [queueId, stats])).toEqual([
      [0, { minOffset: 0, maxOffset: 0, lastUpdateTimestamp: 0 }],
      [1, { minOffset: 0, maxOffset: 1, lastUpdateTimestamp: 1_800_000_000_000 }],
    ]);
    const unknown = await admin.request(broker.address, { code: 202, fields: { topic: 'parcels' } });
    expect([unknown.code, unknown.remark]).toEqual([17, 'topic[parcels] not exist']);
  });

  it('says who is connected with which subscriptions, and 206 when nobody is', async () => {
    await using test = await aCluster();
    const { admin, broker } = test;
    expect(await admin.consumerConnection('billing', 'broker-a')).toBeUndefined();
    using client = await WireClient.connect(broker.address);
    const heartbeat = aHeartbeat({ clientId: 'me@1', topics: { orders: 'paid' } });
    await client.request(34, { body: encodeHeartbeat(heartbeat) });
    expect(await admin.consumerConnection('billing', 'broker-a')).toEqual({
      members: [{ clientId: 'me@1', clientAddr: client.address, language: 'OTHER', version: 441 }],
      consumeType: 'CONSUME_PASSIVELY',
      messageModel: 'CLUSTERING',
      consumeFromWhere: 'CONSUME_FROM_LAST_OFFSET',
      subscriptions: { orders: 'paid' },
    });
  });

  it('takes a group’s settings: its retry topic gets that many queues', async () => {
    await using test = await aCluster();
    const { admin, broker } = test;
    const body = encodeSubscriptionGroup({
      ...{ groupName: 'billing', brokerId: 0, retryMaxTimes: 16, retryQueueNums: 3 },
      ...{ consumeEnable: true, consumeBroadcastEnable: true, consumeFromMinEnable: true },
      ...{
        consumeMessageOrderly: false,
        notifyConsumerIdsChangedEnable: true,
        whichBrokerWhenConsumeSlowly: 1,
      },
    });
    expect((await admin.request(broker.address, { code: 200, body })).code).toBe(0);
    using client = await WireClient.connect(broker.address);
    await client.request(34, { body: encodeHeartbeat(aHeartbeat()) });
    expect(broker.queues('%RETRY%billing')).toHaveLength(3);
  });

  it('moves a group to a time, to the end, or to an offset, and refuses what is out of range', async () => {
    const clock = new TestClock({ wallNow: 1000 });
    await using test = await aCluster({ clock });
    const { cluster, admin, broker } = test;
    cluster.createTopic('orders', { queues: 1 });
    for (let i = 0; i < 5; i++) {
      cluster.send({ topic: 'orders', body: 'x' });
      clock.jump(100);
    }
    using client = await WireClient.connect(broker.address);
    await client.request(34, { body: encodeHeartbeat(aHeartbeat()) });
    async function reset(fields: Readonly<Record<string, number>>) {
      const asked = { topic: 'orders', group: 'billing', isForce: true, timestamp: 0, ...fields };
      const { code, body } = await admin.request(broker.address, { code: 222, fields: asked });
      return code === 0 ? parseOffsetTable(body).map(([, offset]) => offset) : code;
    }
    expect(await reset({ timestamp: 1250 })).toEqual([3]);
    expect(await reset({ timestamp: 0 })).toEqual([0]);
    expect(await reset({ timestamp: -1 })).toEqual([5]);
    expect(await reset({ queueId: 0, offset: 2 })).toEqual([2]);
    expect(await reset({ queueId: 0, offset: 99 })).toBe(1);
  });

  it('describes itself and any topic as mqadmin wants it', async () => {
    await using test = await aCluster();
    const { cluster, admin, broker } = test;
    cluster.createTopic('orders', { queues: 2 });
    const runtime = await admin.request(broker.address, { code: 28 });
    expect(runtime.body.toString()).toContain('"brokerVersionDesc":"V5_5_0"');
    const topic = await admin.request(broker.address, { code: 351, fields: { topic: 'orders' } });
    expect(JSON.parse(topic.body.toString())).toMatchObject({
      topicName: 'orders',
      readQueueNums: 2,
      perm: 6,
    });
    expect((await admin.request(broker.address, { code: 351, fields: { topic: 'parcels' } })).code).toBe(17);
    await admin.registerNow(broker.address);
  });
});
