// SPDX-License-Identifier: Apache-2.0
/** What are the first and the next offset of a queue, for somebody who may only pull? Every answer to a pull carries both. */
import { isForbidden } from '../errors/access.ts';
import type { MessageQueue } from '../model/message-queue.ts';
import type { QueueOffset } from '../model/queue-offset.ts';
import type { Address } from '../model/route.ts';
import { readReply, replyKind } from '../protocol/define-request.ts';
import { pullMessage, pullSysFlag } from '../protocol/requests/pull-message.ts';
import { errorOfResponse } from '../protocol/response-error.ts';
import type { BrokerCalls } from './broker-calls.ts';
import type { Caller } from './call.ts';
import { ask, type CallOptions } from './request.ts';

export interface QueueBounds {
  readonly min: QueueOffset;
  readonly max: QueueOffset;
}

export interface BoundsQuestion {
  readonly queue: MessageQueue;
  readonly consumerGroup: string;
  /**
   * The subscription that the broker knows of the group, by the version that its heartbeats told: it answers 25 to a newer one.
   * 'none': whoever asks is no member, so the pull brings a subscription of its own.
   */
  readonly subscription: { readonly subVersion: number; readonly expressionType: string } | 'none';
}

/** Who asks whom. */
export interface BoundQuestion {
  readonly calls: Pick<BrokerCalls, 'minOffset' | 'maxOffset'>;
  readonly address: Address;
  readonly queue: MessageQueue;
  readonly options: CallOptions;
}

const everything = { subVersion: 0, expressionType: 'TAG', subscription: '*' };

/** One bound as it is asked for by itself (30, 31); where that is forbidden, as the answer to a pull has it. */
export async function boundOf(
  name: keyof QueueBounds,
  { calls, address, queue, options }: BoundQuestion,
  pulled: () => Promise<QueueBounds>,
): Promise<QueueOffset> {
  try {
    return await calls[name === 'min' ? 'minOffset' : 'maxOffset'](address, queue, options);
  } catch (refusal) {
    if (!isForbidden(refusal)) throw refusal;
    return (await pulled())[name];
  }
}

/**
 * Pulls one message from the very beginning and looks only at the header of the answer (11): found, nothing there, nothing
 * that matches, or out of range. Nothing is held or committed by it.
 * @throws BrokerError of any other code; ProtocolError; ConnectionError; RocketmqError `RMQ_ABORTED` through the signal
 */
export async function boundsByPull(
  caller: Caller,
  { queue, consumerGroup, subscription }: BoundsQuestion,
  options: CallOptions,
): Promise<QueueBounds> {
  const { topic, queueId, brokerName } = queue;
  const what = `min and max offset of ${topic}-${queueId}@${brokerName} from a pull`;
  const header = {
    ...{ consumerGroup, topic, queueId, bname: brokerName },
    ...(subscription === 'none' ? everything : subscription),
    ...{ queueOffset: 0, maxMsgNums: 1, commitOffset: 0, suspendTimeoutMillis: 0 },
    sysFlag: pullSysFlag({ commitOffset: false, suspend: false, subscription: subscription === 'none' }),
  };
  const frame = await ask(caller, pullMessage, header, { ...options, what });
  if (replyKind(pullMessage, frame) === undefined) throw errorOfResponse(what, frame, caller.address);
  const { minOffset, maxOffset } = readReply(pullMessage, frame);
  return { min: floor(minOffset), max: floor(maxOffset) };
}

/** A bound of a queue that never held anything may be -1. */
function floor(bound: number): QueueOffset {
  return Math.max(0, bound) as QueueOffset; // the field's reader has checked it
}
