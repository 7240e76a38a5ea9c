// SPDX-License-Identifier: Apache-2.0
/** What is the oldest offset a queue still holds? Source: GetMinOffsetRequestHeader, AdminBrokerProcessor. */
import { RequestCode } from '../codes.ts';
import { defineRequest } from '../define-request.ts';
import { bound, int32, name, optional, text } from '../fields.ts';

/** An unknown topic is answered 0 with success. */
export const minOffset = defineRequest({
  name: 'minOffset',
  code: RequestCode.GET_MIN_OFFSET,
  header: { topic: name, queueId: int32, bname: optional(text) },
  reply: { offset: bound },
});
