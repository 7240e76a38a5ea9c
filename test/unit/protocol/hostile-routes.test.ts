// SPDX-License-Identifier: Apache-2.0
/** What becomes of a route that no honest name server sends? A typed error before anything is made of it. */
import { describe, expect, it } from 'vitest';
import { RouteCache } from '../../../src/machines/routes/route-cache.ts';
import { parseRoute } from '../../../src/protocol/bodies/route.ts';

interface Told {
  readonly brokers?: readonly unknown[];
  readonly queues?: readonly unknown[];
}

const broker = (brokerName: string, brokerAddrs: unknown = { 0: '127.0.0.1:1' }) => ({
  brokerName,
  brokerAddrs,
  cluster: 'c',
});
const queues = (brokerName: string, readQueueNums: unknown, writeQueueNums: unknown = 1) => ({
  ...{ brokerName, readQueueNums, writeQueueNums },
  ...{ perm: 6, topicSysFlag: 0 },
});

function bodyOf({ brokers = [], queues: data = [] }: Told): Buffer {
  return Buffer.from(JSON.stringify({ brokerDatas: brokers, filterServerTable: {}, queueDatas: data }));
}

const many = (count: number) => Array.from({ length: count }, (_, i) => `broker-${i}`);

describe('a route is refused that claims', () => {
  it.each<[string, Told, RegExp]>([
    ['10,000 brokers', { brokers: many(10_000).map(name => broker(name)) }, /claims 10000 brokers/],
    [
      'queues of 10,000 brokers',
      { queues: many(10_000).map(name => queues(name, 1)) },
      /claims 10000 brokers/,
    ],
    [
      '5,000 addresses of one broker',
      { brokers: [broker('a', Object.fromEntries(many(5000).map((name, id) => [id, `${name}:1`])))] },
      /claims 5000 addresses/,
    ],
    ['2^31 queues', { queues: [queues('a', 2 ** 31)] }, /impossible queue counts/],
    ['many queues in all', { queues: many(200).map(name => queues(name, 1000)) }, /impossible queue counts/],
    ['less than no queues', { queues: [queues('a', -1)] }, /impossible queue counts/],
    ['a broken number of queues', { queues: [queues('a', 1.5)] }, /readQueueNums/],
    ['a negative broker id', { brokers: [broker('a', { '-1': 'x:1' })] }, /the id -1 for a/],
    ['an id that is none', { brokers: [broker('a', { master: 'x:1' })] }, /brokerAddrs/],
    ['a broker twice', { brokers: [broker('a'), broker('a')] }, /broker a twice/],
    ['queues of a broker twice', { queues: [queues('a', 1), queues('a', 1)] }, /queue data of a twice/],
    ['a name of 10,000 characters', { brokers: [broker('a'.repeat(10_000))] }, /illegal broker name/],
    ['a name with control characters', { queues: [queues('a\u0000', 1)] }, /illegal broker name/],
    ['an address that is no text', { brokers: [broker('a', { 0: 7 })] }, /brokerAddrs/],
  ])('%s', (_what, told, message) => {
    expect(() => parseRoute(bodyOf(told))).toThrow(
      expect.objectContaining({ code: 'RMQ_BAD_BODY', message: expect.stringMatching(message) }),
    );
  });

  it('JSON nested a million deep', () => {
    const body = Buffer.from(`{"brokerDatas":${'['.repeat(1_000_000)}`);
    expect(() => parseRoute(body)).toThrow(
      expect.objectContaining({ code: expect.stringMatching(/^RMQ_BAD_(BODY|JSON)$/) }),
    );
  });
});

it('brokers that are made up anew at each poll do not fill memory', () => {
  const cache = new RouteCache();
  const said = (round: number, name: string) =>
    cache.set('orders', {
      brokers: [
        { brokerName: 'broker-a', cluster: 'c', addresses: new Map([[0, 'a:1']]) },
        { brokerName: name, cluster: 'c', addresses: new Map([[0, `${name}:${round + 1}`]]) },
      ],
      queues: [{ brokerName: 'broker-a', readQueueNums: 1, writeQueueNums: 1, perm: 6 }],
    });
  for (let round = 0; round < 20_000; round++) said(round, `made-up-${round}`);
  const known = Array.from({ length: 20_000 }, (_, i) => cache.addressOf(`made-up-${i}`)).filter(Boolean);
  expect(known.length).toBeLessThanOrEqual(5000);
  expect([cache.addressOf('broker-a'), cache.addressOf('made-up-19999')]).toEqual([
    'a:1',
    'made-up-19999:20000',
  ]);
});
