// SPDX-License-Identifier: Apache-2.0
/** What does a broker do with a message that is sent to it? Requests 10, 310 and 320. Source: SendMessageProcessor of 5.5.0. */
import { isRetryTopic, retryTopicPrefix } from '../../../../model/names.ts';
import { decodeClientBatch } from '../../../../protocol/client-batch.ts';
import { ResponseCode } from '../../../../protocol/codes.ts';
import { type HeaderOf, readHeader } from '../../../../protocol/define-request.ts';
import type { Frame } from '../../../../protocol/frame.ts';
import { hostBytes } from '../../../../protocol/host-bytes.ts';
import { encodeOffsetMsgId } from '../../../../protocol/message-id.ts';
import { propertyNames } from '../../../../protocol/properties.ts';
import { sendBatch } from '../../../../protocol/requests/send-batch.ts';
import { sendMessage } from '../../../../protocol/requests/send-message.ts';
import { sendMessageV2, toLongHeader } from '../../../../protocol/requests/send-message-v2.ts';
import type { Handler, Peer, Reply } from '../../broker.types.ts';
import type { Placed } from '../message-store.ts';
import type { Incoming } from '../message-writer.ts';
import { dlqTopicOf, isClosedToSends, topicRefusal } from '../topic-rules.ts';
import { type TopicConfig, topicPerm } from '../topic-table.ts';
import type { MessageParts } from './parts.types.ts';
import { withAdvice } from './remarks.ts';
import { givenProperties, sendFields, storedProperties } from './stored-properties.ts';

type SendHeader = HeaderOf<typeof sendMessage>;

/** From this version on a client says itself how often is too often. protocol.md section 1.5. */
const versionWithMaxReconsumeTimes = 121;
/** Of a group nobody configured. Source: SubscriptionGroupConfig. */
const defaultMaxReconsumeTimes = 16;
/** The delay level of a message that became a dead letter on its way in. */
const dead = '-1';
/** Delivery at a time to the millisecond, of 5.x. */
const timerNames = ['TIMER_DELIVER_MS', 'TIMER_DELAY_MS', 'TIMER_DELAY_SEC'];

/** The handlers of sends, by request code. */
export function sendHandlers(parts: MessageParts): readonly (readonly [number, Handler])[] {
  const answer =
    (headerOf: (frame: Frame) => SendHeader): Handler =>
    (frame, peer, respond) =>
      respond(send(parts, { header: headerOf(frame), frame, peer }));
  const long = answer(frame => readHeader(sendMessage, frame));
  const short = answer(frame => toLongHeader(readHeader(sendMessageV2, frame)));
  return [
    [sendMessage.code, long],
    [sendMessageV2.code, short],
    [sendBatch.code, short],
  ];
}

interface Send {
  readonly header: SendHeader;
  readonly frame: Frame;
  readonly peer: Peer;
}

function send(parts: MessageParts, request: Send): Reply {
  const admitted = admit(parts, request);
  if ('code' in admitted) return admitted;
  const { header } = request;
  return header.batch === true ? storeBatch(parts, request, admitted) : storeOne(parts, request, admitted);
}

/** The topic, made if need be, or why the message is not taken. Source: AbstractSendMessageProcessor.msgCheck. */
function admit(
  { topics }: MessageParts,
  { header: { topic, queueId, defaultTopic, defaultTopicQueueNums }, peer }: Send,
): TopicConfig | Reply {
  const problem = topicRefusal(topic);
  if (problem !== undefined) return refuse(ResponseCode.INVALID_PARAMETER, problem);
  if (isClosedToSends(topic))
    return refuse(ResponseCode.NO_PERMISSION, `Sending message to topic[${topic}] is forbidden.`);
  const config =
    topics.ensureBySend(topic, defaultTopic, defaultTopicQueueNums) ??
    (isRetryTopic(topic) ? topics.ensure(topic, 1) : undefined);
  if (config === undefined) {
    const remark = withAdvice(`topic[${topic}] not exist, apply first please!`);
    return refuse(ResponseCode.TOPIC_NOT_EXIST, remark);
  }
  if (queueId < Math.max(config.writeQueueNums, config.readQueueNums)) return config;
  const shape = `TopicConfig [topicName=${topic}, readQueueNums=${config.readQueueNums}, writeQueueNums=${config.writeQueueNums}, perm=${permText(config.perm)}, topicFilterType=SINGLE_TAG, topicSysFlag=0, order=false, attributes={}]`;
  return refuse(
    ResponseCode.INVALID_PARAMETER,
    `request queueId[${queueId}] is illegal, ${shape} Producer: ${peer.address}`,
  );
}

function storeOne(parts: MessageParts, { header, frame, peer }: Send, config: TopicConfig): Reply {
  const { writer } = parts;
  const given = givenProperties(header.properties);
  const refusal = unsupported(given, parts);
  if (refusal !== undefined) return refusal;
  const topic = targetOf(parts, header, frame.version);
  if (typeof topic !== 'string') return topic;
  const isDead = topic !== header.topic;
  const queueId = queueIdOf(parts, header, config);
  const properties = storedProperties(isDead ? [...given, [propertyNames.delay, dead]] : given, parts);
  const message: Incoming = {
    ...common(header, peer),
    topic,
    queueId: isDead ? 0 : queueId,
    body: frame.body,
    properties,
  };
  const problem = writer.refusal(message);
  if (problem !== undefined) return { ...problem, fields: sendFields };
  const transactionId = properties.get(propertyNames.uniqueKey);
  return stored(parts, [writer.put(message)], { queueId, transactionId });
}

/** Each message is stored as it is in the batch: 5.5.0 adds nothing to it. Source: MessageExtEncoder. */
function storeBatch(parts: MessageParts, { header, frame, peer }: Send, config: TopicConfig): Reply {
  const { topic } = header;
  if (isRetryTopic(topic))
    return refuse(ResponseCode.MESSAGE_ILLEGAL, `batch request does not support retry group ${topic}`);
  const { writer } = parts;
  const properties = givenProperties(header.properties);
  const queueId = queueIdOf(parts, header, config);
  const batch = { ...common(header, peer), topic, queueId };
  const problem = writer.batchRefusal({ ...batch, body: frame.body, properties });
  if (problem !== undefined) return { ...problem, fields: sendFields };
  const placed = decodeClientBatch(frame.body).map(each => writer.putNow({ ...batch, ...each }));
  return stored(parts, placed, { queueId, transactionId: properties.get(propertyNames.uniqueKey) });
}

function common({ sysFlag, flag, bornTimestamp, reconsumeTimes = 0 }: SendHeader, { address }: Peer) {
  return { sysFlag, flag, bornTimestamp, reconsumeTimes, bornHost: address };
}

function queueIdOf(
  { options }: MessageParts,
  { queueId }: SendHeader,
  { writeQueueNums }: TopicConfig,
): number {
  return queueId >= 0 ? queueId : Math.floor((options.random ?? Math.random)() * writeQueueNums);
}

/** What this broker leaves out, refused as a real one refuses it that has it switched off. */
function unsupported(given: ReadonlyMap<string, string>, parts: MessageParts): Reply | undefined {
  if (given.get(propertyNames.transaction)?.toLowerCase() === 'true') {
    const remark = `the broker[${parts.options.name}] sending transaction message is forbidden`;
    return refuse(ResponseCode.NO_PERMISSION, remark);
  }
  if (timerNames.some(name => given.has(name)) && !given.has(propertyNames.delay)) {
    const remark = 'accurate timer message is not enabled, timerWheelEnable is false';
    return refuse(ResponseCode.SYSTEM_ERROR, remark);
  }
  return undefined;
}

/** Where a message goes: a retry that was tried too often is dead, and so is any while the group holds locks. Source: handleRetryAndDLQ. */
function targetOf(
  { groups, topics, options }: MessageParts,
  { topic, reconsumeTimes = 0, maxReconsumeTimes }: SendHeader,
  version: number,
): string | Reply {
  if (!isRetryTopic(topic)) return topic;
  const group = topic.slice(retryTopicPrefix.length);
  if (!groups.admit(group)) {
    return refuse(
      ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST,
      withAdvice(`subscription group not exist, ${group} `),
    );
  }
  const most = maxReconsumeTimesOf(version, maxReconsumeTimes);
  if (reconsumeTimes <= most && options.hasLocks?.(group) !== true) return topic;
  return topics.ensure(dlqTopicOf(group), 1).topic;
}

/** How often a message may fail: what the client says, if it is one that does. */
export function maxReconsumeTimesOf(version: number, said: number | undefined): number {
  return version >= versionWithMaxReconsumeTimes
    ? (said ?? defaultMaxReconsumeTimes)
    : defaultMaxReconsumeTimes;
}

function stored(
  { options }: MessageParts,
  placed: readonly Placed[],
  { queueId, transactionId }: { readonly queueId: number; readonly transactionId: string | undefined },
): Reply {
  const host = hostBytes(options.address());
  const fields = {
    ...sendFields,
    msgId: placed.map(({ position }) => encodeOffsetMsgId(host, position)).join(','),
    queueId: String(queueId),
    queueOffset: String(placed[0]?.queueOffset ?? 0),
  };
  return {
    code: ResponseCode.SUCCESS,
    fields: transactionId === undefined ? fields : { ...fields, transactionId },
  };
}

function refuse(code: number, remark: string): Reply {
  return { code, remark, fields: sendFields };
}

/** Source: PermName.perm2String. */
function permText(perm: number): string {
  const letter = (bit: number, text: string): string => ((perm & bit) === 0 ? '-' : text);
  return letter(topicPerm.read, 'R') + letter(topicPerm.write, 'W') + letter(topicPerm.inherit, 'X');
}
