// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { type ConsistentHashOptions, consistentHash } from '../../../src/allocation/consistent-hash.ts';
import { ConfigError } from '../../../src/errors/errors.ts';
import { queuesOfShape, ringPoints, shapes, sharesOfAll } from './golden.ts';
import { ownersOf, queuesOf } from './histories.ts';

/** The recorded points, for asking a strategy that knows nothing else. */
function recorded(text: string): number {
  const point = ringPoints.find(({ key }) => key === text);
  if (point === undefined) throw new Error(`no point was recorded for ${text}`);
  return point.hash;
}

describe('consistentHash', () => {
  it.each(shapes.map(sample => ({ ...sample, members: sample.clientIdsSorted.length })))(
    'with three points each shares $brokers × $queuesPerBroker queues among $members members as Java does',
    sample => {
      const strategy = consistentHash({ virtualNodeCnt: 3 });
      expect(sharesOfAll(strategy, queuesOfShape(sample), sample.clientIdsSorted)).toEqual(
        sample.resultPerStrategy['CONSISTENT_HASH(virtualNodeCnt=3)'],
      );
    },
  );

  it('asks for the texts that Java puts on the ring, points of members and queues', () => {
    const asked: string[] = [];
    const strategy = consistentHash({ virtualNodeCnt: 10, hashFunction: text => asked.push(text) });
    const [clientId = ''] = shapes[0]?.clientIdsSorted ?? [];
    const queues = [0, 3].map(queueId => ({ topic: 'GoldenTopic', brokerName: 'broker-a', queueId }));
    strategy.allocate({ consumerGroup: 'billing', clientId, clientIds: [clientId], queues });
    expect(asked).toHaveLength(12);
    expect(asked).toEqual(expect.arrayContaining(ringPoints.map(({ key }) => key)));
  });

  it('has the same points as Java: the recorded ones in its place change nothing', () => {
    const clientIds = ['192.168.0.1@1000#123456789', 'other'];
    const hashFunction = (text: string): number =>
      text.startsWith('other')
        ? 2_000_000_000
        : text.endsWith('-9') || text.startsWith('Mess')
          ? recorded(text)
          : 5;
    const queues = [0, 3].map(queueId => ({ topic: 'GoldenTopic', brokerName: 'broker-a', queueId }));
    // Points 1909923424 and 5 of the first, 2000000000 of the other; queues at 1641348074 and 3542952671, which is past all.
    const shares = sharesOfAll(consistentHash({ hashFunction }), queues, clientIds);
    expect(shares).toEqual({ [clientIds[0] ?? '']: ['broker-a:0', 'broker-a:3'], other: [] });
  });

  it('gives a point that two members have to the one who comes later', () => {
    const strategy = consistentHash({ hashFunction: () => 7 });
    expect(sharesOfAll(strategy, queuesOf(3), ['a', 'b'])).toEqual({
      a: [],
      b: ['broker-0000:0', 'broker-0000:1', 'broker-0000:2'],
    });
  });

  it('moves queues only to a member that joins', () => {
    const queues = queuesOf(200);
    const before = ownersOf(consistentHash(), queues, ['a', 'b', 'c']);
    const after = ownersOf(consistentHash(), queues, ['a', 'b', 'c', 'd']);
    const moved = [...after].filter(([queue, owner]) => before.get(queue) !== owner);
    expect(new Set(moved.map(([, owner]) => owner))).toEqual(new Set(['d']));
  });

  it.each<[string, ConsistentHashOptions, string]>([
    ['no points', { virtualNodeCnt: 0 }, 'virtualNodeCnt of consistentHash is 0'],
    ['half a point', { virtualNodeCnt: 1.5 }, 'virtualNodeCnt of consistentHash is 1.5'],
    ['points without end', { virtualNodeCnt: Infinity }, 'virtualNodeCnt of consistentHash is Infinity'],
    ['points as text', { virtualNodeCnt: '10' as never }, 'virtualNodeCnt of consistentHash is 10'], // wrong on purpose
    [
      'a hash that is none',
      { hashFunction: 'md5' as never },
      'hashFunction of consistentHash is no function',
    ], // wrong on purpose
  ])('refuses %s', (_, options, problem) => {
    expect(() => consistentHash(options)).toThrow(ConfigError);
    expect(() => consistentHash(options)).toThrow(problem);
  });

  it('names the text for which a hash function answers no number', () => {
    const strategy = consistentHash({ hashFunction: () => Number.NaN });
    expect(() => sharesOfAll(strategy, queuesOf(1), ['a'])).toThrow("hashFunction answered NaN for 'a-0'");
  });
});
