// SPDX-License-Identifier: Apache-2.0
/** How does an admin tool move a group's offsets: 222? The broker does it itself, as from 5.2 on. Source: AdminBrokerProcessor.resetOffset, protocol.md section 2.5. */
import { encodeOffsetTable } from '../../../protocol/bodies/offset-table.ts';
import { RequestCode, ResponseCode } from '../../../protocol/codes.ts';
import { readHeader } from '../../../protocol/define-request.ts';
import type { Frame } from '../../../protocol/frame.ts';
import { invokeResetOffset } from '../../../protocol/requests/reset-offset.ts';
import type { Handler, Handlers, Reply } from '../broker.types.ts';
import type { AdminMessages, AdminSide } from './admin.types.ts';

/** In a header: not given. */
const none = -1;

export function resetOffsetHandlers(side: AdminSide): Handlers {
  return new Map<number, Handler>([
    [RequestCode.INVOKE_BROKER_TO_RESET_OFFSET, (frame, _peer, respond) => respond(reset(side, frame))],
  ]);
}

function reset({ brokerName, messages, isKnownGroup }: AdminSide, frame: Frame): Reply {
  const { topic, group, timestamp, queueId = none, offset = none } = readHeader(invokeResetOffset, frame);
  const found = messages.topics.get(topic);
  if (found === undefined) {
    return { code: ResponseCode.TOPIC_NOT_EXIST, remark: `Topic ${topic} does not exist` };
  }
  if (!isKnownGroup(group)) {
    return { code: ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST, remark: `Group ${group} does not exist` };
  }
  if (queueId !== none && offset !== none) {
    const min = messages.minOffset(topic, queueId);
    const max = messages.maxOffset(topic, queueId);
    const remark = `Target offset [${offset}] not in consume queue range [${min}-${max}]`;
    if (offset < min || offset > max + 1) return { code: ResponseCode.SYSTEM_ERROR, remark };
  }
  const queueIds = queueId === none ? Array.from({ length: found.readQueueNums }, (_, i) => i) : [queueId];
  const table = queueIds.map(id => {
    const target = offset !== none && queueId !== none ? offset : offsetAt(messages, topic, id, timestamp);
    messages.resetOffset(group, topic, id, target);
    return [{ topic, brokerName, queueId: id }, target] as const;
  });
  return { code: ResponseCode.SUCCESS, body: encodeOffsetTable(table) };
}

/** The first message stored at that time or later; the end of the queue for a negative time. */
function offsetAt(messages: AdminMessages, topic: string, queueId: number, timestamp: number): number {
  let low = messages.minOffset(topic, queueId);
  let high = messages.maxOffset(topic, queueId);
  if (timestamp < 0) return high;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const stored = messages.storedAt(topic, queueId, middle);
    if (stored === undefined || stored.storeTimestamp < timestamp) low = middle + 1;
    else high = middle;
  }
  return low;
}
