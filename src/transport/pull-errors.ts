// SPDX-License-Identifier: Apache-2.0
/** How does a message that was changed on the way or on disk read in an error? Each names its queue and offset. */
import { ProtocolError } from '../errors/errors.ts';
import type { MessageQueue } from '../model/message-queue.ts';
import type { QueueOffset } from '../model/queue-offset.ts';
import type { StoredMessage } from '../protocol/stored-message.ts';

/** `queueOffset`: where it stops the queue; inside an inner batch that is further on than the batch begins. */
export function crcMismatch(message: StoredMessage, queueOffset: QueueOffset): ProtocolError {
  const { storedTopic: topic, queueId, brokerName, msgId } = message;
  return new ProtocolError(
    'RMQ_BAD_MESSAGE',
    `message ${msgId} at ${topic}@${brokerName}#${queueId}:${queueOffset}: the CRC of its body is not the stored one`,
    { context: { topic, brokerName, queueId, queueOffset, msgId } },
  );
}

export interface MisplacedBetween {
  /** Where it is taken to lie. */
  readonly queueOffset: number;
  readonly asked: number;
  readonly next: number;
}

export function outOfPlace(
  message: StoredMessage,
  { queueOffset, asked, next }: MisplacedBetween,
): ProtocolError {
  const { storedTopic: topic, queueId, brokerName, queueOffset: claimed, msgId } = message;
  return new ProtocolError(
    'RMQ_BAD_MESSAGE',
    `message ${msgId} says it is at ${topic}@${brokerName}#${queueId}:${claimed}, in an answer that goes from ${asked} to ${next}`,
    { context: { topic, brokerName, queueId, queueOffset, claimed, asked, next } },
  );
}

/** `cause`: what is wrong with the record; it knows neither topic nor place. */
export function unreadable(
  { topic, brokerName, queueId }: MessageQueue,
  queueOffset: QueueOffset,
  cause: ProtocolError,
): ProtocolError {
  return new ProtocolError(
    cause.code,
    `message at ${topic}@${brokerName}#${queueId}:${queueOffset} cannot be read: ${cause.message}`,
    { cause, context: { ...cause.context, topic, brokerName, queueId, queueOffset } },
  );
}
