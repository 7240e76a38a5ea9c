// SPDX-License-Identifier: Apache-2.0
/** Where does a topic live? Source: TopicRouteData, protocol.md section 5.2. */
import type { MessageQueue } from './message-queue.ts';

/** `host:port` of a name server or broker. */
export type Address = string;

export const masterId = 0;

const permRead = 4;
const permWrite = 2;

export interface BrokerData {
  readonly brokerName: string;
  readonly cluster: string;
  /** Address by broker id; 0 is the master. */
  readonly addresses: ReadonlyMap<number, Address>;
}

export interface QueueData {
  readonly brokerName: string;
  readonly readQueueNums: number;
  readonly writeQueueNums: number;
  /** Bits: 4 readable, 2 writable. */
  readonly perm: number;
}

export interface TopicRoute {
  readonly brokers: readonly BrokerData[];
  readonly queues: readonly QueueData[];
}

/** The queues a consumer reads: every readable one, a slave-only broker's too. */
export function readableQueues(topic: string, route: TopicRoute): readonly MessageQueue[] {
  return queuesWith(topic, route, readableCount);
}

/** How many of its queues may be read. */
export function readableCount({ perm, readQueueNums }: QueueData): number {
  return (perm & permRead) === 0 ? 0 : readQueueNums;
}

/** The queues a producer may write: writable ones of brokers that have a master. */
export function writableQueues(topic: string, route: TopicRoute): readonly MessageQueue[] {
  const withMaster = new Set(route.brokers.filter(b => b.addresses.has(masterId)).map(b => b.brokerName));
  return queuesWith(topic, route, data =>
    (data.perm & permWrite) === 0 || !withMaster.has(data.brokerName) ? 0 : data.writeQueueNums,
  );
}

function queuesWith(
  topic: string,
  route: TopicRoute,
  count: (data: QueueData) => number,
): readonly MessageQueue[] {
  return route.queues.flatMap(data =>
    Array.from({ length: count(data) }, (_, queueId) => ({ topic, brokerName: data.brokerName, queueId })),
  );
}

/** Routes are compared by value: an equal answer changes nothing. */
export function sameRoute(a: TopicRoute, b: TopicRoute): boolean {
  return routeText(a) === routeText(b);
}

function routeText(route: TopicRoute): string {
  return JSON.stringify([
    route.brokers.map(b => [b.brokerName, b.cluster, [...b.addresses].sort()]).sort(),
    route.queues.map(q => [q.brokerName, q.readQueueNums, q.writeQueueNums, q.perm]).sort(),
  ]);
}
