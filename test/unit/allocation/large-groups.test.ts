// SPDX-License-Identifier: Apache-2.0
/** What becomes of 10,000 queues and 100 members? How long it takes is shown by `npm run evidence -- allocation`. */
import { describe, expect, it } from 'vitest';
import { allocate } from '../../../src/allocation/allocate.ts';
import type { AllocateStrategy } from '../../../src/allocation/allocate-strategy.ts';
import { machineRoomNearby } from '../../../src/allocation/machine-room-nearby.ts';
import { allocateStrategies } from '../../../src/allocation/strategies.ts';
import { compareText } from '../../../src/model/message-queue.ts';
import { queuesOf } from './histories.ts';

const queues = queuesOf(10_000);
const clientIds = Array.from({ length: 100 }, (_, i) => `10.0.0.${i}@4711#${i}`).sort(compareText);
const roomOf = (name: string): string => `room${(name.codePointAt(name.length - 1) ?? 0) % 2}`;

const strategies: readonly AllocateStrategy[] = [
  ...Object.values(allocateStrategies),
  machineRoomNearby('AVG', roomOf),
];

describe('10,000 queues and 100 members', () => {
  it.each(strategies)('of $name: the shares of five members have nothing in common', strategy => {
    const asked = [0, 1, 42, 98, 99].map(index => clientIds[index] ?? '');
    const shares = asked.map(clientId =>
      allocate(strategy, { consumerGroup: 'billing', clientId, clientIds, queues }),
    );
    const all = shares.flat();
    expect(new Set(all).size).toBe(all.length);
    expect(all.length).toBeGreaterThan(100);
  });

  it.each(['AVG', 'AVG_BY_CIRCLE', 'STICKY'] as const)('of %s: each has exactly 100', word => {
    for (const clientId of ['10.0.0.0@4711#0', '10.0.0.57@4711#57']) {
      const context = { consumerGroup: 'billing', clientId, clientIds, queues };
      expect(allocate(allocateStrategies[word], context)).toHaveLength(100);
    }
  });
});
