// SPDX-License-Identifier: Apache-2.0
/** Which queues are to be locked or given back, and which were granted? Source: LockBatchRequestBody, UnlockBatchRequestBody, LockBatchResponseBody. */
import type { MessageQueue } from '../../model/message-queue.ts';
import { type Namespace, ownQueue, wireQueue } from '../../model/namespace.ts';
import {
  boolean,
  list,
  readBody,
  record,
  type ShapeOf,
  string,
  withDefault,
  writeBody,
} from '../json-shape.ts';
import { messageQueue } from './message-queue.ts';

const lockRequest = record({
  clientId: string,
  consumerGroup: string,
  mqSet: withDefault(list(messageQueue), []),
  /** Whether a broker with slaves may decide alone. */
  onlyThisBroker: withDefault(boolean, false),
});

const lockAnswer = record({ lockOKMQSet: withDefault(list(messageQueue), []) });

/** Body of lockBatch and unlockBatch. */
export type LockRequest = ShapeOf<typeof lockRequest>;

export function encodeLock(request: LockRequest, namespace?: Namespace): Buffer {
  if (namespace === undefined) return writeBody(lockRequest, request);
  const consumerGroup = namespace.wire(request.consumerGroup);
  const mqSet = request.mqSet.map(queue => wireQueue(namespace, queue));
  return writeBody(lockRequest, { ...request, consumerGroup, mqSet });
}

/** @throws ProtocolError `RMQ_BAD_BODY` */
export function parseLock(body: Buffer): LockRequest {
  return readBody(lockRequest, body, 'lock request');
}

export function encodeLockAnswer(granted: readonly MessageQueue[]): Buffer {
  return writeBody(lockAnswer, { lockOKMQSet: granted });
}

/**
 * The queues that were granted; a queue that another member holds is simply missing.
 * @throws ProtocolError `RMQ_BAD_BODY`
 */
export function parseLockAnswer(body: Buffer, namespace?: Namespace): readonly MessageQueue[] {
  return readBody(lockAnswer, body, 'lock answer').lockOKMQSet.map(queue => ownQueue(namespace, queue));
}
