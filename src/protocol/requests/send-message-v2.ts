// SPDX-License-Identifier: Apache-2.0
/** How is a message sent, fields by single letters to save bytes? Source: SendMessageRequestHeaderV2. */
import { RequestCode } from '../codes.ts';
import { defineRequest, type HeaderOf } from '../define-request.ts';
import { bool, int32, int64, name, optional, text } from '../fields.ts';
import { type sendMessage, sendReplies, sendReply } from './send-message.ts';

/** Fields of {@link sendMessage} by the letters of the short form, in its order. */
export const shortSendHeader = {
  a: name,
  b: name,
  c: text,
  d: int32,
  e: int32,
  f: int32,
  g: int64,
  h: int32,
  i: optional(text),
  j: optional(int32),
  k: optional(bool),
  l: optional(int32),
  m: optional(bool),
  n: optional(text),
};

/** What Java producers use. */
export const sendMessageV2 = defineRequest({
  name: 'sendMessageV2',
  code: RequestCode.SEND_MESSAGE_V2,
  header: shortSendHeader,
  reply: sendReply,
  replies: sendReplies,
});

/** A send header by its letters. */
export function toShortHeader(header: HeaderOf<typeof sendMessage>): HeaderOf<typeof sendMessageV2> {
  return {
    a: header.producerGroup,
    b: header.topic,
    c: header.defaultTopic,
    d: header.defaultTopicQueueNums,
    e: header.queueId,
    f: header.sysFlag,
    g: header.bornTimestamp,
    h: header.flag,
    i: header.properties,
    j: header.reconsumeTimes,
    k: header.unitMode,
    l: header.maxReconsumeTimes,
    m: header.batch,
    n: header.bname,
  };
}

/** A send header by its full names. */
export function toLongHeader(header: HeaderOf<typeof sendMessageV2>): HeaderOf<typeof sendMessage> {
  return {
    producerGroup: header.a,
    topic: header.b,
    defaultTopic: header.c,
    defaultTopicQueueNums: header.d,
    queueId: header.e,
    sysFlag: header.f,
    bornTimestamp: header.g,
    flag: header.h,
    properties: header.i,
    reconsumeTimes: header.j,
    unitMode: header.k,
    maxReconsumeTimes: header.l,
    batch: header.m,
    bname: header.n,
  };
}
