// SPDX-License-Identifier: Apache-2.0
/** How is a message sent, fields by their full names? Source: SendMessageRequestHeader, SendMessageResponseHeader. */
import { RequestCode } from '../codes.ts';
import { defineRequest } from '../define-request.ts';
import { bool, int32, int64, name, offset, optional, text } from '../fields.ts';

/** Fields of the answer to each form of send. */
export const sendReply = {
  /** Offset message id; a batch is answered a list with commas. */
  msgId: text,
  queueId: int32,
  queueOffset: offset,
  transactionId: optional(text),
  batchUniqId: optional(text),
  MSG_REGION: optional(text),
  TRACE_ON: optional(text),
};

/** Answers that mean the message is stored; all but 0 with a weaker guarantee than was asked. */
export const sendReplies = { 0: 'stored', 10: 'notFlushed', 11: 'noSlave', 12: 'notReplicated' } as const;

export const sendMessage = defineRequest({
  name: 'sendMessage',
  code: RequestCode.SEND_MESSAGE,
  header: {
    producerGroup: name,
    topic: name,
    /** Template for a topic that is made by this send: TBW102. */
    defaultTopic: text,
    defaultTopicQueueNums: int32,
    queueId: int32,
    sysFlag: int32,
    /** Unit: ms since 1970. */
    bornTimestamp: int64,
    flag: int32,
    /** `name 0x01 value 0x02` repeated. */
    properties: optional(text),
    reconsumeTimes: optional(int32),
    unitMode: optional(bool),
    maxReconsumeTimes: optional(int32),
    batch: optional(bool),
    bname: optional(text),
  },
  reply: sendReply,
  replies: sendReplies,
});
