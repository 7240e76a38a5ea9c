// SPDX-License-Identifier: Apache-2.0
/** What can a test do with an embedded cluster as a whole, and is nothing left of it? */
import { describe, expect, it } from 'vitest';
import { startEmbeddedCluster } from '../../../../../src/testing/embedded/embedded-cluster.ts';
import { TestClock } from '../../../../../src/testing/test-clock.ts';
import { turn } from '../../../../support/builders.ts';
import { RawAdmin } from '../../../../support/cluster/raw-admin.ts';
import { WireClient } from './wire-client.ts';

/** Sockets and listeners of this process. */
function resources(): readonly string[] {
  return process.getActiveResourcesInfo().filter(name => name.startsWith('TCP'));
}

describe('startEmbeddedCluster', () => {
  it('starts one name server and one broker unless more is asked for', async () => {
    await using one = await startEmbeddedCluster();
    expect([one.nameServers, one.brokers].map(list => list.map(({ name }) => name))).toEqual([
      ['namesrv-0'],
      ['broker-a'],
    ]);
    await using more = await startEmbeddedCluster({ nameServers: 2, brokers: 3 });
    expect(more.brokers.map(({ name }) => name)).toEqual(['broker-a', 'broker-b', 'broker-c']);
    expect(more.namesrvAddr.split(';')).toEqual(more.nameServers.map(({ address }) => address));
    expect(more.brokers.every(({ isRunning }) => isRunning)).toBe(true);
  });

  it('takes names and ports', async () => {
    const first = await startEmbeddedCluster({ brokers: [{ name: 'north' }, { name: 'south' }] });
    const port = Number(first.namesrvAddr.split(':')[1]);
    const brokerPort = Number(first.broker('south').address.split(':')[1]);
    await first.stop();
    await using second = await startEmbeddedCluster({ port, brokers: [{ name: 'x', port: brokerPort }] });
    expect([second.namesrvAddr, second.broker('x').address]).toEqual([
      `127.0.0.1:${port}`,
      `127.0.0.1:${brokerPort}`,
    ]);
  });

  it('starts many brokers with names of their own', async () => {
    await using cluster = await startEmbeddedCluster({ brokers: 28 });
    const names = cluster.brokers.map(({ name }) => name);
    expect([names[25], names[26], names[27], new Set(names).size]).toEqual([
      'broker-z',
      'broker-aa',
      'broker-ab',
      28,
    ]);
  });

  it.each([
    [{ nameServers: 0 }, /nameServers: 0 is not/],
    [{ brokers: -1 }, /brokers: -1 is not/],
    [{ port: 70_000 }, /port: 70000 is not/],
    [{ messageDelayLevel: 'soon' }, /messageDelayLevel: "soon" is not/],
    [{ brokers: [{ name: 'a' }, { name: 'a' }] }, /two called a/],
    [{ brokers: [{ name: 'a b' }] }, /"a b" is no broker name/],
  ])('refuses %j', async (options, problem) => {
    await expect(startEmbeddedCluster(options)).rejects.toThrow(problem);
  });

  it('leaves nothing when one of its ports is taken', async () => {
    await using other = await startEmbeddedCluster();
    const before = resources();
    const port = Number(other.namesrvAddr.split(':')[1]);
    await expect(startEmbeddedCluster({ port, brokers: 3 })).rejects.toMatchObject({
      code: 'RMQ_CONNECT_FAILED',
    });
    expect(resources()).toEqual(before);
  });

  it('leaves no socket and no listener behind, however often', async () => {
    const before = resources();
    for (let i = 0; i < 20; i++) {
      const cluster = await startEmbeddedCluster({ brokers: 2 });
      const client = await WireClient.connect(cluster.broker().address);
      client.tell(38, { fields: { consumerGroup: 'billing' } });
      cluster.send({ topic: 'orders', body: 'x', delayTimeLevel: 1 });
      await Promise.all([cluster.stop(), cluster.stop()]);
      await client.untilClosed();
    }
    for (let i = 0; i < 2; i++) await turn(); // the test's own last socket
    expect(resources()).toEqual(before);
  });

  it('leaves no timer on a clock of the test', async () => {
    const clock = new TestClock();
    const cluster = await startEmbeddedCluster({ clock });
    cluster.send({ topic: 'orders', body: 'x', delayTimeLevel: 1 });
    cluster.interfere({}, { kind: 'delay', ms: 1000 });
    using client = await WireClient.connect(cluster.broker().address);
    client.tell(38, { fields: { consumerGroup: 'billing' } });
    await cluster.untilRequest({ request: 'consumerListByGroup' });
    await cluster.stop();
    expect(clock.pending).toBe(0);
  });
});

describe('topics and messages', () => {
  it('are made on all brokers or on some, and grow', async () => {
    await using cluster = await startEmbeddedCluster({ brokers: 2 });
    cluster.createTopic('orders', { queues: 2 });
    cluster.createTopic('orders', { queues: 3, brokers: ['broker-b'] });
    expect(cluster.brokers.map(broker => broker.queues('orders').length)).toEqual([2, 3]);
    expect(() => cluster.createTopic('bad topic')).toThrow('bad topic');
    expect(() => cluster.createTopic('orders', { queues: 0 })).toThrow('queues of orders');
    expect(() => cluster.createTopic('orders', { brokers: ['broker-c'] })).toThrow(
      'broker-c; there are broker-a, broker-b',
    );
  });

  it('go round over brokers and queues unless they say where', async () => {
    await using cluster = await startEmbeddedCluster({ brokers: 2 });
    cluster.createTopic('orders', { queues: 2 });
    const sent = cluster.send(...Array.from({ length: 8 }, (_, i) => ({ topic: 'orders', body: `${i}` })));
    expect(sent.map(({ queueId, queueOffset }) => [queueId, queueOffset])).toEqual([
      ...[0, 0, 1, 1].map(queueId => [queueId, 0]),
      ...[0, 0, 1, 1].map(queueId => [queueId, 1]),
    ]);
    const [placed] = cluster.send({ topic: 'orders', body: 'here', brokerName: 'broker-b', queueId: 1 });
    expect(cluster.broker('broker-b').messages('orders', 1).at(-1)).toEqual(placed);
  });

  it('of a topic that nobody has make it on all brokers, unless that is switched off', async () => {
    await using on = await startEmbeddedCluster({ brokers: 2, defaultTopicQueueNums: 3 });
    on.send({ topic: 'orders', body: 'x' });
    expect(on.brokers.map(broker => broker.queues('orders').length)).toEqual([3, 3]);
    await using off = await startEmbeddedCluster({ autoCreateTopicEnable: false });
    expect(() => off.send({ topic: 'orders', body: 'x' })).toThrow('no running broker has the topic orders');
  });

  it('are not sent to a broker that was killed', async () => {
    await using cluster = await startEmbeddedCluster({ brokers: 2 });
    cluster.createTopic('orders', { queues: 1 });
    await cluster.broker('broker-a').kill();
    cluster.send({ topic: 'orders', body: '1' }, { topic: 'orders', body: '2' });
    expect(cluster.brokers.map(broker => broker.messages('orders').length)).toEqual([0, 2]);
    expect(() => cluster.send({ topic: 'orders', body: 'x', brokerName: 'broker-a' })).toThrow(
      'broker-a does not run',
    );
  });

  it('and offsets outlive a kill', async () => {
    await using cluster = await startEmbeddedCluster();
    const broker = cluster.broker();
    cluster.send({ topic: 'orders', body: 'x', queueId: 0 });
    broker.commit('billing', 'orders', 0, 1);
    await broker.kill();
    await broker.start();
    expect([broker.messages('orders').length, broker.committed('billing', 'orders', 0)]).toEqual([1, 1]);
  });

  it('are dropped as by retention', async () => {
    await using cluster = await startEmbeddedCluster();
    const broker = cluster.broker();
    for (let i = 0; i < 5; i++) cluster.send({ topic: 'orders', body: `${i}`, queueId: 0 });
    broker.dropMessages('orders', 0, 3);
    expect(broker.queues('orders')[0]).toMatchObject({ minOffset: 3, maxOffset: 5 });
    expect(broker.messages('orders', 0).map(({ body }) => body.toString())).toEqual(['3', '4']);
  });
});

describe('brokers', () => {
  it('come and go', async () => {
    await using cluster = await startEmbeddedCluster();
    const admin = new RawAdmin(cluster.namesrvAddr);
    const added = await cluster.addBroker({ name: 'broker-b' });
    expect((await admin.clusterBrokers()).map(({ brokerName }) => brokerName)).toEqual([
      'broker-a',
      'broker-b',
    ]);
    expect(added.topics()).toEqual([]);
    await expect(cluster.addBroker({ name: 'broker-b' })).rejects.toThrow('two called broker-b');
    await cluster.removeBroker('broker-b');
    expect((await admin.clusterBrokers()).map(({ brokerName }) => brokerName)).toEqual(['broker-a']);
    expect(() => cluster.broker('broker-b')).toThrow('there is no broker broker-b; there are broker-a');
    await expect(added.start()).rejects.toMatchObject({ code: 'RMQ_COMMAND_REFUSED' });
    admin.close();
  });

  it('whose port is taken are not added', async () => {
    await using cluster = await startEmbeddedCluster();
    const port = Number(cluster.broker().address.split(':')[1]);
    await expect(cluster.addBroker({ name: 'broker-b', port })).rejects.toMatchObject({
      code: 'RMQ_CONNECT_FAILED',
    });
    expect(cluster.brokers).toHaveLength(1);
  });
});

describe('requests', () => {
  it('are listed with the server that received them, and can be waited for', async () => {
    await using cluster = await startEmbeddedCluster();
    using client = await WireClient.connect(cluster.broker().address);
    const waiting = cluster.untilRequest({ request: 'maxOffset', topic: 'orders' });
    await client.request(30, { fields: { topic: 'orders', queueId: '0' } });
    expect(await waiting).toMatchObject({ server: 'broker-a', name: 'maxOffset', answer: 0 });
    expect(cluster.requests({ request: 30 })).toEqual([await waiting]);
    expect(cluster.requests({ topic: 'parcels' })).toEqual([]);
  });

  it('are interfered with on any server until the rule is removed', async () => {
    await using cluster = await startEmbeddedCluster();
    using client = await WireClient.connect(cluster.broker().address);
    const rule = cluster.interfere({ request: 'maxOffset', server: 'broker-a' }, { kind: 'answer', code: 2 });
    const fields = { topic: 'orders', queueId: '0' };
    expect(await client.request(30, { fields })).toMatchObject({ code: 2 });
    rule.remove();
    expect(await client.request(30, { fields })).toMatchObject({ code: 0 });
    expect(rule.applied).toBe(1);
  });
});

describe('time', () => {
  it('is moved by hand with a TestClock only', async () => {
    await using cluster = await startEmbeddedCluster();
    await expect(cluster.pass(10)).rejects.toMatchObject({ code: 'RMQ_COMMAND_REFUSED' });
  });

  it('passes as far as it is told to, and what is due happens', async () => {
    const clock = new TestClock();
    await using cluster = await startEmbeddedCluster({ clock });
    cluster.send({ topic: 'orders', body: 'x', delayTimeLevel: 3 });
    await cluster.pass(9990);
    expect([clock.now(), cluster.broker().messages('orders').length]).toEqual([9990, 0]);
    await cluster.pass(10);
    expect([clock.now(), cluster.broker().messages('orders').length]).toEqual([10_000, 1]);
  });

  it('passes until something is so, or a promise settles, and no longer than allowed', async () => {
    const clock = new TestClock();
    await using cluster = await startEmbeddedCluster({ clock });
    await cluster.passUntil(() => clock.now() >= 1000);
    expect(clock.now()).toBe(1000);
    const later = new Promise<string>(resolve => {
      clock.setTimeout(() => resolve('done'), 500);
    });
    expect(await cluster.passUntil(later)).toBe('done');
    await expect(cluster.passUntil(Promise.reject(new Error('broken')))).rejects.toThrow('broken');
    await expect(cluster.passUntil(() => false, 2000)).rejects.toMatchObject({ code: 'RMQ_REQUEST_TIMEOUT' });
    expect(clock.now()).toBe(3500);
  });
});
