// SPDX-License-Identifier: Apache-2.0
/** What does a broker answer to a pull, and which pulls does it hold? Requests 11 and 361. Source: PullMessageProcessor of 5.5.0. */
import { assertNever } from '../../../../model/assert-never.ts';
import { RequestCode, ResponseCode } from '../../../../protocol/codes.ts';
import { type HeaderOf, readHeader } from '../../../../protocol/define-request.ts';
import type { ExtFields, Frame } from '../../../../protocol/frame.ts';
import { pullMessage } from '../../../../protocol/requests/pull-message.ts';
import type { Handler, Peer, Reply, Respond } from '../../broker.types.ts';
import { type ReadResult, type ReadStatus, readQueue } from '../read-queue.ts';
import { expressionFilter, subscriptionFilter, type TagFilter } from '../tag-filter.ts';
import { topicPerm } from '../topic-table.ts';
import type { MessageParts } from './parts.types.ts';
import { withAdvice } from './remarks.ts';

type PullHeader = HeaderOf<typeof pullMessage>;

interface Pull {
  readonly header: PullHeader;
  readonly peer: Peer;
  readonly respond: Respond;
}

/** Bits of a pull's sysFlag. Source: PullSysFlag. */
const flagBits = { commitOffset: 1, suspend: 2, subscription: 4 } as const;
/** What of a pull is forbidden, told with code 16. Source: ForbiddenType. */
const topicForbidden = '3';

/** The handlers of pulls, by request code. */
export function pullHandlers(parts: MessageParts): readonly (readonly [number, Handler])[] {
  const pull = (frame: Frame, peer: Peer, respond: Respond): void =>
    answer(parts, { header: readHeader(pullMessage, frame), peer, respond }, { isFirst: true });
  return [
    [pullMessage.code, pull],
    [RequestCode.LITE_PULL_MESSAGE, pull],
  ];
}

/** Looks into the queue, at once or after a wait: all is judged anew then, but nothing is committed or held again. */
function answer(parts: MessageParts, pull: Pull, { isFirst }: { readonly isFirst: boolean }): void {
  const { header, peer, respond } = pull;
  const filter = admit(parts, header, peer);
  if (typeof filter !== 'function') {
    respond(filter);
    return;
  }
  const { consumerGroup: group, topic, queueId, queueOffset: offset } = header;
  const result = read(parts, header, filter);
  parts.offsets.notePull(group, topic, queueId, result.nextBeginOffset);
  if (isFirst && hasFlag(header, flagBits.commitOffset))
    parts.offsets.commit(group, topic, queueId, header.commitOffset);
  const code = codeOf(result.status, offset);
  if (isFirst && code === ResponseCode.PULL_NOT_FOUND && hasFlag(header, flagBits.suspend)) {
    const suspendMs = header.suspendTimeoutMillis;
    const again = (): void => answer(parts, pull, { isFirst: false });
    parts.polls.hold({ group, topic, queueId, offset, suspendMs, filter, peer, answer: again });
    return;
  }
  respond({ code, remark: result.status, fields: fieldsOf(result), body: result.body });
}

/** Which messages are wanted, or why none are given. The checks are in the broker's order. */
function admit({ groups, topics, options }: MessageParts, header: PullHeader, peer: Peer): TagFilter | Reply {
  const { consumerGroup: group, topic, queueId } = header;
  if (!groups.admit(group)) {
    const remark = withAdvice(`subscription group [${group}] does not exist, `);
    return refuse(ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST, remark);
  }
  const config = topics.get(topic);
  if (config === undefined) {
    const remark = withAdvice(`topic[${topic}] not exist, apply first please! `);
    return refuse(ResponseCode.TOPIC_NOT_EXIST, remark);
  }
  if ((config.perm & topicPerm.read) === 0) {
    const remark = `the topic[${topic}] pulling message is forbidden`;
    return refuse(ResponseCode.NO_PERMISSION, remark, { forbiddenType: topicForbidden });
  }
  const { readQueueNums } = config;
  if (queueId < 0 || queueId >= readQueueNums) {
    return refuse(
      ResponseCode.INVALID_PARAMETER,
      `queueId[${queueId}] is illegal, topic:[${topic}] topicConfig.readQueueNums:[${readQueueNums}] consumer:[/${peer.address}]`,
    );
  }
  return hasFlag(header, flagBits.subscription) ? ownFilter(header) : groupFilter(options, header);
}

/** The filter that came with the pull. */
function ownFilter({ subscription, expressionType }: PullHeader): TagFilter | Reply {
  if (isTagType(expressionType)) {
    return (
      expressionFilter(subscription) ??
      refuse(ResponseCode.SUBSCRIPTION_PARSE_FAILED, "parse the consumer's subscription failed")
    );
  }
  return noFilterFor(expressionType);
}

/** The filter the group's heartbeat told. */
function groupFilter(
  { subscriptionOf, isKnownGroup }: MessageParts['options'],
  { consumerGroup: group, topic, subVersion }: PullHeader,
): TagFilter | Reply {
  const known = subscriptionOf(group, topic);
  if (known === undefined) {
    const what = isKnownGroup(group) ? "the consumer's subscription" : "the consumer's group info";
    return refuse(ResponseCode.SUBSCRIPTION_NOT_EXIST, withAdvice(`${what} not exist`));
  }
  if (known.subVersion < subVersion)
    return refuse(ResponseCode.SUBSCRIPTION_NOT_LATEST, "the consumer's subscription not latest");
  return isTagType(known.expressionType) ? subscriptionFilter(known) : noFilterFor(known.expressionType);
}

/** As a broker answers that was not given enablePropertyFilter=true, which is the default. */
function noFilterFor(expressionType: string | undefined): Reply {
  const remark = `The broker does not support consumer to filter message by ${expressionType}`;
  return refuse(ResponseCode.SYSTEM_ERROR, remark);
}

/** A reset the group has not heard of comes before anything that could be read. */
function read({ store, offsets }: MessageParts, header: PullHeader, filter: TagFilter): ReadResult {
  const { consumerGroup, topic, queueId, queueOffset: offset, maxMsgNums } = header;
  const reset = offsets.takeReset(consumerGroup, topic, queueId);
  if (reset === undefined) return readQueue(store, { topic, queueId, offset, maxMsgNums, filter });
  return {
    status: 'OFFSET_RESET',
    nextBeginOffset: reset,
    minOffset: store.minOffset(topic, queueId),
    maxOffset: store.maxOffset(topic, queueId),
  };
}

/** Source: PullMessageProcessor.composeResponseHeader. */
function codeOf(status: ReadStatus, asked: number): number {
  switch (status) {
    case 'FOUND':
      return ResponseCode.SUCCESS;
    case 'NO_MATCHED_MESSAGE':
      return ResponseCode.PULL_RETRY_IMMEDIATELY;
    case 'OFFSET_OVERFLOW_ONE':
      return ResponseCode.PULL_NOT_FOUND;
    case 'NO_MESSAGE_IN_QUEUE':
      return asked === 0 ? ResponseCode.PULL_NOT_FOUND : ResponseCode.PULL_OFFSET_MOVED;
    case 'OFFSET_TOO_SMALL':
    case 'OFFSET_OVERFLOW_BADLY':
    case 'OFFSET_RESET':
      return ResponseCode.PULL_OFFSET_MOVED;
    default:
      return assertNever(status);
  }
}

function fieldsOf({ nextBeginOffset, minOffset, maxOffset }: ReadResult): ExtFields {
  return {
    suggestWhichBrokerId: '0',
    nextBeginOffset: String(nextBeginOffset),
    minOffset: String(minOffset),
    maxOffset: String(maxOffset),
    topicSysFlag: '0',
    groupSysFlag: '0',
  };
}

function hasFlag({ sysFlag }: PullHeader, bit: number): boolean {
  return (sysFlag & bit) !== 0;
}

function isTagType(expressionType: string | undefined): boolean {
  return expressionType === undefined || expressionType === '' || expressionType === 'TAG';
}

function refuse(code: number, remark: string, fields: ExtFields = {}): Reply {
  return { code, remark, fields };
}
