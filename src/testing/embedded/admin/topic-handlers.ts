// SPDX-License-Identifier: Apache-2.0
/** How does a broker answer admin tools about topics: 17, 202, 215, 351? Source: AdminBrokerProcessor of 5.5.0. */
import { encodeTopicStats } from '../../../protocol/bodies/topic-stats.ts';
import { RequestCode, ResponseCode } from '../../../protocol/codes.ts';
import { readHeader } from '../../../protocol/define-request.ts';
import type { Frame } from '../../../protocol/frame.ts';
import { createTopic } from '../../../protocol/requests/create-topic.ts';
import { topicStats } from '../../../protocol/requests/topic-stats.ts';
import type { Handler, Handlers, Reply } from '../broker.types.ts';
import { isClosedToSends, topicRefusal } from '../messages/topic-rules.ts';
import type { AdminSide } from './admin.types.ts';
import { encodeTopicConfig } from './admin-bodies.ts';
import { deleteTopic, topicConfig } from './admin-requests.ts';

export function topicHandlers(side: AdminSide): Handlers {
  return new Map<number, Handler>([
    [RequestCode.UPDATE_AND_CREATE_TOPIC, (frame, _peer, respond) => respond(create(side, frame))],
    [deleteTopic.code, (frame, _peer, respond) => respond(remove(side, frame))],
    [RequestCode.GET_TOPIC_STATS_INFO, (frame, _peer, respond) => respond(stats(side, frame))],
    [topicConfig.code, (frame, _peer, respond) => respond(config(side, frame))],
  ]);
}

function create({ messages }: AdminSide, frame: Frame): Reply {
  const { topic, readQueueNums, writeQueueNums, perm } = readHeader(createTopic, frame);
  const remark = topicRefusal(topic) ?? (isClosedToSends(topic) ? conflict(topic) : undefined);
  if (remark !== undefined) return { code: ResponseCode.INVALID_PARAMETER, remark };
  messages.topics.set(topic, { queues: writeQueueNums, readQueues: readQueueNums, perm });
  return { code: ResponseCode.SUCCESS };
}

function conflict(topic: string): string {
  return `The topic[${topic}] is conflict with system topic.`;
}

function remove({ messages }: AdminSide, frame: Frame): Reply {
  messages.topics.remove(readHeader(deleteTopic, frame).topic);
  return { code: ResponseCode.SUCCESS };
}

function stats({ brokerName, messages }: AdminSide, frame: Frame): Reply {
  const { topic } = readHeader(topicStats, frame);
  const found = messages.topics.get(topic);
  if (found === undefined) return unknownTopic(topic);
  const offsetTable = Array.from({ length: found.writeQueueNums }, (_, queueId) => {
    const maxOffset = messages.maxOffset(topic, queueId);
    const last = messages.storedAt(topic, queueId, maxOffset - 1);
    const minOffset = messages.minOffset(topic, queueId);
    return [
      { topic, brokerName, queueId },
      { minOffset, maxOffset, lastUpdateTimestamp: last?.storeTimestamp ?? 0 },
    ] as const;
  });
  return { code: ResponseCode.SUCCESS, body: encodeTopicStats({ offsetTable, topicPutTps: 0 }) };
}

function config({ messages }: AdminSide, frame: Frame): Reply {
  const { topic } = readHeader(topicConfig, frame);
  const found = messages.topics.get(topic);
  return found === undefined
    ? unknownTopic(topic)
    : { code: ResponseCode.SUCCESS, body: encodeTopicConfig(found) };
}

function unknownTopic(topic: string): Reply {
  return { code: ResponseCode.TOPIC_NOT_EXIST, remark: `topic[${topic}] not exist` };
}
