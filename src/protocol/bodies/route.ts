// SPDX-License-Identifier: Apache-2.0
/** Where does a topic live, as a name server says it? Source: TopicRouteData, BrokerData, QueueData, protocol.md section 5.2. */
import { ProtocolError } from '../../errors/errors.ts';
import type { BrokerData, QueueData, TopicRoute } from '../../model/route.ts';
import {
  boolean,
  integer,
  list,
  mapOf,
  maybe,
  readBody,
  record,
  type Shape,
  string,
  withDefault,
  writeBody,
} from '../json-shape.ts';

const wireBroker = record({
  brokerAddrs: mapOf(string),
  brokerName: string,
  cluster: withDefault(string, ''),
  /** Absent on 4.9. */
  enableActingMaster: maybe(boolean),
});

/** A broker with its addresses by id; Java's id keys come with or without quotes. */
export const brokerData: Shape<BrokerData> = {
  read: (json, path) => {
    const { brokerName, cluster, brokerAddrs } = wireBroker.read(json, path);
    const addresses = [...brokerAddrs].map(
      ([id, address]) => [integer.read(id, `${path}.brokerAddrs`), address] as const,
    );
    return { brokerName, cluster, addresses: new Map(addresses) };
  },
  write: ({ brokerName, cluster, addresses }) => {
    const brokerAddrs = new Map([...addresses].map(([id, address]) => [String(id), address]));
    return wireBroker.write({ brokerAddrs, brokerName, cluster, enableActingMaster: false });
  },
};

const wireQueue = record({
  brokerName: string,
  perm: integer,
  readQueueNums: integer,
  topicSysFlag: withDefault(integer, 0),
  writeQueueNums: integer,
});

const queueData: Shape<QueueData> = {
  read: (json, path) => {
    const { brokerName, readQueueNums, writeQueueNums, perm } = wireQueue.read(json, path);
    return { brokerName, readQueueNums, writeQueueNums, perm };
  },
  write: value => wireQueue.write({ ...value, topicSysFlag: 0 }),
};

const topicRoute = record({
  brokerDatas: withDefault(list(brokerData), []),
  filterServerTable: withDefault(mapOf(list(string)), new Map()),
  queueDatas: withDefault(list(queueData), []),
});

/**
 * @param body of the answer to routeByTopic, keys quoted or not
 * @throws ProtocolError `RMQ_BAD_BODY` naming the member
 */
export function parseRoute(body: Buffer): TopicRoute {
  const { brokerDatas, queueDatas } = readBody(topicRoute, body, 'route');
  checkBrokers(brokerDatas);
  checkQueues(queueDatas);
  return { brokers: brokerDatas, queues: queueDatas };
}

/** More than any cluster has; a route that claims more is refused before anything is made of it or dialled. */
const maxBrokers = 1000;
const maxAddresses = 2000;
const maxQueues = 100_000;
const maxNameLength = 255;

function checkBrokers(brokers: readonly BrokerData[]): void {
  checkNames('broker', brokers, maxBrokers);
  const addresses = brokers.reduce((sum, broker) => sum + broker.addresses.size, 0);
  if (addresses > maxAddresses) throw absurd(`${addresses} addresses`, { addresses });
  for (const { brokerName, addresses: byId } of brokers) {
    const id = [...byId.keys()].find(each => each < 0);
    if (id !== undefined) throw absurd(`the id ${id} for ${brokerName}`, { brokerName, id });
  }
}

function checkQueues(queues: readonly QueueData[]): void {
  checkNames('queue data of', queues, maxBrokers);
  const counts = queues.flatMap(queue => [queue.readQueueNums, queue.writeQueueNums]);
  const total = counts.reduce((sum, count) => sum + count, 0);
  if (total <= maxQueues && counts.every(count => count >= 0)) return;
  throw new ProtocolError('RMQ_BAD_BODY', `route claims impossible queue counts, ${total} in all`, {
    context: { total },
  });
}

/** Each broker once: queues told twice would be consumed twice. */
function checkNames(what: string, entries: readonly { readonly brokerName: string }[], most: number): void {
  if (entries.length > most) throw absurd(`${entries.length} brokers`, { brokers: entries.length });
  const names = new Set<string>();
  for (const { brokerName } of entries) {
    if (brokerName.length > maxNameLength || /\p{Cc}/u.test(brokerName))
      throw absurd('an illegal broker name', {});
    if (names.has(brokerName)) throw absurd(`${what} ${brokerName} twice`, { brokerName });
    names.add(brokerName);
  }
}

function absurd(claim: string, context: Readonly<Record<string, unknown>>): ProtocolError {
  return new ProtocolError('RMQ_BAD_BODY', `route claims ${claim}`, { context });
}

export function encodeRoute(route: TopicRoute): Buffer {
  return writeBody(topicRoute, {
    brokerDatas: route.brokers,
    filterServerTable: new Map(),
    queueDatas: route.queues,
  });
}
