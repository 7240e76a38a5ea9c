// SPDX-License-Identifier: Apache-2.0
/** How does a broker tell clients to move offsets? The body is in bodies/offset-table.ts. Source: ResetOffsetRequestHeader. */
import { RequestCode } from '../codes.ts';
import { defineRequest } from '../define-request.ts';
import { bool, int32, int64, name, optional } from '../fields.ts';

const resetOffsetHeader = {
  topic: name,
  group: name,
  /** Unit: ms since 1970; -1: the end of the queue. */
  timestamp: int64,
  isForce: bool,
  /** -1: all queues. 5.x. */
  queueId: optional(int32),
  /** -1: not given. 5.x. */
  offset: optional(int64),
};

/** Broker to client, one-way; 4.9 to 5.1, later brokers answer the next pull with 21. protocol.md section 2.5. */
export const resetOffset = defineRequest({
  name: 'resetOffset',
  code: RequestCode.RESET_CONSUMER_CLIENT_OFFSET,
  header: resetOffsetHeader,
});

/** Admin to broker, which moves the offsets or tells the clients to. */
export const invokeResetOffset = defineRequest({
  name: 'invokeResetOffset',
  code: RequestCode.INVOKE_BROKER_TO_RESET_OFFSET,
  header: resetOffsetHeader,
});
