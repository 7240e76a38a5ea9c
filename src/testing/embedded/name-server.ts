// SPDX-License-Identifier: Apache-2.0
/** How does a name server answer: 105, 106, 206, …? It looks into the running brokers instead of being told. Source: ClientRequestProcessor, DefaultRequestProcessor, RouteInfoManager. */
import { type BrokerData, masterId, type TopicRoute } from '../../model/route.ts';
import { encodeClusterInfo } from '../../protocol/bodies/cluster-info.ts';
import { encodeRoute } from '../../protocol/bodies/route.ts';
import { encodeTopicList } from '../../protocol/bodies/topic-list.ts';
import { RequestCode, ResponseCode } from '../../protocol/codes.ts';
import { readHeader } from '../../protocol/define-request.ts';
import type { Frame } from '../../protocol/frame.ts';
import { routeByTopic } from '../../protocol/requests/route-by-topic.ts';
import type { Registration } from './admin/admin.types.ts';
import { deleteTopicInNameServer } from './admin/admin-requests.ts';
import type { Handler, Handlers, Reply } from './broker.types.ts';

/** The brokers that are registered now. */
export type Registered = () => readonly Registration[];

export function nameServerHandlers(registered: Registered): Handlers {
  return new Map<number, Handler>([
    [RequestCode.GET_ROUTEINFO_BY_TOPIC, (frame, _peer, respond) => respond(route(registered(), frame))],
    [RequestCode.GET_BROKER_CLUSTER_INFO, (_frame, _peer, respond) => respond(cluster(registered()))],
    [
      RequestCode.GET_ALL_TOPIC_LIST_FROM_NAMESERVER,
      (_frame, _peer, respond) => respond(topics(registered())),
    ],
    [
      RequestCode.GET_TOPICS_BY_CLUSTER,
      (frame, _peer, respond) => respond(topics(ofCluster(registered(), frame.fields['cluster']))),
    ],
    [RequestCode.GET_KV_CONFIG, (frame, _peer, respond) => respond(noConfig(frame))],
    // A topic is known while a broker has it.
    [deleteTopicInNameServer.code, (_frame, _peer, respond) => respond({ code: ResponseCode.SUCCESS })],
  ]);
}

function route(brokers: readonly Registration[], frame: Frame): Reply {
  const { topic } = readHeader(routeByTopic, frame);
  const found = routeOf(brokers, topic);
  if (found !== undefined) return { code: ResponseCode.SUCCESS, body: encodeRoute(found) };
  const remark =
    `No topic route info in name server for the topic: ${topic}\n` +
    'See https://rocketmq.apache.org/docs/bestPractice/06FAQ for further details.';
  return { code: ResponseCode.TOPIC_NOT_EXIST, remark };
}

function routeOf(brokers: readonly Registration[], topic: string): TopicRoute | undefined {
  const holders = brokers.filter(broker => broker.topics.get(topic) !== undefined);
  if (holders.length === 0) return undefined;
  const queues = holders.flatMap(({ name, topics: held }) => {
    const found = held.get(topic);
    if (found === undefined) return [];
    const { readQueueNums, writeQueueNums, perm } = found;
    return [{ brokerName: name, readQueueNums, writeQueueNums, perm }];
  });
  return { brokers: holders.map(brokerDataOf), queues };
}

function brokerDataOf({ name, clusterName, address }: Registration): BrokerData {
  return { brokerName: name, cluster: clusterName, addresses: new Map([[masterId, address]]) };
}

function cluster(brokers: readonly Registration[]): Reply {
  const clusterAddrTable = new Map<string, string[]>();
  for (const { clusterName, name } of brokers) {
    clusterAddrTable.set(clusterName, [...(clusterAddrTable.get(clusterName) ?? []), name]);
  }
  const brokerAddrTable = new Map(brokers.map(broker => [broker.name, brokerDataOf(broker)]));
  return { code: ResponseCode.SUCCESS, body: encodeClusterInfo({ brokerAddrTable, clusterAddrTable }) };
}

function topics(brokers: readonly Registration[]): Reply {
  const names = new Set(brokers.flatMap(broker => broker.topics.names()));
  return { code: ResponseCode.SUCCESS, body: encodeTopicList([...names]) };
}

function ofCluster(brokers: readonly Registration[], name: string | undefined): readonly Registration[] {
  return brokers.filter(({ clusterName }) => clusterName === name);
}

/** Nothing is ever put there: no topic has an order of its own. */
function noConfig({ fields }: Frame): Reply {
  const remark = `No config item, Namespace: ${fields['namespace']} Key: ${fields['key']}`;
  return { code: ResponseCode.QUERY_NOT_FOUND, remark };
}
