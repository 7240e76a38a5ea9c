// SPDX-License-Identifier: Apache-2.0
/** How does a message that was changed on the way or on disk read in an error? */
import { ProtocolError } from '../errors/errors.ts';
import type { StoredMessage } from '../protocol/stored-message.ts';

export function crcMismatch(message: StoredMessage): ProtocolError {
  const { storedTopic: topic, queueId, brokerName, queueOffset, msgId } = message;
  return new ProtocolError(
    'RMQ_BAD_MESSAGE',
    `message ${msgId} at ${topic}@${brokerName}#${queueId}:${queueOffset}: the CRC of its body is not the stored one`,
    { context: { topic, brokerName, queueId, queueOffset, msgId } },
  );
}

export function outOfPlace(message: StoredMessage, asked: number, next: number): ProtocolError {
  const { storedTopic: topic, queueId, brokerName, queueOffset, msgId } = message;
  return new ProtocolError(
    'RMQ_BAD_MESSAGE',
    `message ${msgId} says it is at ${topic}@${brokerName}#${queueId}:${queueOffset}, in an answer that goes from ${asked} to ${next}`,
    { context: { topic, brokerName, queueId, queueOffset, asked, next } },
  );
}
