// SPDX-License-Identifier: Apache-2.0
/** What does the option allocateStrategy take, and what does it say to what cannot work? */
import { describe, expect, it } from 'vitest';
import { byConfig } from '../../../src/allocation/by-config.ts';
import { consistentHash } from '../../../src/allocation/consistent-hash.ts';
import { machineRoom } from '../../../src/allocation/machine-room.ts';
import { machineRoomNearby } from '../../../src/allocation/machine-room-nearby.ts';
import { sticky } from '../../../src/allocation/sticky.ts';
import { explainRows } from '../../../src/config/explain.ts';
import { parse, problemsOf } from '../config/support.ts';

describe('allocateStrategy', () => {
  it.each(['AVG', 'AVG_BY_CIRCLE', 'CONSISTENT_HASH', 'STICKY'])(
    'takes the word %s, from the environment too',
    word => {
      expect(parse({ allocateStrategy: word }).allocateStrategy.name).toBe(word);
      expect(parse({}, { env: { ROCKETMQ_ALLOCATE_STRATEGY: word } }).allocateStrategy.name).toBe(word);
    },
  );

  it('takes what the makers make, and explains it by its name', () => {
    const nearby = machineRoomNearby(sticky, name => name);
    const config = parse({ allocateStrategy: nearby });
    expect(config.allocateStrategy).toBe(nearby);
    expect(explainRows(config).find(({ option }) => option === 'allocateStrategy')?.value).toBe(
      'MACHINE_ROOM_NEARBY-STICKY',
    );
  });

  it.each([
    ['MACHINE_ROOM', "It needs the rooms: write machineRoom(['room1'])."],
    ['MACHINE_ROOM_NEARBY', /machineRoomNearby\('AVG', /],
    ['CONFIG', /byConfig\(\[/],
    ['AllocateMessageQueueAveragely', "Write 'AVG'."],
    ['AllocateMessageQueueConsistentHash', "Write 'CONSISTENT_HASH'."],
    ['HASH', "Write 'CONSISTENT_HASH'."],
    ['sticky', "Write 'STICKY'."],
  ])('says to the word %s what to write', (word, hint) => {
    expect(problemsOf({ allocateStrategy: word })).toEqual([
      {
        option: 'allocateStrategy',
        problem: `'${word}' is not one of 'AVG', 'AVG_BY_CIRCLE', 'CONSISTENT_HASH', 'STICKY'`,
        hint: typeof hint === 'string' ? hint : expect.stringMatching(hint),
      },
    ]);
  });

  it.each([
    ['consistentHash', consistentHash, /^Call it: consistentHash\(\)/],
    ['byConfig', byConfig, /byConfig\(\[/],
    ['machineRoom', machineRoom, /machineRoom\(\['room1'\]\)/],
    ['machineRoomNearby', machineRoomNearby, /machineRoomNearby\('AVG', /],
  ])('says that %s was not called', (_, maker, hint) => {
    expect(problemsOf({ allocateStrategy: maker })).toEqual([
      {
        option: 'allocateStrategy',
        problem: 'a function that makes a strategy is none itself',
        hint: expect.stringMatching(hint),
      },
    ]);
  });
});
