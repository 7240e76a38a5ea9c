// SPDX-License-Identifier: Apache-2.0
/** What are the first and the next offset of a queue, for somebody who may only pull? Every answer to a pull carries both. */
import type { MessageQueue } from '../model/message-queue.ts';
import type { QueueOffset } from '../model/queue-offset.ts';
import { readReply, replyKind } from '../protocol/define-request.ts';
import { pullMessage } from '../protocol/requests/pull-message.ts';
import { errorOfResponse } from '../protocol/response-error.ts';
import type { Caller } from './call.ts';
import { ask, type CallOptions } from './request.ts';

export interface QueueBounds {
  readonly min: QueueOffset;
  readonly max: QueueOffset;
}

export interface BoundsQuestion {
  readonly queue: MessageQueue;
  readonly consumerGroup: string;
  /** Of the subscription that the broker knows: it answers 25 to a newer one. */
  readonly subVersion: number;
  readonly expressionType: string;
}

/**
 * Pulls one message from the very beginning and looks only at the header of the answer (11): found, nothing there, nothing
 * that matches, or out of range. Nothing is held or committed by it.
 * @throws BrokerError of any other code; ProtocolError; ConnectionError; RocketmqError `RMQ_ABORTED` through the signal
 */
export async function boundsByPull(
  caller: Caller,
  { queue, consumerGroup, subVersion, expressionType }: BoundsQuestion,
  options: CallOptions,
): Promise<QueueBounds> {
  const { topic, queueId, brokerName } = queue;
  const what = `min and max offset of ${topic}-${queueId}@${brokerName} from a pull`;
  const header = {
    ...{ consumerGroup, topic, queueId, bname: brokerName, subVersion, expressionType },
    ...{ queueOffset: 0, maxMsgNums: 1, sysFlag: 0, commitOffset: 0, suspendTimeoutMillis: 0 },
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
