// SPDX-License-Identifier: Apache-2.0
/** MACHINE_ROOM_NEARBY: queues go to members in the same machine room, and to all where a room has no member. */
import { ConfigError, ConsumerError } from '../errors/errors.ts';
import { compareText, type MessageQueue } from '../model/message-queue.ts';
import { allocate, strategyName } from './allocate.ts';
import type { AllocateContext, AllocateStrategy, NamedAllocateStrategy } from './allocate-strategy.ts';
import { type AllocateStrategyName, asStrategy } from './strategies.ts';

/** Tells brokers and members apart. Source: AllocateMachineRoomNearby.MachineRoomResolver. */
export interface MachineRoomResolver {
  /** The room a queue's broker stands in; never empty. */
  brokerDeployIn(queue: MessageQueue): string;
  /** The room a member runs in; never empty. */
  consumerDeployIn(clientId: string): string;
}

/** The room of a broker name or client id, where both tell it alike; or two functions, as Java has them. */
export type RoomOf = ((brokerNameOrClientId: string) => string) | MachineRoomResolver;

/**
 * First the queues of this member's own room, shared among the members there; then those of each room without any
 * member, shared among all. Within each it is `inner` that shares. When the last member of a room goes, its queues pass
 * to the others; when the first one comes, they come home. A broker or member without a room fails the whole allocation:
 * everybody keeps what he has until that is put right. Source: AllocateMachineRoomNearby, protocol.md section 10.
 * @param inner a strategy, or the word of one
 * @throws ConfigError when one of the arguments cannot work
 * @example
 * // Client ids begin with clientIp, broker names with their room: room1-broker-a.
 * machineRoomNearby('AVG', {
 *   brokerDeployIn: ({ brokerName }) => brokerName.split('-')[0] ?? '',
 *   consumerDeployIn: clientId => (clientId.startsWith('10.1.') ? 'room1' : 'room2'),
 * });
 */
export function machineRoomNearby(
  inner: AllocateStrategyName | AllocateStrategy,
  roomOf: RoomOf,
): NamedAllocateStrategy {
  const strategy = checkedInner(inner);
  const resolver = checkedResolver(roomOf);
  return {
    name: `MACHINE_ROOM_NEARBY-${strategyName(strategy)}`,
    allocate: context => nearby(strategy, resolver, context),
  };
}

function nearby(
  inner: AllocateStrategy,
  resolver: MachineRoomResolver,
  context: AllocateContext,
): readonly MessageQueue[] {
  const { clientId, queues, clientIds } = context;
  if (!clientIds.includes(clientId)) return [];
  const queuesIn = byRoom(
    queues,
    queue => resolver.brokerDeployIn(queue),
    ({ brokerName }) => `broker ${brokerName}`,
  );
  const membersIn = byRoom(
    clientIds,
    id => resolver.consumerDeployIn(id),
    id => `member ${id}`,
  );
  const [home] = [...membersIn].find(([, members]) => members.includes(clientId)) ?? [''];
  const deserted = [...queuesIn.keys()].filter(room => !membersIn.has(room)).sort(compareText);
  const shareOf = (room: string, members: readonly string[]): readonly MessageQueue[] => {
    const offered = queuesIn.get(room);
    return offered === undefined ? [] : allocate(inner, { ...context, queues: offered, clientIds: members });
  };
  return [...shareOf(home, membersIn.get(home) ?? []), ...deserted.flatMap(room => shareOf(room, clientIds))];
}

/** In the order of the items, which is that of all members. */
function byRoom<Item>(
  items: readonly Item[],
  roomOf: (item: Item) => unknown,
  nameOf: (item: Item) => string,
): ReadonlyMap<string, readonly Item[]> {
  const rooms = new Map<string, Item[]>();
  for (const item of items) {
    const room = roomOf(item);
    if (typeof room !== 'string' || room === '') {
      throw new ConsumerError('RMQ_ALLOCATION_FAILED', `no machine room is known for ${nameOf(item)}`);
    }
    const present = rooms.get(room);
    if (present === undefined) rooms.set(room, [item]);
    else present.push(item);
  }
  return rooms;
}

function checkedInner(inner: unknown): AllocateStrategy {
  const strategy = asStrategy(inner);
  if (strategy !== undefined) return strategy;
  throw new ConfigError([
    {
      option: 'allocateStrategy',
      problem: 'machineRoomNearby got no strategy to share with inside a room',
      hint: "Write machineRoomNearby('AVG', roomOf), or give a strategy or function instead of the word.",
    },
  ]);
}

function checkedResolver(roomOf: unknown): MachineRoomResolver {
  if (typeof roomOf === 'function') {
    const roomOfName = roomOf as (name: string) => string; // what it answers is checked at each call
    return {
      brokerDeployIn: ({ brokerName }) => roomOfName(brokerName),
      consumerDeployIn: clientId => roomOfName(clientId),
    };
  }
  if (isResolver(roomOf)) return roomOf;
  throw new ConfigError([
    {
      option: 'allocateStrategy',
      problem: 'machineRoomNearby got nothing that tells the rooms',
      hint: "Write machineRoomNearby('AVG', name => name.split('-')[0]), or { brokerDeployIn, consumerDeployIn }.",
    },
  ]);
}

function isResolver(value: unknown): value is MachineRoomResolver {
  if (typeof value !== 'object' || value === null) return false;
  const { brokerDeployIn, consumerDeployIn } = value as Partial<MachineRoomResolver>; // both are checked in the next line
  return typeof brokerDeployIn === 'function' && typeof consumerDeployIn === 'function';
}
