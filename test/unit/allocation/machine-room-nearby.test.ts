// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import type { AllocateStrategy } from '../../../src/allocation/allocate-strategy.ts';
import { average } from '../../../src/allocation/average.ts';
import { averageByCircle } from '../../../src/allocation/average-by-circle.ts';
import { machineRoomNearby } from '../../../src/allocation/machine-room-nearby.ts';
import { ConfigError } from '../../../src/errors/errors.ts';
import { caseOf, parseQueue, sharesOfAll } from './golden.ts';
import { ownersOf } from './histories.ts';

const beforeDash = (name: string): string => name.split('-')[0] ?? '';
const recorded = caseOf('MACHINE_ROOM_NEARBY-AVG');
const queues = recorded.queues.map(parseQueue);

describe('machineRoomNearby', () => {
  it('shares as Java does: the own room first, then rooms without members', () => {
    const strategy = machineRoomNearby(average, beforeDash);
    expect(sharesOfAll(strategy, queues, recorded.clientIdsSorted)).toEqual(recorded.result);
  });

  it('takes a word for the strategy inside, and goes by its name', () => {
    expect(machineRoomNearby('STICKY', beforeDash).name).toBe('MACHINE_ROOM_NEARBY-STICKY');
    expect(sharesOfAll(machineRoomNearby('AVG', beforeDash), queues, recorded.clientIdsSorted)).toEqual(
      recorded.result,
    );
  });

  it('takes two functions as Java has them, and keeps their `this`', () => {
    class Rooms {
      private readonly dash = '-';
      brokerDeployIn({ brokerName }: { readonly brokerName: string }): string {
        return brokerName.split(this.dash)[0] ?? '';
      }
      consumerDeployIn(clientId: string): string {
        return clientId.split(this.dash)[0] ?? '';
      }
    }
    expect(sharesOfAll(machineRoomNearby(average, new Rooms()), queues, recorded.clientIdsSorted)).toEqual(
      recorded.result,
    );
  });

  it('asks a function as the strategy inside', () => {
    const last: AllocateStrategy = ({ queues: offered, clientId, clientIds }) =>
      clientId === clientIds.at(-1) ? offered : [];
    const shares = sharesOfAll(machineRoomNearby(last, beforeDash), queues, ['r1-a', 'r1-b', 'r2-c']);
    expect(Object.entries(shares).map(([id, share]) => [id, share.length])).toEqual([
      ['r1-a', 0],
      ['r1-b', 4],
      ['r2-c', 8],
    ]);
  });

  it.each(['AVG', 'AVG_BY_CIRCLE', 'STICKY', 'CONSISTENT_HASH'] as const)(
    'with %s inside gives every queue to one member, of its own room where there is one',
    word => {
      const members = ['r1-a', 'r1-b', 'r2-c', 'r4-d'];
      const owners = ownersOf(machineRoomNearby(word, beforeDash), queues, members);
      const homely = [...owners].filter(([queue]) => !queue.includes('r3-'));
      expect(homely.every(([queue, owner]) => queue.includes(`@${beforeDash(owner)}-`))).toBe(true);
      expect(homely).toHaveLength(8);
    },
  );

  it('brings the queues of a room home when its first member comes', () => {
    const strategy = machineRoomNearby(averageByCircle, beforeDash);
    const shares = sharesOfAll(strategy, queues, [...recorded.clientIdsSorted, 'r3-c1']);
    expect(shares['r3-c1']).toEqual(['r3-broker:0', 'r3-broker:1', 'r3-broker:2', 'r3-broker:3']);
  });

  it('gives nothing to a client that is no member', () => {
    const strategy = machineRoomNearby(average, beforeDash);
    const context = { consumerGroup: 'billing', clientId: 'r1-x', clientIds: ['r1-a'], queues };
    expect(strategy.allocate(context)).toEqual([]);
  });

  it.each<[string, (name: string) => unknown, string]>([
    ['broker', name => (name === 'r3-broker' ? '' : 'r'), 'no machine room is known for broker r3-broker'],
    ['member', name => (name === 'r2-c1' ? undefined : 'r'), 'no machine room is known for member r2-c1'],
  ])('fails for everybody when a %s has no room', (_, roomOf, problem) => {
    const strategy = machineRoomNearby(average, roomOf as never); // wrong on purpose
    for (const clientId of recorded.clientIdsSorted) {
      const context = { consumerGroup: 'billing', clientId, clientIds: recorded.clientIdsSorted, queues };
      expect(() => strategy.allocate(context)).toThrow(
        expect.objectContaining({ code: 'RMQ_ALLOCATION_FAILED', message: problem }),
      );
    }
  });

  it('refuses what the strategy inside may not answer', () => {
    const greedy: AllocateStrategy = () => queues;
    expect(() => sharesOfAll(machineRoomNearby(greedy, beforeDash), queues, ['r1-a'])).toThrow(
      'which it was not offered',
    );
  });

  it.each<[string, unknown, unknown, string]>([
    ['no strategy', undefined, beforeDash, 'machineRoomNearby got no strategy to share with inside a room'],
    ['an unknown word', 'FAIR', beforeDash, 'machineRoomNearby got no strategy to share with inside a room'],
    ['no rooms', average, undefined, 'machineRoomNearby got nothing that tells the rooms'],
    [
      'half of the rooms',
      average,
      { brokerDeployIn: beforeDash },
      'machineRoomNearby got nothing that tells the rooms',
    ],
  ])('refuses %s', (_, inner, roomOf, problem) => {
    expect(() => machineRoomNearby(inner as never, roomOf as never)).toThrow(ConfigError); // wrong on purpose
    expect(() => machineRoomNearby(inner as never, roomOf as never)).toThrow(problem);
  });
});
