// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { byShardingKey, nextInTurn } from '../../../src/producer/choose-queue.ts';
import type { PublishQueue } from '../../../src/producer/publish-routes.ts';

function at(brokerName: string, queueId: number): PublishQueue {
  return { queue: { topic: 'orders', brokerName, queueId }, address: `${brokerName}:10911` };
}

const queues = [at('a', 0), at('a', 1), at('b', 0), at('b', 1)];
const everything = { isOpen: () => true, failed: new Set<string>() };

function turns(count: number, preference: Parameters<typeof nextInTurn>[2]): readonly string[] {
  return Array.from({ length: count }, (_, turn) => {
    const chosen = nextInTurn(queues, turn, preference);
    return `${chosen?.queue.brokerName}${chosen?.queue.queueId}`;
  });
}

describe('the queue of a message', () => {
  it('is the next in turn', () => {
    expect(turns(6, everything)).toEqual(['a0', 'a1', 'b0', 'b1', 'a0', 'a1']);
  });

  it('is at a connected broker, as long as there is one', () => {
    expect(turns(3, { ...everything, isOpen: ({ queue }) => queue.brokerName === 'b' })).toEqual([
      'b0',
      'b1',
      'b0',
    ]);
    expect(turns(3, { ...everything, isOpen: () => false })).toEqual(['a0', 'a1', 'b0']);
  });

  it('is not at a broker that failed the message, even if that is the only connected one', () => {
    const isOpen = ({ queue }: PublishQueue) => queue.brokerName === 'a';
    expect(turns(2, { isOpen, failed: new Set(['a']) })).toEqual(['b0', 'b1']);
  });

  it('is any again when all have failed', () => {
    expect(turns(3, { ...everything, failed: new Set(['a', 'b']) })).toEqual(['a0', 'a1', 'b0']);
  });

  it('does not exist without queues', () => {
    expect([nextInTurn([], 3, everything), byShardingKey([], 'x')]).toEqual([undefined, undefined]);
  });
});

describe('the queue of a sharding key', () => {
  it('is the one Java chooses: the remainder of its hash, without its sign', () => {
    // "polygenelubricants".hashCode() = -2147483648, % 4 = 0; "b".hashCode() = 98, % 4 = 2; "a".hashCode() = 97, % 4 = 1
    expect(byShardingKey(queues, 'polygenelubricants')).toBe(queues[0]);
    expect(byShardingKey(queues, 'b')).toBe(queues[2]);
    expect(byShardingKey(queues, 'a')).toBe(queues[1]);
  });

  it('is the same each time, and keys spread over all', () => {
    const chosen = Array.from({ length: 100 }, (_, i) => byShardingKey(queues, `key ${i}`));
    expect(new Set(chosen).size).toBe(4);
    expect(byShardingKey(queues, 'key 5')).toBe(chosen[5]);
  });
});
