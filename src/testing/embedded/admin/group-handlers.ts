// SPDX-License-Identifier: Apache-2.0
/** How does a broker answer admin tools about consumer groups: 200, 203, 208? Source: AdminBrokerProcessor of 5.5.0. */
import { encodeConsumeStats } from '../../../protocol/bodies/consume-stats.ts';
import { encodeConsumerConnection } from '../../../protocol/bodies/consumer-connection.ts';
import { parseSubscriptionGroup } from '../../../protocol/bodies/subscription-group.ts';
import { RequestCode, ResponseCode } from '../../../protocol/codes.ts';
import { readHeader } from '../../../protocol/define-request.ts';
import type { Frame } from '../../../protocol/frame.ts';
import { consumeStats } from '../../../protocol/requests/consume-stats.ts';
import { consumerConnection } from '../../../protocol/requests/consumer-connection.ts';
import type { Handler, Handlers, Reply } from '../broker.types.ts';
import type { AdminMessages, AdminSide, TopicView } from './admin.types.ts';

export function groupHandlers(side: AdminSide): Handlers {
  return new Map<number, Handler>([
    [
      RequestCode.UPDATE_AND_CREATE_SUBSCRIPTIONGROUP,
      (frame, _peer, respond) => {
        side.setGroup(parseSubscriptionGroup(frame.body));
        respond({ code: ResponseCode.SUCCESS });
      },
    ],
    [RequestCode.GET_CONSUMER_CONNECTION_LIST, (frame, _peer, respond) => respond(connections(side, frame))],
    [RequestCode.GET_CONSUME_STATS, (frame, _peer, respond) => respond(progress(side, frame))],
  ]);
}

function connections({ group }: AdminSide, frame: Frame): Reply {
  const { consumerGroup } = readHeader(consumerConnection, frame);
  const found = group(consumerGroup);
  if (found === undefined) {
    const remark = `the consumer group[${consumerGroup}] not online`;
    return { code: ResponseCode.CONSUMER_NOT_ONLINE, remark };
  }
  const { consumeFromWhere, consumeType, messageModel } = found.model;
  const connectionSet = found.members.map(({ peer, clientId, language, version }) => ({
    clientAddr: peer.address,
    clientId,
    language,
    version,
  }));
  const subscriptionTable = found.subscriptions;
  const body = { connectionSet, consumeFromWhere, consumeType, messageModel, subscriptionTable };
  return { code: ResponseCode.SUCCESS, body: encodeConsumerConnection(body) };
}

/** A topic that the group has given up is left out while somebody is there. */
function progress({ brokerName, messages, group }: AdminSide, frame: Frame): Reply {
  const { consumerGroup, topic, topicList } = readHeader(consumeStats, frame);
  const asked = [...(topicList?.split(';') ?? []), ...(topic === undefined ? [] : [topic])].filter(Boolean);
  const topics = asked.length === 0 ? messages.committedTopics(consumerGroup) : asked;
  const subscriptions = group(consumerGroup)?.subscriptions;
  const offsetTable = topics
    .map(each => messages.topics.get(each))
    .filter(found => found !== undefined)
    .filter(found => subscriptions === undefined || subscriptions.has(found.topic))
    .flatMap(found =>
      Array.from({ length: found.writeQueueNums }, (_, queueId) => {
        const queue = { topic: found.topic, brokerName, queueId };
        return [queue, progressOf(messages, consumerGroup, found, queueId)] as const;
      }),
    );
  return { code: ResponseCode.SUCCESS, body: encodeConsumeStats({ consumeTps: 0, offsetTable }) };
}

function progressOf(messages: AdminMessages, group: string, { topic }: TopicView, queueId: number) {
  const consumerOffset = messages.committed(group, topic, queueId) ?? 0;
  const lastConsumed = messages.storedAt(topic, queueId, consumerOffset - 1);
  return {
    brokerOffset: messages.maxOffset(topic, queueId),
    consumerOffset,
    lastTimestamp: lastConsumed?.storeTimestamp ?? 0,
    pullOffset: Math.max(consumerOffset, messages.pulled(group, topic, queueId) ?? 0),
  };
}
