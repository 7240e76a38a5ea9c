// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { aBroker, bodiesOf, properties } from './kit.ts';

describe('a message stored by a test', () => {
  it('is as if a producer had sent it', () => {
    const { broker } = aBroker();
    const sent = broker.append({
      topic: 'orders',
      body: 'hello',
      tags: 'paid',
      keys: ['k1', 'k2'],
      properties: { a: 'b' },
      queueId: 2,
    });
    expect(sent).toMatchObject({ topic: 'orders', queueId: 2, queueOffset: 0, reconsumeTimes: 0 });
    expect(sent.body.toString()).toBe('hello');
    expect(sent.msgId).toMatch(/^[0-9A-F]{32}$/);
    expect(Object.fromEntries(sent.properties)).toEqual({
      CLUSTER: 'DefaultCluster',
      KEYS: 'k1 k2',
      MSG_REGION: 'DefaultRegion',
      TAGS: 'paid',
      TRACE_ON: 'true',
      UNIQ_KEY: sent.msgId,
      WAIT: 'true',
      a: 'b',
    });
    expect(broker.messages('orders', 2)).toEqual([sent]);
    expect(broker.storedAt('orders', 2, 0)).toMatchObject({
      tags: 'paid',
      keys: ['k1', 'k2'],
      brokerName: 'broker-a',
    });
  });

  it('goes to the queues in turn, those of each topic for themselves', () => {
    const { broker } = aBroker();
    broker.topics.set('refunds', { queues: 2 });
    const queueIds = ['orders', 'refunds', 'orders', 'refunds', 'orders', 'refunds'].map(
      topic => broker.append({ topic, body: 'x' }).queueId,
    );
    expect(queueIds).toEqual([0, 0, 1, 1, 2, 0]);
  });

  it('makes its topic with the queues a broker gives by default', () => {
    const { broker } = aBroker({ defaultTopicQueueNums: 5 });
    broker.append({ topic: 'fresh', body: 'x' });
    expect(broker.topics.get('fresh')?.readQueueNums).toBe(5);
  });

  it('with a level waits, and is answered with its place among the waiting', async () => {
    const { broker, clock } = aBroker();
    broker.append({ topic: 'orders', body: 'x', delayTimeLevel: 1 });
    const second = broker.append({ topic: 'orders', body: 'later', queueId: 3, delayTimeLevel: 1 });
    expect(second).toMatchObject({ topic: 'orders', queueId: 3, queueOffset: 1 });
    expect(broker.messages('orders')).toEqual([]);
    await clock.advance(1000);
    expect(broker.messages('orders', 3).map(({ msgId }) => msgId)).toEqual([second.msgId]);
  });

  it.each([
    ['a topic no broker takes', { topic: 'bad topic', body: 'x' }, 'RMQ_MESSAGE_INVALID'],
    ['no body', { topic: 'orders', body: '' }, 'RMQ_MESSAGE_INVALID'],
    ['a queue its topic does not have', { topic: 'orders', body: 'x', queueId: 4 }, 'RMQ_MESSAGE_INVALID'],
    ['a body past 4 MiB', { topic: 'orders', body: Buffer.alloc(5_000_000) }, 'RMQ_SEND_FAILED'],
  ])('is refused with %s', (_, message, code) => {
    const { broker } = aBroker();
    expect(() => broker.append(message)).toThrow(expect.objectContaining({ code }));
    expect(broker.messages('orders')).toEqual([]);
  });

  it('is refused by a topic without queues', () => {
    const { broker } = aBroker();
    broker.topics.set('orders', { queues: 0 });
    expect(() => broker.append({ topic: 'orders', body: 'x' })).toThrow(
      'message for orders: queueId any is not one of its 0 queues',
    );
  });

  it('is refused for an unknown topic where sends make none, naming both', () => {
    const { broker } = aBroker({ autoCreateTopicEnable: false });
    expect(() => broker.append({ topic: 'fresh', body: 'x' })).toThrow(
      expect.objectContaining({
        code: 'RMQ_TOPIC_NOT_FOUND',
        message: 'broker-a has no topic fresh, and autoCreateTopicEnable is false',
      }),
    );
  });
});

describe('who looks into a broker', () => {
  it('sees the messages of a topic queue after queue, decompressed, as copies', () => {
    const { broker, send } = aBroker();
    send({ queueId: 1 }, 'b');
    send({ queueId: 0 }, 'a');
    send({ queueId: 1, sysFlag: 0x301 }, Buffer.from('789c4b4c4a0600024d0127', 'hex'));
    const seen = broker.messages('orders');
    expect(
      seen.map(({ queueId, queueOffset, body }) => `${queueId}#${queueOffset} ${body.toString()}`),
    ).toEqual(['0#0 a', '1#0 b', '1#1 abc']);
    seen[0]?.body.fill('!');
    expect(broker.messages('orders', 0)[0]?.body.toString()).toBe('a');
  });

  it('sees only what is still there', () => {
    const { broker, send } = aBroker();
    for (const body of ['a', 'b', 'c']) send({}, body);
    broker.setMinOffset('orders', 0, 2);
    expect(broker.messages('orders', 0).map(({ queueOffset }) => queueOffset)).toEqual([2]);
    expect(broker.storedAt('orders', 0, 1)).toBeUndefined();
    expect([broker.minOffset('orders', 0), broker.maxOffset('orders', 0)]).toEqual([2, 3]);
    broker.setMinOffset('orders', 0, 0);
    broker.setMinOffset('orders', 0, 100);
    expect([broker.minOffset('orders', 0), broker.maxOffset('orders', 0)]).toEqual([3, 3]);
  });

  it('sees which groups have offsets, and where', () => {
    const { broker } = aBroker();
    broker.commit('billing', 'orders', 0, 7);
    expect(broker.groups()).toEqual(['billing']);
    expect(broker.committedTopics('billing')).toEqual(['orders']);
    expect(broker.committed('billing', 'orders', 0)).toBe(7);
  });
});

describe('a topic that is removed', () => {
  it('takes its messages and offsets along: made again, it begins at 0', () => {
    const { broker, send } = aBroker();
    send();
    broker.commit('billing', 'orders', 0, 1);
    broker.topics.remove('orders');
    expect(broker.groups()).toEqual([]);
    broker.topics.set('orders', { queues: 4 });
    expect(broker.messages('orders')).toEqual([]);
    expect(broker.append({ topic: 'orders', body: 'x', queueId: 0 }).queueOffset).toBe(0);
  });

  it('gives its memory back', () => {
    const { broker, send } = aBroker({ maxStoreBytes: 300_000 });
    while (send({}, Buffer.alloc(60_000)).code === 0);
    broker.topics.remove('orders');
    expect(send({ topic: 'refunds' }, Buffer.alloc(60_000)).code).toBe(0);
  });
});

describe('a broker that is killed', () => {
  it('leaves no timer, forgets held pulls, and keeps messages, offsets and what is delayed', async () => {
    const { broker, clock, send, pull } = aBroker();
    send({}, 'kept');
    broker.commit('billing', 'orders', 0, 1);
    send({ properties: properties({ DELAY: '1' }) }, 'later');
    const held = pull({ queueOffset: 1 });
    broker.halt();
    expect(clock.pending).toBe(0);
    await clock.advance(60_000);
    expect(broker.messages('orders').map(({ body }) => body.toString())).toEqual(['kept']);
    broker.resume();
    expect(broker.messages('orders').map(({ body }) => body.toString())).toEqual(['kept', 'later']);
    await clock.flush();
    expect(held.replies).toEqual([]);
    expect(broker.committed('billing', 'orders', 0)).toBe(1);
    expect(clock.pending).toBe(0);
  });

  it('holds nothing while it is down, even when a request is handled late', async () => {
    const { broker, clock, pull } = aBroker();
    broker.halt();
    const late = pull();
    expect([broker.heldPulls, clock.pending]).toEqual([0, 0]);
    broker.resume();
    const held = pull();
    broker.append({ topic: 'orders', body: 'x', queueId: 0 });
    await clock.flush();
    expect(late.replies).toEqual([]);
    expect(bodiesOf(held.reply)).toEqual(['x']);
  });

  it('wakes nobody for what arrived in its last turn', async () => {
    const { broker, clock, send, pull } = aBroker();
    const held = pull();
    send();
    broker.halt();
    await clock.flush();
    expect(held.replies).toEqual([]);
  });
});
