// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { machineRoom } from '../../../src/allocation/machine-room.ts';
import { ConfigError } from '../../../src/errors/errors.ts';
import { caseOf, parseQueue, sharesOfAll } from './golden.ts';

const queuesAt = (...brokerNames: readonly string[]) =>
  brokerNames.map(brokerName => ({ topic: 'T', brokerName, queueId: 0 }));

describe('machineRoom', () => {
  it('shares the queues of its rooms as Java does', () => {
    const { queues, clientIdsSorted, result } = caseOf('MACHINE_ROOM');
    expect(sharesOfAll(machineRoom(['room1']), queues.map(parseQueue), clientIdsSorted)).toEqual(result);
    expect(Object.values(result).flat()).toHaveLength(5);
  });

  it('takes several rooms, as an array or a set, and is not changed by what becomes of it', () => {
    const rooms = new Set(['room1', 'room2']);
    const strategy = machineRoom(rooms);
    rooms.clear();
    const queues = queuesAt('room1@a', 'room2@b', 'room3@c');
    expect(sharesOfAll(strategy, queues, ['me'])).toEqual({ me: ['room1@a:0', 'room2@b:0'] });
  });

  it('knows a room only in a name of two parts, as split does in Java', () => {
    const queues = queuesAt(
      'room1',
      'room1@',
      'room1@a',
      'room1@a@',
      'room1@a@b',
      'room1@@',
      '@room1',
      'room12@a',
    );
    expect(sharesOfAll(machineRoom(['room1']), queues, ['me'])).toEqual({ me: ['room1@a:0', 'room1@a@:0'] });
  });

  it('gives the last members nothing when there are more members than queues', () => {
    expect(sharesOfAll(machineRoom(['r']), queuesAt('r@a', 'r@b'), ['1', '2', '3'])).toEqual({
      1: ['r@a:0'],
      2: ['r@b:0'],
      3: [],
    });
  });

  it('gives nothing to a client that is no member', () => {
    const context = {
      consumerGroup: 'billing',
      clientId: 'stranger',
      clientIds: ['a'],
      queues: queuesAt('r@a'),
    };
    expect(machineRoom(['r']).allocate(context)).toEqual([]);
  });

  it.each<[string, unknown, string]>([
    ['no room', [], 'machineRoom got no room'],
    ['nothing', undefined, 'machineRoom got no array of rooms'],
    ['a text, whose letters would be rooms', 'room1', 'machineRoom got no array of rooms'],
    ['an empty room', ['room1', ''], "no broker name has the room '' of machineRoom"],
    [
      'a whole broker name',
      ['room1@broker-a'],
      "no broker name has the room 'room1@broker-a' of machineRoom",
    ],
    ['a number', [7], 'no broker name has the room 7 of machineRoom'],
    ['a hole', [undefined], 'no broker name has the room undefined of machineRoom'],
  ])('refuses %s with a hint', (_, rooms, problem) => {
    expect(() => machineRoom(rooms as never)).toThrow(ConfigError); // wrong on purpose
    expect(() => machineRoom(rooms as never)).toThrow(
      expect.objectContaining({
        code: 'RMQ_CONFIG_INVALID',
        problems: [
          {
            option: 'allocateStrategy',
            problem,
            hint: "Name what stands before the @ of the brokers: machineRoom(['room1']) for room1@broker-a.",
          },
        ],
      }),
    );
  });
});
