// SPDX-License-Identifier: Apache-2.0
/** MACHINE_ROOM: the queues of brokers in some machine rooms only, told by broker names such as `room1@broker-a`. */
import { ConfigError } from '../errors/errors.ts';
import type { MessageQueue } from '../model/message-queue.ts';
import type { AllocateContext, NamedAllocateStrategy } from './allocate-strategy.ts';

/**
 * Shares the queues of brokers called `<room>@<name>` with one of these rooms among all members; other queues are
 * consumed by nobody. All members must name the same rooms. To prefer near brokers without giving up the others, see
 * {@link machineRoomNearby}. Source: AllocateMessageQueueByMachineRoom, protocol.md section 10.
 * @throws ConfigError when there is no room, or one that no broker name can have
 * @example
 * createConsumerActor({ …, allocateStrategy: machineRoom(['room1', 'room2']) });
 */
export function machineRoom(rooms: readonly string[] | ReadonlySet<string>): NamedAllocateStrategy {
  const wanted = new Set(checkedRooms(rooms));
  return {
    name: 'MACHINE_ROOM',
    allocate({ clientId, queues, clientIds }: AllocateContext): readonly MessageQueue[] {
      const index = clientIds.indexOf(clientId);
      if (index < 0) return [];
      const inside = queues.filter(({ brokerName }) => wanted.has(roomOfBroker(brokerName) ?? ''));
      const each = Math.floor(inside.length / clientIds.length);
      const whole = each * clientIds.length; // what is left behind these goes to the first members, one each
      return [
        ...inside.slice(index * each, (index + 1) * each),
        ...inside.slice(whole + index, whole + index + 1),
      ];
    },
  };
}

/** As Java's split("@") sees it: exactly two parts, empty ones at the end not counted. */
function roomOfBroker(brokerName: string): string | undefined {
  const parts = brokerName.split('@');
  while (parts.at(-1) === '') parts.pop();
  return parts.length === 2 ? parts[0] : undefined;
}

function checkedRooms(rooms: unknown): readonly string[] {
  if (!Array.isArray(rooms) && !(rooms instanceof Set)) throw refused('machineRoom got no array of rooms');
  const given: readonly unknown[] = [...rooms];
  if (given.length === 0) throw refused('machineRoom got no room');
  return given.map(room => {
    if (typeof room === 'string' && room.trim() !== '' && !room.includes('@')) return room;
    throw refused(
      `no broker name has the room ${typeof room === 'string' ? `'${room}'` : String(room)} of machineRoom`,
    );
  });
}

function refused(problem: string): ConfigError {
  const hint = "Name what stands before the @ of the brokers: machineRoom(['room1']) for room1@broker-a.";
  return new ConfigError([{ option: 'allocateStrategy', problem, hint }]);
}
