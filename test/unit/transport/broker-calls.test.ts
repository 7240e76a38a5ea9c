// SPDX-License-Identifier: Apache-2.0
/** What exactly is asked of a broker, and what is made of its answers? */
import { describe, expect, it } from 'vitest';
import { queueOffset } from '../../../src/model/queue-offset.ts';
import { sql, subscriptionData } from '../../../src/model/subscription.ts';
import { parseClientConfig } from '../../../src/protocol/bodies/check-client-config.ts';
import { encodeConsumerList } from '../../../src/protocol/bodies/consumer-list.ts';
import { type HeartbeatData, parseHeartbeat } from '../../../src/protocol/bodies/heartbeat.ts';
import { encodeLockAnswer, parseLock } from '../../../src/protocol/bodies/lock.ts';
import type { OutgoingFrame } from '../../../src/protocol/frame.ts';
import { BrokerCalls, beat } from '../../../src/transport/broker-calls.ts';
import { MessageCalls } from '../../../src/transport/message-calls.ts';
import { exchange } from '../../support/transport-kit.ts';

const address = '10.0.0.1:10911';
const queue = { topic: 'orders', brokerName: 'broker-a', queueId: 3 };
const place = { topic: 'orders', queueId: '3', bname: 'broker-a' };
const of = { consumerGroup: 'billing', queue };
const options = { timeoutMs: 3000 };

/** Calls against a broker that answers everything the same. */
function brokerAnswering(reply: Partial<OutgoingFrame> | undefined) {
  const { switchboard, asked, clock, connected } = exchange(() => reply);
  const requests = () => asked.map(({ frame }) => ({ code: frame.code, fields: { ...frame.fields } }));
  return {
    calls: new BrokerCalls(switchboard),
    messages: new MessageCalls(switchboard),
    asked,
    requests,
    clock,
    connected,
  };
}

describe('whether a broker has a topic', () => {
  it.each([
    ['yes', { code: 0 }, true],
    ['no', { code: 17, remark: 'topic[orders] not exist' }, false],
    ['that it does not tell', { code: 16, remark: 'no GET' }, undefined],
  ])('is asked by 202, and may be answered: %s', async (_, reply, has) => {
    const { calls, requests } = brokerAnswering(reply);
    expect(await calls.hasTopic(address, 'orders', options)).toBe(has);
    expect(requests()).toEqual([{ code: 202, fields: { topic: 'orders' } }]);
  });
});

describe('the committed offset', () => {
  it('is asked without the guess that a young queue starts at 0', async () => {
    const { calls, requests } = brokerAnswering({ code: 0, fields: { offset: '17' } });
    expect(await calls.queryOffset(address, of, options)).toBe(17);
    expect(requests()).toEqual([
      { code: 14, fields: { consumerGroup: 'billing', ...place, setZeroIfNotFound: 'false' } },
    ]);
  });

  it('is undefined only when the broker says that there is none', async () => {
    const none = brokerAnswering({ code: 22, remark: 'Not found, do not set to zero' });
    expect(await none.calls.queryOffset(address, of, options)).toBeUndefined();

    const failing = brokerAnswering({ code: 1, remark: 'java.lang.NullPointerException' });
    await expect(failing.calls.queryOffset(address, of, options)).rejects.toMatchObject({
      code: 'RMQ_BROKER_ERROR',
      responseCode: 1,
      message: expect.stringContaining('committed offset of orders-3@broker-a for billing'),
    });
  });

  it('that is no offset is an error, not a number', async () => {
    for (const text of ['-1', 'x', '9007199254740993']) {
      const { calls } = brokerAnswering({ code: 0, fields: { offset: text } });
      await expect(calls.queryOffset(address, of, options)).rejects.toMatchObject({ kind: 'protocol' });
    }
  });

  it('is handed over with an answer, or one-way', async () => {
    const { calls, requests, connected } = brokerAnswering({ code: 0 });
    const commit = { ...of, offset: queueOffset(42) };
    await calls.updateOffset(address, commit, options);
    expect(calls.updateOffsetOneway(address, commit)).toBe(true);
    expect(requests()[0]).toEqual({
      code: 15,
      fields: { consumerGroup: 'billing', ...place, commitOffset: '42' },
    });
    expect(connected(address).socket.frames.map(frame => frame.flag)).toEqual([0, 2]);
  });

  it('refused by the broker is not taken for committed', async () => {
    const { calls } = brokerAnswering({ code: 26, remark: 'subscription group not exist' });
    await expect(
      calls.updateOffset(address, { ...of, offset: queueOffset(42) }, options),
    ).rejects.toMatchObject({
      code: 'RMQ_GROUP_NOT_FOUND',
      message: expect.stringContaining('commit of orders-3@broker-a at 42 for billing'),
    });
  });
});

it('min, max and the offset of a time are asked for their queue', async () => {
  const { calls, requests } = brokerAnswering({ code: 0, fields: { offset: '9' }, remark: '' });
  expect(await calls.minOffset(address, queue, options)).toBe(9);
  expect(await calls.maxOffset(address, queue, options)).toBe(9);
  expect(await calls.searchOffset(address, queue, 1_700_000_000_000, options)).toBe(9);
  expect(requests()).toEqual([
    { code: 31, fields: place },
    { code: 30, fields: place },
    { code: 29, fields: { ...place, timestamp: '1700000000000' } },
  ]);
});

describe('the members of a group', () => {
  it('come as the broker lists them', async () => {
    const { calls, requests } = brokerAnswering({ code: 0, body: encodeConsumerList(['b', 'a']) });
    expect(await calls.consumerIds(address, 'billing', options)).toEqual(['b', 'a']);
    expect(requests()).toEqual([{ code: 38, fields: { consumerGroup: 'billing' } }]);
  });

  it('are nobody when the broker knows nobody, but a failure stays a failure: both have code 1', async () => {
    const nobody = brokerAnswering({ code: 1, remark: 'no consumer for this group, billing' });
    expect(await nobody.calls.consumerIds(address, 'billing', options)).toEqual([]);

    const failing = brokerAnswering({ code: 1, remark: 'java.lang.NullPointerException' });
    await expect(failing.calls.consumerIds(address, 'billing', options)).rejects.toMatchObject({
      code: 'RMQ_BROKER_ERROR',
    });
  });
});

describe('a heartbeat', () => {
  const data: HeartbeatData = {
    clientID: 'c@1',
    consumerDataSet: [],
    producerDataSet: [],
    heartbeatFingerprint: 0,
    withoutSub: false,
  };

  it('goes to the broker with the client’s data', async () => {
    const { calls, asked } = brokerAnswering({ code: 0 });
    await calls.heartbeat(address, data, options);
    expect(asked.map(({ frame }) => [frame.code, parseHeartbeat(frame.body).clientID])).toEqual([
      [34, 'c@1'],
    ]);
  });

  it('can be the greeting of a connection that is not attached yet', async () => {
    const { connected, asked, calls } = brokerAnswering({ code: 0 });
    await calls.heartbeat(address, data, options);
    await beat(connected(address).channel, data, options);
    expect(asked).toHaveLength(2);
  });

  it('that is refused rejects with the reason', async () => {
    const { calls } = brokerAnswering({ code: 16, remark: 'User:x is not found.' });
    await expect(calls.heartbeat(address, data, options)).rejects.toMatchObject({
      code: 'RMQ_AUTHENTICATION_FAILED',
      remark: 'User:(hidden) is not found.',
    });
  });
});

describe('locks', () => {
  const request = {
    clientId: 'c@1',
    consumerGroup: '%RETRY%billing',
    queues: [queue, { ...queue, queueId: 4 }],
  };

  it('are those that the broker granted, which may be fewer than asked', async () => {
    const { calls, asked } = brokerAnswering({ code: 0, body: encodeLockAnswer([queue]) });
    expect(await calls.lock(address, request, options)).toEqual([queue]);
    expect(asked.map(({ frame }) => [frame.code, parseLock(frame.body)])).toEqual([
      [
        41,
        { clientId: 'c@1', consumerGroup: '%RETRY%billing', mqSet: request.queues, onlyThisBroker: false },
      ],
    ]);
  });

  it('are given back as a request', async () => {
    const { calls, asked } = brokerAnswering({ code: 0 });
    await calls.unlock(address, request, options);
    expect(asked.map(({ frame }) => [frame.code, frame.flag])).toEqual([[42, 0]]);
  });

  it('say what they were about when nobody answers', async () => {
    const { calls, clock } = brokerAnswering(undefined);
    const locking = expect(calls.lock(address, request, options)).rejects.toThrow(
      `lock of 2 queues at ${address} for %RETRY%billing timed out after 3000 ms`,
    );
    await clock.advance(3000);
    await locking;
  });
});

it('a failed message is handed back by its place in the commit log', async () => {
  const { calls, requests } = brokerAnswering({ code: 0 });
  const message = {
    consumerGroup: 'billing',
    brokerName: 'broker-a',
    commitLogOffset: 123_456,
    delayLevel: -1,
    originMsgId: 'ID1',
    originTopic: 'orders',
    maxReconsumeTimes: 16,
  };
  await calls.sendBack(address, message, options);
  expect(requests()).toEqual([
    {
      code: 36,
      fields: {
        offset: '123456',
        group: 'billing',
        delayLevel: '-1',
        originMsgId: 'ID1',
        originTopic: 'orders',
        unitMode: 'false',
        maxReconsumeTimes: '16',
        bname: 'broker-a',
      },
    },
  ]);
});

it('leaving names the client and its group', async () => {
  const { calls, requests } = brokerAnswering({ code: 0 });
  await calls.unregister(address, { clientId: 'c@1', consumerGroup: 'billing' }, options);
  expect(requests()).toEqual([{ code: 35, fields: { clientID: 'c@1', consumerGroup: 'billing' } }]);
});

describe('a message', () => {
  const message = {
    producerGroup: 'p',
    topic: 'orders',
    brokerName: 'broker-a',
    queueId: 3,
    body: Buffer.from('hello'),
    bornTimestamp: 1_700_000_000_000,
  };
  const fields = { msgId: 'AB', queueId: '3', queueOffset: '5' };

  it('is sent in the short form and has a receipt', async () => {
    const { messages, requests, asked } = brokerAnswering({ code: 0, fields });
    expect(await messages.sendMessage(address, message, options)).toEqual({
      status: 'stored',
      offsetMsgId: 'AB',
      queueId: 3,
      queueOffset: 5,
    });
    expect(asked[0]?.frame.body.toString()).toBe('hello');
    expect(requests()).toEqual([
      {
        code: 310,
        fields: {
          a: 'p',
          b: 'orders',
          c: 'TBW102',
          d: '4',
          e: '3',
          f: '0',
          g: '1700000000000',
          h: '0',
          j: '0',
          k: 'false',
          m: 'false',
          n: 'broker-a',
        },
      },
    ]);
  });

  it('stored with a weaker guarantee says so', async () => {
    const statuses = [10, 11, 12].map(async code => {
      const { messages } = brokerAnswering({ code, fields });
      return (await messages.sendBatch(address, message, options)).status;
    });
    expect(await Promise.all(statuses)).toEqual(['notFlushed', 'noSlave', 'notReplicated']);
  });

  it('that is not stored is an error naming the queue', async () => {
    const { messages } = brokerAnswering({ code: 13, remark: 'the message body is too large' });
    await expect(messages.sendMessage(address, message, options)).rejects.toThrow(
      /send to orders-3@broker-a .* 13 MESSAGE_ILLEGAL: the message body is too large/,
    );
  });
});

describe('a selector', () => {
  const config = {
    clientId: '10.0.0.9@1#2',
    group: 'billing',
    subscriptionData: subscriptionData('orders', sql('price >'), 7),
  };

  it('is shown as heartbeats carry it, for the broker to accept', async () => {
    const { calls, asked } = brokerAnswering({ code: 0 });
    await calls.checkSelector(address, config, options);
    const [question] = asked;
    expect(question?.frame.code).toBe(46);
    expect(parseClientConfig(question?.frame.body ?? Buffer.alloc(0))).toEqual(config);
  });

  it('that cannot be parsed is refused with the topic, the expression and the complaint', async () => {
    const { calls } = brokerAnswering({ code: 23, remark: 'Parse error at line 1, column 7.' });
    await expect(calls.checkSelector(address, config, options)).rejects.toMatchObject({
      name: 'SubscriptionError',
      code: 'RMQ_SELECTOR_REFUSED',
      message:
        'the selector sql("price >") of orders was refused by 10.0.0.1:10911: Parse error at line 1, column 7.',
      context: { topic: 'orders', expression: 'price >', responseCode: 23 },
    });
  });

  it('of a kind that is switched off is refused with what to switch on', async () => {
    const { calls } = brokerAnswering({
      code: 1,
      remark: 'The broker does not support consumer to filter message by SQL92',
    });
    await expect(calls.checkSelector(address, config, options)).rejects.toMatchObject({
      code: 'RMQ_SELECTOR_REFUSED',
      message: expect.stringContaining('enablePropertyFilter=true'),
    });
  });

  it('is not refused by a broker that merely failed', async () => {
    const { calls } = brokerAnswering({ code: 1, remark: 'java.lang.NullPointerException' });
    await expect(calls.checkSelector(address, config, options)).rejects.toMatchObject({
      name: 'BrokerError',
      code: 'RMQ_BROKER_ERROR',
    });
  });
});
