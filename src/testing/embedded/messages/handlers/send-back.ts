// SPDX-License-Identifier: Apache-2.0
/** What becomes of a message a consumer hands back? Request 36. Source: AbstractSendMessageProcessor.consumerSendMsgBack of 5.5.0. */
import { retryTopicOf } from '../../../../model/names.ts';
import { ResponseCode } from '../../../../protocol/codes.ts';
import { type HeaderOf, readHeader } from '../../../../protocol/define-request.ts';
import { propertyNames } from '../../../../protocol/properties.ts';
import { consumerSendMsgBack } from '../../../../protocol/requests/consumer-send-msg-back.ts';
import type { StoredMessage } from '../../../../protocol/stored-message.ts';
import type { Handler, Reply } from '../../broker.types.ts';
import { copyOf, type Incoming } from '../message-writer.ts';
import { dlqTopicOf } from '../topic-rules.ts';
import { topicPerm } from '../topic-table.ts';
import type { MessageParts } from './parts.types.ts';
import { withAdvice } from './remarks.ts';
import { maxReconsumeTimesOf } from './send.ts';

/** Level of the first retry, when the consumer leaves it to the broker. */
const firstLevel = 3;

/** The handler of send-backs, by request code. */
export function sendBackHandlers(parts: MessageParts): readonly (readonly [number, Handler])[] {
  const sendBack: Handler = (frame, _peer, respond) =>
    respond(takeBack(parts, readHeader(consumerSendMsgBack, frame), frame.version));
  return [[consumerSendMsgBack.code, sendBack]];
}

function takeBack(
  { groups, topics, store, writer }: MessageParts,
  header: HeaderOf<typeof consumerSendMsgBack>,
  version: number,
): Reply {
  const { group, offset } = header;
  if (!groups.admit(group)) {
    const remark = withAdvice(`subscription group not exist, ${group} `);
    return { code: ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST, remark };
  }
  const retry = topics.ensure(retryTopicOf(group), 1);
  if ((retry.perm & topicPerm.write) === 0) {
    const remark = `the topic[${retry.topic}] sending message is forbidden`;
    return { code: ResponseCode.NO_PERMISSION, remark };
  }
  const record = store.recordAt(offset);
  const original = record === undefined ? undefined : store.decode(record);
  if (original === undefined)
    return { code: ResponseCode.SYSTEM_ERROR, remark: `look message by offset failed, ${offset}` };
  const most = maxReconsumeTimesOf(version, header.maxReconsumeTimes);
  const isDead = original.reconsumeTimes >= most || header.delayLevel < 0;
  const topic = isDead ? topics.ensure(dlqTopicOf(group), 1).topic : retry.topic;
  const level = isDead ? 0 : header.delayLevel || firstLevel + original.reconsumeTimes;
  const copy = nextTry(original, { topic, level });
  const problem = writer.refusal(copy);
  if (problem !== undefined) return { code: ResponseCode.SYSTEM_ERROR, remark: problem.remark };
  writer.put(copy);
  return { code: ResponseCode.SUCCESS };
}

/** The message once more, one failure older; it remembers where it first was. */
function nextTry(
  original: StoredMessage,
  { topic, level }: { readonly topic: string; readonly level: number },
): Incoming {
  const { properties, storedTopic, offsetMsgId, reconsumeTimes } = original;
  const own = new Map(properties)
    .set(propertyNames.retryTopic, properties.get(propertyNames.retryTopic) ?? storedTopic)
    .set(propertyNames.originMessageId, properties.get(propertyNames.originMessageId) ?? offsetMsgId)
    .set(propertyNames.wait, 'false')
    .set(propertyNames.delay, String(level));
  return { ...copyOf(original), topic, queueId: 0, reconsumeTimes: reconsumeTimes + 1, properties: own };
}
