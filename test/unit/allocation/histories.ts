// SPDX-License-Identifier: Apache-2.0
/** How many queues move when members join and leave one after the other, and how few could? */
import type { NamedAllocateStrategy } from '../../../src/allocation/allocate-strategy.ts';
import { compareText, type MessageQueue, queueKey } from '../../../src/model/message-queue.ts';

/** Ids of all members at once, from one step to the next. */
export type History = readonly (readonly string[])[];

export interface Moves {
  readonly moved: number;
  /** The fewest with which each step could have led from the shares that were there to shares within 1. */
  readonly least: number;
}

/** The owner of every queue, by its key; throws where one has no owner or two. */
export function ownersOf(
  strategy: NamedAllocateStrategy,
  queues: readonly MessageQueue[],
  members: readonly string[],
): ReadonlyMap<string, string> {
  const clientIds = members.toSorted(compareText);
  const owners = new Map<string, string>();
  for (const clientId of clientIds) {
    for (const queue of strategy.allocate({ consumerGroup: 'billing', clientId, clientIds, queues })) {
      if (owners.has(queueKey(queue))) throw new Error(`${queueKey(queue)} has two owners`);
      owners.set(queueKey(queue), clientId);
    }
  }
  if (owners.size !== queues.length) throw new Error(`${queues.length - owners.size} queues have no owner`);
  return owners;
}

export function movesOver(
  strategy: NamedAllocateStrategy,
  queues: readonly MessageQueue[],
  history: History,
): Moves {
  let moved = 0;
  let least = 0;
  let before: ReadonlyMap<string, string> | undefined;
  for (const members of history) {
    const after = ownersOf(strategy, queues, members);
    if (before !== undefined) {
      least += leastMoves(before, members);
      for (const [queue, owner] of after) if (before.get(queue) !== owner) moved += 1;
    }
    before = after;
  }
  return { moved, least };
}

/** Of the old shares as much stays as equal shares allow; the largest old ones get the larger new ones. */
function leastMoves(before: ReadonlyMap<string, string>, members: readonly string[]): number {
  const shares = sharesOf(before, members).sort((a, b) => b - a);
  const smaller = Math.floor(before.size / members.length);
  const larger = before.size % members.length;
  const kept = shares.map((share, index) => Math.min(share, index < larger ? smaller + 1 : smaller));
  return before.size - kept.reduce((sum, each) => sum + each, 0);
}

/** How many queues each of these members owns. */
export function sharesOf(owners: ReadonlyMap<string, string>, members: readonly string[]): number[] {
  const shares = new Map(members.map(member => [member, 0]));
  for (const owner of owners.values()) if (shares.has(owner)) shares.set(owner, (shares.get(owner) ?? 0) + 1);
  return [...shares.values()];
}

/** From one number of members to the next, one join or one leave at a time. `random`: from 0 to below 1. */
export function historyThrough(sizes: readonly number[], random: () => number): History {
  const history: (readonly string[])[] = [];
  let members: readonly string[] = [];
  let joined = 0;
  for (const size of sizes) {
    while (members.length !== size) {
      const leaving = Math.floor(random() * members.length);
      members =
        members.length < size
          ? [
              ...members,
              `10.0.${joined % 7}.${Math.floor(random() * 250)}@${joined++}#${random().toString(16).slice(2, 10)}`,
            ]
          : members.filter((_, index) => index !== leaving);
      history.push(members);
    }
  }
  return history;
}

/** Of one topic, on as many brokers as needed for eight each. */
export function queuesOf(count: number): readonly MessageQueue[] {
  return Array.from({ length: count }, (_, index) => ({
    topic: 'orders',
    brokerName: `broker-${String(Math.floor(index / 8)).padStart(4, '0')}`,
    queueId: index % 8,
  }));
}
