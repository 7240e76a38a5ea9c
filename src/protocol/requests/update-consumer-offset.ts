// SPDX-License-Identifier: Apache-2.0
/** How is an offset committed? Source: UpdateConsumerOffsetRequestHeader, ConsumerManageProcessor. */
import { RequestCode } from '../codes.ts';
import { defineRequest } from '../define-request.ts';
import { int32, name, offset, optional, text } from '../fields.ts';

/** One-way in the periodic form. A 5.x broker answers 0 and ignores it while an offset reset is pending. */
export const updateConsumerOffset = defineRequest({
  name: 'updateConsumerOffset',
  code: RequestCode.UPDATE_CONSUMER_OFFSET,
  header: { consumerGroup: name, topic: name, queueId: int32, commitOffset: offset, bname: optional(text) },
});
