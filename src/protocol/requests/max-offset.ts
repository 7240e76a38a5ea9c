// SPDX-License-Identifier: Apache-2.0
/** What is the next offset to be written to a queue? Source: GetMaxOffsetRequestHeader, AdminBrokerProcessor. */
import { RequestCode } from '../codes.ts';
import { defineRequest } from '../define-request.ts';
import { bool, bound, int32, name, optional, text } from '../fields.ts';

/** An unknown topic is answered 0 with success. */
export const maxOffset = defineRequest({
  name: 'maxOffset',
  code: RequestCode.GET_MAX_OFFSET,
  header: { topic: name, queueId: int32, committed: optional(bool), bname: optional(text) },
  reply: { offset: bound },
});
