// SPDX-License-Identifier: Apache-2.0
/** Which errors tell that an offset did not reach the store? Each names the queue and the offset. */
import { ConnectionError, ConsumerError, type RocketmqError } from '../errors/errors.ts';
import { type MessageQueue, type QueueKey, queueKey } from '../model/message-queue.ts';
import type { QueueOffset } from '../model/queue-offset.ts';
import type { CommitLine } from './commit-line.ts';

export function storeFull(key: QueueKey, maxEntries: number): RocketmqError {
  return new ConsumerError(
    'RMQ_STORE_FULL',
    `no room for ${key}: the offset store holds ${maxEntries} queues`,
    {
      context: { queue: key, maxOffsetStoreSize: maxEntries },
    },
  );
}

export function notWritten(queue: MessageQueue, offset: QueueOffset): RocketmqError {
  const key = queueKey(queue);
  const message = `offset ${offset} of ${key} could not be written: no open connection to ${queue.brokerName}`;
  return new ConnectionError('RMQ_CONNECTION_LOST', message, { context: { queue: key, offset } });
}

export function notCommitted(
  queue: MessageQueue,
  line: CommitLine,
  signal: AbortSignal | undefined,
): RocketmqError {
  const key = queueKey(queue);
  const context = { queue: key, offset: line.point };
  const message = `offset ${line.point} of ${key} was not confirmed by ${queue.brokerName}`;
  return signal?.aborted === true
    ? new ConsumerError('RMQ_ABORTED', `${message} before the wait was given up`, {
        context,
        cause: signal.reason,
      })
    : new ConnectionError('RMQ_REQUEST_TIMEOUT', `${message} in time`, { context });
}

export function withheld(queue: MessageQueue, line: CommitLine): RocketmqError {
  const key = queueKey(queue);
  const why = line.isClosed ? 'the queue was given up' : 'commits are withheld';
  return new ConsumerError(
    'RMQ_COMMIT_WITHHELD',
    `offset ${line.point} of ${key} was not committed: ${why}`,
    {
      context: { queue: key, offset: line.point },
    },
  );
}
