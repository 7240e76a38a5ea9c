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
  checkQueues(queueDatas);
  return { brokers: brokerDatas, queues: queueDatas };
}

/** More queues than any topic has; a route that claims more is refused before a list of them is made. */
const maxQueues = 1_000_000;

function checkQueues(queues: readonly QueueData[]): void {
  const counts = queues.flatMap(queue => [queue.readQueueNums, queue.writeQueueNums]);
  const total = counts.reduce((sum, count) => sum + count, 0);
  if (total <= maxQueues && counts.every(count => count >= 0)) return;
  throw new ProtocolError('RMQ_BAD_BODY', `route claims impossible queue counts, ${total} in all`, {
    context: { total },
  });
}

export function encodeRoute(route: TopicRoute): Buffer {
  return writeBody(topicRoute, {
    brokerDatas: route.brokers,
    filterServerTable: new Map(),
    queueDatas: route.queues,
  });
}
