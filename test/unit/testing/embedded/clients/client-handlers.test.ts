// SPDX-License-Identifier: Apache-2.0
/** Does an embedded broker answer 34, 35, 38, 41, 42, 46 as the brokers captured in golden/broker-capture-5.5.0.json did? */
import { describe, expect, it } from 'vitest';
import { sql, subscriptionData, tag } from '../../../../../src/model/subscription.ts';
import { encodeClientConfig } from '../../../../../src/protocol/bodies/check-client-config.ts';
import { parseConsumerList } from '../../../../../src/protocol/bodies/consumer-list.ts';
import { encodeHeartbeat } from '../../../../../src/protocol/bodies/heartbeat.ts';
import { encodeLock, parseLockAnswer } from '../../../../../src/protocol/bodies/lock.ts';
import { encodeRequest } from '../../../../../src/protocol/define-request.ts';
import { decodeFrame } from '../../../../../src/protocol/frame.ts';
import { sendMessage } from '../../../../../src/protocol/requests/send-message.ts';
import type { EmbeddedClusterOptions } from '../../../../../src/testing/embedded/cluster.types.ts';
import { startEmbeddedCluster } from '../../../../../src/testing/embedded/embedded-cluster.ts';
import { TestClock } from '../../../../../src/testing/test-clock.ts';
import { queueNumber } from '../../../../support/builders.ts';
import { sendHeader } from '../messages/kit.ts';
import { WireClient } from '../server/wire-client.ts';
import { aHeartbeat, type HeartbeatOptions } from './builders.ts';

const [heartbeat, goodbye, list, lock, unlock, check] = [34, 35, 38, 41, 42, 46] as const;

async function aBroker(options: EmbeddedClusterOptions = {}) {
  const cluster = await startEmbeddedCluster(options);
  const clients: WireClient[] = [];
  return {
    cluster,
    broker: cluster.broker(),
    connect: async (): Promise<WireClient> => {
      const client = await WireClient.connect(cluster.broker().address);
      clients.push(client);
      return client;
    },
    async [Symbol.asyncDispose](): Promise<void> {
      for (const client of clients) client.close();
      await cluster.stop();
    },
  };
}

function greet(client: WireClient, options: HeartbeatOptions = {}) {
  return client.request(heartbeat, { body: encodeHeartbeat(aHeartbeat(options)) });
}

describe('a heartbeat', () => {
  it('makes a member and the group’s retry topic, and is answered after the notification', async () => {
    await using test = await aBroker();
    const client = await test.connect();
    const answer = await greet(client, { clientId: 'me@1', topics: { orders: 'paid' } });
    expect(answer).toMatchObject({
      code: 0,
      fields: { IS_SUPPORT_HEART_BEAT_V2: 'true', IS_SUB_CHANGE: 'true' },
    });
    expect(client.pushed.map(({ code }) => code)).toEqual([40]);
    expect(test.broker.members('billing')).toEqual([
      {
        clientId: 'me@1',
        from: client.address,
        language: 'OTHER',
        subscriptions: new Map([['orders', 'paid']]),
      },
    ]);
    expect(test.broker.queues('%RETRY%billing')).toHaveLength(1);
  });

  it('with an illegal group is answered 0 and passed over', async () => {
    await using test = await aBroker();
    const client = await test.connect();
    expect(await greet(client, { group: 'bad group!' })).toMatchObject({ code: 0 });
    expect([test.broker.members('bad group!'), test.broker.topics()]).toEqual([[], []]);
  });

  it('of version 2 says whether the group’s fingerprint is another than before', async () => {
    await using test = await aBroker();
    const client = await test.connect();
    const answers = [
      await greet(client),
      await greet(client, { fingerprint: 12345 }),
      await greet(client, { fingerprint: 12345 }),
      await greet(client, { fingerprint: 12345, withoutSub: true, topics: {} }),
      await greet(client, { fingerprint: 777 }),
    ];
    expect(answers.map(({ fields }) => fields['IS_SUB_CHANGE'])).toEqual([
      'true',
      'true',
      'false',
      'false',
      'true',
    ]);
    expect(test.broker.members('billing')[0]?.subscriptions.get('orders')).toBe('*');
  });

  it('that waits for a suspended broker to go on still counts: nobody is dropped meanwhile', async () => {
    const clock = new TestClock();
    await using test = await aBroker({ clock });
    const client = await test.connect();
    await greet(client);
    test.broker.suspend();
    const waiting = greet(client);
    await test.cluster.pass(300_000);
    expect(client.isOpen).toBe(true);
    test.broker.resume();
    expect(await waiting).toMatchObject({ code: 0 });
    await test.cluster.pass(20_000);
    expect(test.broker.members('billing')).toHaveLength(1);
  });

  it('that never comes again ends the membership, and the connection with it', async () => {
    const clock = new TestClock();
    await using test = await aBroker({ clock });
    const client = await test.connect();
    await greet(client);
    await test.cluster.pass(131_000);
    expect([test.broker.members('billing'), client.isOpen]).toEqual([[], false]);
  });

  it('that cannot be read is answered 1', async () => {
    await using test = await aBroker();
    const client = await test.connect();
    expect(await client.request(heartbeat, { body: Buffer.from('{') })).toMatchObject({ code: 1 });
  });
});

describe('the list of members', () => {
  it('is answered 1 when nobody is there, else the client ids', async () => {
    await using test = await aBroker();
    const [a, b] = [await test.connect(), await test.connect()];
    const fields = { consumerGroup: 'billing' };
    const none = await a.request(list, { fields });
    expect(none).toMatchObject({ code: 1, remark: 'no consumer for this group, billing' });
    await greet(a, { clientId: 'a' });
    await greet(b, { clientId: 'b' });
    expect(parseConsumerList((await a.request(list, { fields })).body)).toEqual(['a', 'b']);
  });

  it('is shorter at once when somebody says goodbye or is cut off, and the others are told', async () => {
    await using test = await aBroker();
    const [a, b, c] = [await test.connect(), await test.connect(), await test.connect()];
    await greet(a, { clientId: 'a' });
    await greet(b, { clientId: 'b' });
    await greet(c, { clientId: 'c' });
    await b.request(goodbye, { fields: { clientID: 'b', consumerGroup: 'billing' } });
    expect(test.broker.members('billing').map(({ clientId }) => clientId)).toEqual(['a', 'c']);
    c.close();
    await test.cluster.settle();
    expect(test.broker.members('billing').map(({ clientId }) => clientId)).toEqual(['a']);
    expect(a.pushed.map(({ code }) => code)).toEqual([40, 40, 40, 40, 40]);
  });
});

describe('locks', () => {
  const body = (clientId: string, ...queueIds: number[]): Buffer =>
    encodeLock({
      clientId,
      consumerGroup: 'billing',
      mqSet: queueIds.map(queueNumber),
      onlyThisBroker: false,
    });

  it('are granted, refused by leaving out, and given back', async () => {
    await using test = await aBroker();
    const client = await test.connect();
    const first = await client.request(lock, { body: body('a', 0, 1) });
    expect(parseLockAnswer(first.body)).toEqual([queueNumber(0), queueNumber(1)]);
    const second = await client.request(lock, { body: body('b', 0, 2) });
    expect(second.code).toBe(0);
    expect(parseLockAnswer(second.body)).toEqual([queueNumber(2)]);
    await client.request(unlock, { body: body('a', 0, 1) });
    expect([0, 1, 2].map(id => test.broker.lockedBy('billing', 'orders', id))).toEqual([
      undefined,
      undefined,
      'b',
    ]);
  });

  it('outlive the connection of their holder, but not the broker', async () => {
    await using test = await aBroker();
    const client = await test.connect();
    await client.request(lock, { body: body('a', 0) });
    client.close();
    await test.cluster.settle();
    expect(test.broker.lockedBy('billing', 'orders', 0)).toBe('a');
    await test.broker.kill();
    await test.broker.start();
    expect(test.broker.lockedBy('billing', 'orders', 0)).toBeUndefined();
  });

  it('are given back in the name of a dead holder by whoever says its id, and expire 60 s after they were asked for', async () => {
    const clock = new TestClock();
    await using test = await aBroker({ clock });
    const client = await test.connect();
    await client.request(lock, { body: body('a', 0, 1) });
    await client.request(unlock, { body: body('a', 0) });
    await test.cluster.pass(60_000);
    expect(parseLockAnswer((await client.request(lock, { body: body('b', 0, 1) })).body)).toEqual([
      queueNumber(0),
    ]);
    await test.cluster.pass(10);
    expect(parseLockAnswer((await client.request(lock, { body: body('b', 1) })).body)).toEqual([
      queueNumber(1),
    ]);
  });

  it('may be refused by a rule, as by a broker that does not permit it', async () => {
    await using test = await aBroker();
    const client = await test.connect();
    using rule = test.cluster.interfere(
      { request: 'lockBatch', group: 'billing' },
      { kind: 'answer', code: 16 },
    );
    expect(await client.request(lock, { body: body('a', 0) })).toMatchObject({ code: 16 });
    expect([rule.applied, test.broker.lockedBy('billing', 'orders', 0)]).toEqual([1, undefined]);
    rule.remove();
    expect(await client.request(lock, { body: body('a', 0) })).toMatchObject({ code: 0 });
  });
});

describe('a retry that is sent', () => {
  const dead = '%DLQ%billing';
  const retry = '%RETRY%billing';

  it.each([
    ['is a dead letter while any queue is locked under the name of its group', 'billing', 0, dead],
    ['is none when the locks have expired', 'billing', 60_010, retry],
    ['is none for locks under the name of its retry topic', retry, 0, retry],
  ] as const)('%s', async (_, consumerGroup, ms, expected) => {
    const clock = new TestClock();
    await using test = await aBroker({ clock });
    const client = await test.connect();
    const mqSet = [queueNumber(0)];
    const body = encodeLock({ clientId: 'a', consumerGroup, mqSet, onlyThisBroker: false });
    await client.request(lock, { body });
    await test.cluster.pass(ms);
    const header = sendHeader({ topic: retry, reconsumeTimes: 1, maxReconsumeTimes: 16 });
    const { fields, version } = decodeFrame(encodeRequest(sendMessage, header, { opaque: 1 }).subarray(4));
    const sent = { fields, version, body: Buffer.from('again') };
    expect(await client.request(sendMessage.code, sent)).toMatchObject({ code: 0 });
    const stored = [dead, retry].filter(topic => test.broker.messages(topic).length > 0);
    expect(stored).toEqual([expected]);
  });
});

describe('a selector', () => {
  it.each([
    ['a tag expression is accepted', tag('a || b'), 0],
    ['SQL92 is refused as by a broker without enablePropertyFilter', sql('a > 1'), 1],
  ] as const)('%s', async (_, selector, code) => {
    await using test = await aBroker();
    const client = await test.connect();
    const data = subscriptionData('orders', selector, 1);
    const body = encodeClientConfig({ clientId: 'x', group: 'billing', subscriptionData: data });
    expect(await client.request(check, { body })).toMatchObject({ code });
  });
});
