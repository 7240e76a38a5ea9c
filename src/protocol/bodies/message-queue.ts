// SPDX-License-Identifier: Apache-2.0
/** How does a body name a queue? Source: MessageQueue. */
import type { MessageQueue } from '../../model/message-queue.ts';
import { integer, record, type Shape, string } from '../json-shape.ts';

export const messageQueue: Shape<MessageQueue> = record({
  brokerName: string,
  queueId: integer,
  topic: string,
});
