// SPDX-License-Identifier: Apache-2.0
/** What did the official Java strategies answer? The samples of test/fixtures/wire/allocation.json, see README there. */
import { readFileSync } from 'node:fs';
import { allocate } from '../../../src/allocation/allocate.ts';
import type { AllocateStrategy } from '../../../src/allocation/allocate-strategy.ts';
import type { MessageQueue } from '../../../src/model/message-queue.ts';

type Shares = Readonly<Record<string, readonly string[]>>;

/** One topic and group, shared by several strategies. */
export interface Shape {
  readonly topic: string;
  readonly brokers: number;
  readonly queuesPerBroker: number;
  readonly clientIdsSorted: readonly string[];
  readonly resultPerStrategy: Readonly<Record<string, Shares>>;
}

/** One strategy and what it was asked; queues as `broker:id`. */
export interface Case {
  readonly strategy: string;
  readonly queues: readonly string[];
  readonly clientIdsSorted: readonly string[];
  readonly result: Shares;
}

export interface SortOrder {
  readonly sortOrder: string;
  readonly queuesUnsorted: readonly string[];
  readonly queuesSorted: readonly string[];
}

interface RingPoint {
  readonly key: string;
  readonly hash: number;
}

interface File {
  readonly consistentHashPoints: readonly RingPoint[];
  readonly samples: readonly (Shape | Case | SortOrder)[];
}

const path = new URL('../../fixtures/wire/allocation.json', import.meta.url);
const file = JSON.parse(readFileSync(path, 'utf8')) as File; // recorded from Java, see README there

export const ringPoints = file.consistentHashPoints;
export const shapes = file.samples.filter((sample): sample is Shape => 'resultPerStrategy' in sample);
export const sortOrders = file.samples.filter((sample): sample is SortOrder => 'sortOrder' in sample);

export function caseOf(strategy: string): Case {
  const found = file.samples.find(
    (sample): sample is Case => 'strategy' in sample && sample.strategy === strategy,
  );
  if (found === undefined) throw new Error(`there is no sample of ${strategy}`);
  return found;
}

export function queuesOfShape({ topic, brokers, queuesPerBroker }: Shape): readonly MessageQueue[] {
  return Array.from({ length: brokers }, (_, broker) =>
    Array.from({ length: queuesPerBroker }, (_, queueId) => ({
      topic,
      brokerName: `broker-${'abc'.charAt(broker)}`,
      queueId,
    })),
  ).flat();
}

/** `broker:id` as a queue. */
export function parseQueue(text: string): MessageQueue {
  const at = text.lastIndexOf(':');
  return { topic: 'T', brokerName: text.slice(0, at), queueId: Number(text.slice(at + 1)) };
}

/** The shares of all members, as the samples write them. */
export function sharesOfAll(
  strategy: AllocateStrategy,
  queues: readonly MessageQueue[],
  clientIds: readonly string[],
): Shares {
  const shares = clientIds.map(clientId => {
    const share = allocate(strategy, { consumerGroup: 'billing', clientId, queues, clientIds });
    return [clientId, share.map(({ brokerName, queueId }) => `${brokerName}:${queueId}`)] as const;
  });
  return Object.fromEntries(shares);
}
