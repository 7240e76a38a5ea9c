// SPDX-License-Identifier: Apache-2.0
/** How is allocateStrategy read: a word, an object with a name, or a function? */
import { strategyName } from '../allocation/allocate.ts';
import type { AllocateStrategy } from '../allocation/allocate-strategy.ts';
import { byConfig } from '../allocation/by-config.ts';
import { consistentHash } from '../allocation/consistent-hash.ts';
import { machineRoom } from '../allocation/machine-room.ts';
import { machineRoomNearby } from '../allocation/machine-room-nearby.ts';
import { type AllocateStrategyName, allocateStrategies, asStrategy } from '../allocation/strategies.ts';
import { oneOf } from './basic-kinds.ts';
import { describeValue } from './describe-value.ts';
import type { Kind } from './option.ts';
import type { Spot } from './report.ts';

const words = Object.keys(allocateStrategies) as AllocateStrategyName[]; // the keys of a constant
const byName = oneOf(words);

export const allocateStrategyKind: Kind<AllocateStrategyName | AllocateStrategy, AllocateStrategy, 'none'> = {
  typeText: `${byName.typeText} | AllocateStrategy`,
  typeImports: { AllocateStrategy: '../allocation/allocate-strategy.ts' },
  unit: 'none',
  read: readStrategy,
  fromText: text => text,
  show: strategyName,
};

function readStrategy(value: unknown, spot: Spot): AllocateStrategy | undefined {
  const called = makers.get(value);
  if (called !== undefined) return spot.problem('a function that makes a strategy is none itself', called);
  const strategy = asStrategy(value);
  if (strategy !== undefined) return strategy;
  if (typeof value !== 'string') {
    return spot.problem(
      `${describeValue(value)} is no strategy`,
      `Write ${byName.typeText}, a function, or { name, allocate(context) }.`,
    );
  }
  const elsewhere = wordsElsewhere.get(value.trim());
  if (elsewhere === undefined)
    byName.read(value, spot); // says that there is no such word, and which was nearly written
  else
    spot.problem(
      `${describeValue(value)} is not one of ${byName.typeText.replaceAll(' | ', ', ')}`,
      elsewhere,
    );
  return undefined;
}

const nearbyHint = "It needs to know the rooms: write machineRoomNearby('AVG', name => name.split('-')[0]).";
const roomHint = "It needs the rooms: write machineRoom(['room1']).";
const configHint =
  "It needs the queues: write byConfig([{ topic: 'orders', brokerName: 'broker-a', queueId: 0 }]).";

/** What was forgotten to be called, and how it is. */
const makers: ReadonlyMap<unknown, string> = new Map<unknown, string>([
  [consistentHash, 'Call it: consistentHash(), or write its word.'],
  [byConfig, configHint],
  [machineRoom, roomHint],
  [machineRoomNearby, nearbyHint],
]);

/** Names strategies have elsewhere: those Java shows for the ones with arguments, its classes, pyrocketmq's words. */
const wordsElsewhere: ReadonlyMap<string, string> = new Map([
  ['CONFIG', configHint],
  ['MACHINE_ROOM', roomHint],
  ['MACHINE_ROOM_NEARBY', nearbyHint],
  ['AllocateMessageQueueByConfig', configHint],
  ['AllocateMessageQueueByMachineRoom', roomHint],
  ['AllocateMachineRoomNearby', nearbyHint],
  ['AllocateMessageQueueAveragely', "Write 'AVG'."],
  ['AllocateMessageQueueAveragelyByCircle', "Write 'AVG_BY_CIRCLE'."],
  ['AllocateMessageQueueConsistentHash', "Write 'CONSISTENT_HASH'."],
  ['HASH', "Write 'CONSISTENT_HASH'."],
]);
