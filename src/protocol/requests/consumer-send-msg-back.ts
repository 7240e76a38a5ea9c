// SPDX-License-Identifier: Apache-2.0
/** How is a failed message handed back for a later retry? Source: ConsumerSendMsgBackRequestHeader, protocol.md section 7.3. */
import { RequestCode } from '../codes.ts';
import { defineRequest } from '../define-request.ts';
import { bool, int32, int64, name, optional, text } from '../fields.ts';

export const consumerSendMsgBack = defineRequest({
  name: 'consumerSendMsgBack',
  code: RequestCode.CONSUMER_SEND_MSG_BACK,
  header: {
    /** Position in the commit log, not in the queue. Unit: bytes. */
    offset: int64,
    group: name,
    /** 0: 3 + attempts so far. -1: dead letter. */
    delayLevel: int32,
    originMsgId: optional(text),
    originTopic: optional(name),
    unitMode: optional(bool),
    maxReconsumeTimes: optional(int32),
    bname: optional(text),
  },
});
