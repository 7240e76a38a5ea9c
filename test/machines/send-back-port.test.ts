// SPDX-License-Identifier: Apache-2.0
import { deflateSync, inflateSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import type { ConsumerConfig } from '../../src/config/consumer-config.ts';
import { BrokerLocator } from '../../src/machines/consumer/broker-locator.ts';
import { roundLimitOf, sendBackPort } from '../../src/machines/consumer/send-back-port.ts';
import { RouteCache } from '../../src/machines/routes/route-cache.ts';
import type { Returning, ReturnWay } from '../../src/machines/send-back/send-back-job.ts';
import type { Address } from '../../src/model/route.ts';
import { parseProperties } from '../../src/protocol/properties.ts';
import { BrokerCalls } from '../../src/transport/broker-calls.ts';
import { MessageCalls } from '../../src/transport/message-calls.ts';
import { aQueue, type MessageFields, messageAt } from '../support/builders.ts';
import { exchange } from '../support/transport-kit.ts';
import { parse } from '../unit/config/support.ts';

const retryTopic = '%RETRY%billing';
const retry: ReturnWay = { kind: 'retry', delayLevel: 0 };
const dead: ReturnWay = { kind: 'deadLetter', reason: 'listener' };

function addressOf(brokerName: string): Address {
  return `${brokerName}:10911`;
}

/** The port over some brokers, each of which has a queue of the retry topic, and refuses what the test says. */
function world(
  given: {
    readonly config?: Partial<ConsumerConfig>;
    /** Default: broker-a. */
    readonly brokers?: readonly string[];
    /** Undefined: no name server has told of it yet. */
    readonly retryPerm?: number | undefined;
    readonly refusing?: readonly string[];
  } = {},
) {
  const { config = {}, brokers = ['broker-a'], refusing = [] } = given;
  const { switchboard, asked } = exchange(address => ({
    code: refusing.some(name => addressOf(name) === address) ? 1 : 0,
    fields: { msgId: 'x', queueId: '0', queueOffset: '0' },
  }));
  const cache = new RouteCache();
  const route = (perm: number) => ({
    queues: brokers.map(brokerName => ({
      ...{ brokerName, perm, readQueueNums: 1, writeQueueNums: 1, topicSysFlag: 0 },
    })),
    brokers: brokers.map(brokerName => ({
      ...{ cluster: 'c', brokerName, addresses: new Map([[0, addressOf(brokerName)]]) },
    })),
  });
  cache.set('orders', route(6));
  const perm = 'retryPerm' in given ? given.retryPerm : 6;
  if (perm !== undefined) cache.set(retryTopic, route(perm));
  const port = sendBackPort({
    namespace: undefined,
    config: parse(config),
    calls: new BrokerCalls(switchboard),
    messages: new MessageCalls(switchboard),
    locator: new BrokerLocator(cache, switchboard),
    cache,
  });
  const { signal } = new AbortController();
  return { port, asked, signal, addresses: () => asked.map(({ address }) => address) };
}

function returning(way: ReturnWay, fields: MessageFields = {}): Returning {
  const message = messageAt(7, {
    reconsumeTimes: 3,
    properties: [
      ['UNIQ_KEY', 'id-7'],
      ['__SHARDINGKEY', 'k'],
      ['DELAY', '4'],
      ['TIMER_DELIVER_MS', '1764000000000'],
    ],
    ...fields,
  });
  return {
    way,
    job: {
      queue: aQueue,
      failed: { epoch: 1, ticket: 7, message, delayLevel: 0, error: undefined },
      settle: () => {},
      redeliver: () => {},
    },
  };
}

describe('a send-back', () => {
  it.each([
    ['a retry the broker decides on', retry, '0'],
    ['a retry of a level', { kind: 'retry', delayLevel: 7 }, '7'],
    ['a dead letter', dead, '-1'],
  ] as const)('of %s names the message by its place in the log', async (_, way, delayLevel) => {
    const { port, asked, signal } = world({ config: { maxReconsumeTimes: 5 } });
    await port.sendBack(returning(way), signal);
    expect(asked.map(({ frame }) => frame.code)).toEqual([36]);
    expect(asked[0]?.frame.fields).toMatchObject({
      group: 'billing',
      originTopic: 'orders',
      originMsgId: 'id-7',
      delayLevel,
      maxReconsumeTimes: '5',
      offset: '7000',
    });
  });

  it('says that 16 attempts are the most where nothing was set', async () => {
    const { port, asked, signal } = world();
    await port.sendBack(returning(retry), signal);
    expect(asked[0]?.frame.fields).toMatchObject({ maxReconsumeTimes: '16' });
  });
});

describe('a copy', () => {
  const fieldsOf = (frame: { readonly fields: Readonly<Record<string, string>> } | undefined) => {
    const { b: topic, i: properties, j: attempts, l: most, f: sysFlag } = frame?.fields ?? {};
    return { topic, attempts: Number(attempts), most: Number(most), sysFlag: Number(sysFlag), properties };
  };

  // 5.x takes a message for dead when attempts > most, 4.9 when attempts >= most.
  it.each([
    [0, 1],
    [3, 4],
    [15, 16],
    [2_000_000, 2_000_001],
  ])(
    'that is to be retried is no dead letter to any version, with %d attempts before',
    async (before, now) => {
      const { port, asked, signal } = world({ config: { maxReconsumeTimes: now } });
      await port.sendToRetryTopic(returning(retry, { reconsumeTimes: before }), signal);
      const { topic, attempts, most } = fieldsOf(asked[0]?.frame);
      expect([topic, attempts, attempts >= most]).toEqual([retryTopic, now, false]);
    },
  );

  it.each([0, 3, 16])('of a dead letter is one to every version, with %d attempts before', async before => {
    const { port, asked, signal } = world({ config: { maxReconsumeTimes: 16 } });
    await port.sendToRetryTopic(returning(dead, { reconsumeTimes: before }), signal);
    const { topic, attempts, most } = fieldsOf(asked[0]?.frame);
    expect([topic, attempts, attempts > most]).toEqual([retryTopic, before + 1, true]);
  });

  it('carries what the message had, its topic and id, the level, and nothing of its last journey', async () => {
    const { port, asked, signal } = world();
    await port.sendToRetryTopic(returning(retry), signal);
    const { properties } = fieldsOf(asked[0]?.frame);
    expect(Object.fromEntries(parseProperties(String(properties)))).toEqual({
      UNIQ_KEY: 'id-7',
      __SHARDINGKEY: 'k',
      RETRY_TOPIC: 'orders',
      ORIGIN_MESSAGE_ID: 'id-7',
      DELAY: '6', // 3 + attempts
    });
    expect(asked[0]?.frame.body.toString()).toBe('body 7');
  });

  it('of a dead letter has no delay', async () => {
    const { port, asked, signal } = world();
    await port.sendToRetryTopic(returning(dead), signal);
    const { properties } = fieldsOf(asked[0]?.frame);
    expect(parseProperties(String(properties)).has('DELAY')).toBe(false);
  });

  it.each([
    ['sound', deflateSync('body 7')],
    ['damaged', Buffer.from('this is no zlib')],
  ])('keeps a compressed body that is %s as it was stored', async (_, body) => {
    const { port, asked, signal } = world();
    await port.sendToRetryTopic(returning(retry, { body, sysFlag: 0x301 }), signal);
    const { sysFlag } = fieldsOf(asked[0]?.frame);
    expect([asked[0]?.frame.body, sysFlag]).toEqual([body, 0x301]);
  });

  it('goes to another broker than the one that has just refused the message', async () => {
    const { port, addresses, signal } = world({ brokers: ['broker-a', 'broker-b'] });
    await port.sendToRetryTopic(returning(retry), signal);
    expect(addresses()).toEqual([addressOf('broker-b')]);
  });

  it('is offered to the next broker when one refuses it, its own at the end, three in all', async () => {
    const brokers = ['broker-a', 'broker-b', 'broker-c', 'broker-d'];
    const { port, addresses, signal } = world({ brokers, refusing: brokers });
    await expect(port.sendToRetryTopic(returning(retry), signal)).rejects.toMatchObject({
      code: 'RMQ_BROKER_ERROR',
    });
    expect(addresses()).toEqual(['broker-b', 'broker-c', 'broker-a'].map(addressOf));
  });

  it.each([
    [0, ['broker-b']],
    [1, ['broker-b', 'broker-a']],
    [9, ['broker-b', 'broker-c', 'broker-a']],
  ] as const)('is offered to one broker and %d more', async (retryTimesWhenSendAsyncFailed, asked) => {
    const brokers = ['broker-a', 'broker-b', 'broker-c'];
    const config = { retryTimesWhenSendAsyncFailed };
    const { port, addresses, signal } = world({ config, brokers, refusing: brokers });
    await expect(port.sendToRetryTopic(returning(retry), signal)).rejects.toThrow();
    expect(addresses()).toEqual(asked.map(addressOf));
  });

  it.each([
    [{}, 4095, 0],
    [{}, 4096, 0x301],
    [{ compressMsgBodyOverHowmuch: 100 }, 100, 0x301],
    [{ enableMessageCompression: false }, 10_000, 0],
  ])('with %o of %d bytes has the sysFlag %d', async (config, size, expected) => {
    const body = Buffer.alloc(size, 'x');
    const { port, asked, signal } = world({ config });
    await port.sendToRetryTopic(returning(retry, { body }), signal);
    const { sysFlag } = fieldsOf(asked[0]?.frame);
    const sent = asked[0]?.frame.body ?? Buffer.alloc(0);
    expect(sysFlag).toBe(expected);
    expect(expected === 0 ? sent : inflateSync(sent)).toEqual(body);
  });

  it('goes to its own broker while no name server knows the retry topic', async () => {
    const { port, addresses, signal } = world({ brokers: ['broker-a', 'broker-b'], retryPerm: undefined });
    await port.sendToRetryTopic(returning(retry), signal);
    expect(addresses()).toEqual([addressOf('broker-a')]);
  });

  it('goes nowhere when the retry topic may not be written', async () => {
    const { port, asked, signal } = world({ retryPerm: 4 });
    await expect(port.sendToRetryTopic(returning(retry), signal)).rejects.toMatchObject({
      code: 'RMQ_BROKER_NOT_FOUND',
    });
    expect(asked).toEqual([]);
  });
});

describe('a round', () => {
  it('is not given up while one of its sends may still be answered', () => {
    for (const timeoutMs of [100, 3000, 60_000, 86_400_000]) {
      for (const retries of [0, 2, 15]) {
        const limit = roundLimitOf({
          consumerTimeoutMillisSendMessage: timeoutMs,
          retryTimesWhenSendAsyncFailed: retries,
        });
        expect(limit).toBeGreaterThan((1 + retries) * timeoutMs); // so many brokers are offered a copy, in turn
        expect(limit).toBeLessThan(2 ** 31); // a timer takes no more
      }
    }
  });
});
