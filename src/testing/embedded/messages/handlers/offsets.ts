// SPDX-License-Identifier: Apache-2.0
/** How are offsets asked for and committed? Requests 14, 15, 29, 30 and 31. Source: ConsumerManageProcessor, AdminBrokerProcessor of 5.5.0. */
import { ResponseCode } from '../../../../protocol/codes.ts';
import { type HeaderOf, readHeader } from '../../../../protocol/define-request.ts';
import { maxOffset } from '../../../../protocol/requests/max-offset.ts';
import { minOffset } from '../../../../protocol/requests/min-offset.ts';
import { queryConsumerOffset } from '../../../../protocol/requests/query-consumer-offset.ts';
import { searchOffset as searchOffsetRequest } from '../../../../protocol/requests/search-offset.ts';
import { updateConsumerOffset } from '../../../../protocol/requests/update-consumer-offset.ts';
import type { Handler, Reply } from '../../broker.types.ts';
import { searchOffset } from '../read-queue.ts';
import type { MessageParts } from './parts.types.ts';

/** The handlers of offsets, by request code. */
export function offsetHandlers(parts: MessageParts): readonly (readonly [number, Handler])[] {
  const { store } = parts;
  return [
    [
      queryConsumerOffset.code,
      (frame, _peer, respond) => respond(query(parts, readHeader(queryConsumerOffset, frame))),
    ],
    [
      updateConsumerOffset.code,
      (frame, _peer, respond) => respond(update(parts, readHeader(updateConsumerOffset, frame))),
    ],
    [
      searchOffsetRequest.code,
      (frame, _peer, respond) => respond(search(parts, readHeader(searchOffsetRequest, frame))),
    ],
    [
      maxOffset.code,
      (frame, _peer, respond) => {
        const { topic, queueId } = readHeader(maxOffset, frame);
        respond(offsetReply(store.maxOffset(topic, queueId)));
      },
    ],
    [
      minOffset.code,
      (frame, _peer, respond) => {
        const { topic, queueId } = readHeader(minOffset, frame);
        respond({ ...offsetReply(store.minOffset(topic, queueId)), remark: '' });
      },
    ],
  ];
}

/**
 * A group without an offset in a queue that still holds its first message is told 0, so that a topic younger than its
 * consumers is consumed from its beginning, wherever they want to start.
 */
function query(
  { store, offsets }: MessageParts,
  { consumerGroup, topic, queueId, setZeroIfNotFound }: HeaderOf<typeof queryConsumerOffset>,
): Reply {
  const known =
    offsets.pendingReset(consumerGroup, topic, queueId) ?? offsets.committed(consumerGroup, topic, queueId);
  if (known !== undefined && known >= 0) return offsetReply(known);
  if (setZeroIfNotFound === false) return notFound('do not set to zero, maybe this group boot first');
  if (store.queue(topic, queueId)?.at(0) !== undefined) return offsetReply(0);
  return notFound('V3_0_6_SNAPSHOT maybe this group consumer boot first');
}

function update(
  { topics, groups, offsets }: MessageParts,
  { consumerGroup, topic, queueId, commitOffset }: HeaderOf<typeof updateConsumerOffset>,
): Reply {
  const fields = {};
  if (!groups.has(consumerGroup)) {
    const remark = `Group ${consumerGroup} not exist!`;
    return { code: ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST, remark, fields };
  }
  if (topics.get(topic) === undefined)
    return { code: ResponseCode.TOPIC_NOT_EXIST, remark: `Topic ${topic} not exist!`, fields };
  if (offsets.pendingReset(consumerGroup, topic, queueId) !== undefined)
    return { code: ResponseCode.SUCCESS, remark: 'Offset has been previously reset', fields };
  offsets.commit(consumerGroup, topic, queueId, commitOffset);
  return { code: ResponseCode.SUCCESS, fields };
}

function search(
  { store }: MessageParts,
  { topic, queueId, timestamp, boundaryType }: HeaderOf<typeof searchOffsetRequest>,
): Reply {
  const boundary = boundaryType?.toUpperCase() === 'UPPER' ? 'UPPER' : 'LOWER';
  return offsetReply(searchOffset(store, { topic, queueId, timestamp, boundary }));
}

function offsetReply(offset: number): Reply {
  return { code: ResponseCode.SUCCESS, fields: { offset: String(offset) } };
}

function notFound(why: string): Reply {
  return { code: ResponseCode.QUERY_NOT_FOUND, remark: `Not found, ${why}`, fields: {} };
}
