// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { encodeClientBatch } from '../../../../../src/protocol/client-batch.ts';
import { sendBatch } from '../../../../../src/protocol/requests/send-batch.ts';
import { sendMessage } from '../../../../../src/protocol/requests/send-message.ts';
import { sendMessageV2, toShortHeader } from '../../../../../src/protocol/requests/send-message-v2.ts';
import { aBroker, messagesOf, only, properties, sendHeader } from './kit.ts';

const always = { MSG_REGION: 'DefaultRegion', TRACE_ON: 'true' };

function batchOf(...bodies: readonly string[]): Buffer {
  return encodeClientBatch(
    bodies.map((body, i) => ({
      body: Buffer.from(body),
      flag: i,
      properties: new Map([
        ['UNIQ_KEY', `U${i}`],
        ['TAGS', `tag${i}`],
      ]),
    })),
  );
}

describe('a message that is sent', () => {
  it('is answered with its place, its id and what every answer to a send holds', () => {
    const { send } = aBroker();
    send({ queueId: 2 });
    const given = properties({ UNIQ_KEY: '7F0000010001000000000000000000AA' });
    expect(send({ queueId: 2, properties: given })).toEqual({
      code: 0,
      fields: {
        ...always,
        msgId: '7F00000100002A9F00000000000000CE',
        queueId: '2',
        queueOffset: '1',
        transactionId: '7F0000010001000000000000000000AA',
      },
    });
  });

  it('is stored as it came, with the properties a 5.5.0 broker adds', () => {
    const { broker, send } = aBroker();
    const given = properties({ TAGS: 'paid', UNIQ_KEY: 'U1', POP_CK: 'x', a: 'b' });
    send({ properties: given, flag: 7, sysFlag: 0x200, reconsumeTimes: 2 }, 'body');
    const stored = broker.storedAt('orders', 0, 0);
    expect(Object.fromEntries(stored?.properties ?? [])).toEqual({
      ...always,
      CLUSTER: 'DefaultCluster',
      TAGS: 'paid',
      UNIQ_KEY: 'U1',
      a: 'b',
    });
    expect(stored).toMatchObject({
      flag: 7,
      sysFlag: 0x200,
      reconsumeTimes: 2,
      bornTimestamp: 1_700_000_000_000,
      storeTimestamp: Date.UTC(2026, 0, 1),
      bornHost: '127.0.0.1:39820',
      storeHost: '127.0.0.1:10911',
      commitLogOffset: 0,
    });
    expect(stored?.body.toString()).toBe('body');
  });

  it('without an id gets one, and each another', () => {
    const { send } = aBroker();
    const ids = [send(), send()].map(reply => reply.fields?.['transactionId']);
    expect(ids[0]).toMatch(/^7F0000012A9F[0-9A-F]{20}$/);
    expect(ids[1]).not.toBe(ids[0]);
  });

  it('may be sent with the short names of its fields', () => {
    const { broker, ask } = aBroker();
    const header = toShortHeader(sendHeader({ queueId: 1, properties: properties({ TAGS: 'paid' }) }));
    expect(only(ask(sendMessageV2, header, { body: Buffer.from('short') })).code).toBe(0);
    expect(broker.messages('orders', 1).map(({ body }) => body.toString())).toEqual(['short']);
  });

  it('with a negative queue id goes to any queue, and the producer is told which', () => {
    const { broker, send } = aBroker();
    expect(send({ queueId: -1 }).fields?.['queueId']).toBe('2');
    expect(broker.maxOffset('orders', 2)).toBe(1);
  });

  it('makes its topic when it is the first, with as many queues as it asks for but no more than the template', () => {
    const kit = aBroker({ defaultTopicQueueNums: 3 });
    const before = kit.topicChanges;
    expect(kit.send({ topic: 'fresh' }).code).toBe(0);
    expect(kit.broker.topics.get('fresh')?.writeQueueNums).toBe(3);
    expect(kit.topicChanges).toBe(before + 1);
  });
});

describe('a message is refused', () => {
  it.each([
    [
      'bad topic',
      29,
      'The specified topic: bad topic, contains illegal characters, allowing only ^[%|a-zA-Z0-9_-]+$',
    ],
    [' ', 29, 'The specified topic is blank.'],
    ['SCHEDULE_TOPIC_XXXX', 16, 'Sending message to topic[SCHEDULE_TOPIC_XXXX] is forbidden.'],
    ['x'.repeat(128), 29, `The specified topic: ${'x'.repeat(128)}, is longer than topic max length: 127`],
  ])('for the topic %j', (topic, code, remark) => {
    expect(aBroker().send({ topic })).toEqual({ code, remark, fields: always });
  });

  it('when nobody makes topics', () => {
    const { send } = aBroker({ autoCreateTopicEnable: false });
    expect(send({ topic: 'fresh' })).toMatchObject({ code: 17, fields: always });
  });

  it('for a queue its topic does not have', () => {
    const reply = aBroker().send({ queueId: 4 });
    expect(reply).toEqual({
      code: 29,
      remark:
        'request queueId[4] is illegal, TopicConfig [topicName=orders, readQueueNums=4, writeQueueNums=4, perm=RW-, topicFilterType=SINGLE_TAG, topicSysFlag=0, order=false, attributes={}] Producer: 127.0.0.1:39820',
      fields: always,
    });
  });

  it('without a body, with one past 4 MiB, with too many properties, or when it says it holds others', () => {
    const { broker, send } = aBroker();
    const many = 'x'.repeat(32_000);
    const replies = [
      send({}, ''),
      send({}, Buffer.alloc(4 * 1024 * 1024 + 1)),
      send({ properties: `a\u0001${many}\u0002b\u0001${many}\u0002` }),
      send({ properties: properties({ INNER_NUM: '2' }) }),
      send({ sysFlag: 0xc0 }),
    ];
    expect(replies.map(({ code }) => code)).toEqual([13, 13, 13, 13, 13]);
    expect(broker.maxOffset('orders', 0)).toBe(0);
  });

  it('when it belongs to a transaction or wants a time to the millisecond, which are not served here', () => {
    const { send } = aBroker();
    expect(send({ properties: properties({ TRAN_MSG: 'true' }) }).code).toBe(16);
    expect(send({ properties: properties({ TIMER_DELAY_MS: '1500' }) })).toMatchObject({
      code: 1,
      remark: 'accurate timer message is not enabled, timerWheelEnable is false',
    });
  });

  it('with 14 when the memory given to messages is used up, and taken again after older ones are given up', () => {
    const { broker, send } = aBroker({ maxStoreBytes: 300_000 });
    const codes = Array.from({ length: 8 }, () => send({}, Buffer.alloc(60_000)).code);
    expect(codes[0]).toBe(0);
    expect(codes.at(-1)).toBe(14);
    broker.setMinOffset('orders', 0, broker.maxOffset('orders', 0));
    expect(send({}, Buffer.alloc(1000)).code).toBe(0);
  });
});

describe('a batch', () => {
  it('is stored one by one with nothing added, and answered with all places', () => {
    const { broker, ask } = aBroker();
    const header = toShortHeader(
      sendHeader({ batch: true, queueId: 1, properties: properties({ UNIQ_KEY: 'BB' }) }),
    );
    const reply = only(ask(sendBatch, header, { body: batchOf('one', 'two') }));
    expect(reply.code).toBe(0);
    expect(reply.fields).toEqual({
      ...always,
      msgId: '7F00000100002A9F0000000000000000,7F00000100002A9F000000000000007A',
      queueId: '1',
      queueOffset: '0',
      transactionId: 'BB',
    });
    const stored = [0, 1].map(offset => broker.storedAt('orders', 1, offset));
    expect(stored.map(message => message?.body.toString())).toEqual(['one', 'two']);
    expect(stored.map(message => message?.flag)).toEqual([0, 1]);
    expect(stored.map(message => Object.fromEntries(message?.properties ?? []))).toEqual([
      { UNIQ_KEY: 'U0', TAGS: 'tag0' },
      { UNIQ_KEY: 'U1', TAGS: 'tag1' },
    ]);
  });

  it('is filtered by the tags of its messages', () => {
    const { ask, subscribe, pull } = aBroker();
    only(ask(sendBatch, toShortHeader(sendHeader({ batch: true })), { body: batchOf('one', 'two') }));
    subscribe('orders', 'tag1');
    expect(messagesOf(pull().reply).map(({ tags }) => tags)).toEqual(['tag1']);
  });

  it('goes to no retry topic and has no delay', () => {
    const { broker, ask } = aBroker();
    const replyTo = (header: Parameters<typeof sendHeader>[0]) =>
      only(ask(sendBatch, toShortHeader(sendHeader({ ...header, batch: true })), { body: batchOf('one') }));
    expect(replyTo({ topic: '%RETRY%billing' })).toMatchObject({
      code: 13,
      remark: 'batch request does not support retry group %RETRY%billing',
    });
    expect(replyTo({ properties: properties({ DELAY: '1' }) }).code).toBe(13);
    expect(broker.messages('orders')).toEqual([]);
  });
});

describe('a copy sent to a retry topic', () => {
  const copy = { topic: '%RETRY%billing', reconsumeTimes: 2, maxReconsumeTimes: 2 };

  it('waits for its level and shows up under the retry topic', async () => {
    const { broker, clock, send } = aBroker();
    const given = properties({ RETRY_TOPIC: 'orders', ORIGIN_MESSAGE_ID: 'M1', DELAY: '5', UNIQ_KEY: 'U1' });
    expect(send({ ...copy, properties: given }).code).toBe(0);
    await clock.advance(59_999);
    expect(broker.messages('%RETRY%billing')).toEqual([]);
    await clock.advance(1);
    const [message] = broker.messages('%RETRY%billing');
    expect(message).toMatchObject({ topic: '%RETRY%billing', queueId: 0, reconsumeTimes: 2, msgId: 'U1' });
    expect(message?.properties.get('RETRY_TOPIC')).toBe('orders');
  });

  it('is a dead letter once it was tried more often than allowed, in the one queue of the dead letters', () => {
    const { broker, send } = aBroker();
    const given = properties({ RETRY_TOPIC: 'orders', DELAY: '5' });
    const reply = send({ ...copy, queueId: 3, reconsumeTimes: 3, properties: given });
    expect(reply).toMatchObject({ code: 0, fields: { queueId: '3', queueOffset: '0' } });
    const [message] = broker.messages('%DLQ%billing', 0);
    expect(message).toMatchObject({ reconsumeTimes: 3, queueId: 0 });
    expect(message?.properties.get('DELAY')).toBe('-1');
    expect(broker.topics.get('%DLQ%billing')).toMatchObject({ writeQueueNums: 1, readQueueNums: 1, perm: 6 });
  });

  it('may be tried 16 times when nothing else is said', () => {
    const { broker, send } = aBroker();
    send({ topic: '%RETRY%billing', reconsumeTimes: 16 });
    send({ topic: '%RETRY%billing', reconsumeTimes: 17 });
    expect(broker.messages('%RETRY%billing')).toHaveLength(1);
    expect(broker.messages('%DLQ%billing')).toHaveLength(1);
  });

  it('of a client too old to say how often is judged by the group', () => {
    const { broker, ask } = aBroker();
    for (const version of [120, 121]) {
      const body = Buffer.from(String(version));
      only(ask(sendMessage, sendHeader({ ...copy, reconsumeTimes: 3 }), { body, version }));
    }
    const bodies = (topic: string) => broker.messages(topic).map(({ body }) => body.toString());
    expect(bodies('%RETRY%billing')).toEqual(['120']);
    expect(bodies('%DLQ%billing')).toEqual(['121']);
  });

  it('is a dead letter at once while the group holds locks', () => {
    const { broker, send } = aBroker({ hasLocks: group => group === 'billing' });
    send({ topic: '%RETRY%billing', reconsumeTimes: 1 });
    send({ topic: '%RETRY%audit', reconsumeTimes: 1 });
    expect(broker.messages('%DLQ%billing')).toHaveLength(1);
    expect(broker.messages('%RETRY%audit')).toHaveLength(1);
  });

  it('is taken where topics are not made by sends, and refused for a name no group can have', () => {
    const { broker, send } = aBroker({ autoCreateTopicEnable: false });
    expect(send({ topic: '%RETRY%billing' }).code).toBe(0);
    expect(broker.topics.get('%RETRY%billing')?.writeQueueNums).toBe(1);
    expect(send({ topic: `%RETRY%${'x'.repeat(121)}` }).code).toBe(26);
  });
});

describe('a delayed message', () => {
  it('is answered with its place in the level, and shows up in its queue when its time has come', async () => {
    const { broker, clock, send } = aBroker();
    const given = properties({ DELAY: '2', TAGS: 'paid', UNIQ_KEY: 'U1', WAIT: 'true' });
    send({ queueId: 3, properties: given });
    const reply = send({ queueId: 3, properties: given }, 'later');
    expect(reply.fields).toMatchObject({ queueId: '3', queueOffset: '1', transactionId: 'U1' });
    await clock.advance(4999);
    expect(broker.messages('orders')).toEqual([]);
    await clock.advance(1);
    const later = broker.storedAt('orders', 3, 1);
    expect(later?.body.toString()).toBe('later');
    expect(later?.storeTimestamp).toBe(Date.UTC(2026, 0, 1) + 5000);
    expect(Object.fromEntries(later?.properties ?? [])).toEqual({
      ...always,
      CLUSTER: 'DefaultCluster',
      DELAY: '2',
      REAL_QID: '3',
      REAL_TOPIC: 'orders',
      TAGS: 'paid',
      UNIQ_KEY: 'U1',
      WAIT: 'true',
    });
  });

  it('goes by its level when it names a time to the millisecond as well', async () => {
    const { broker, clock, send } = aBroker();
    expect(send({ properties: properties({ DELAY: '1', TIMER_DELAY_MS: '1500' }) }).code).toBe(0);
    await clock.advance(1000);
    expect(broker.messages('orders')).toHaveLength(1);
  });

  it('of a level past the last has the last', async () => {
    const { broker, clock, send } = aBroker({ messageDelayLevel: '1s 3s' });
    send({ properties: properties({ DELAY: '18' }) });
    await clock.advance(3000);
    expect(broker.messages('orders').map(message => message.properties.get('DELAY'))).toEqual(['2']);
  });

  it('takes memory once: what waited is given up on delivery', async () => {
    const { broker, clock, send } = aBroker();
    send({ properties: properties({ DELAY: '1' }) });
    expect(broker.maxOffset('SCHEDULE_TOPIC_XXXX', 0)).toBe(1);
    await clock.advance(1000);
    expect(broker.minOffset('SCHEDULE_TOPIC_XXXX', 0)).toBe(1);
    expect(clock.pending).toBe(0);
  });
});
