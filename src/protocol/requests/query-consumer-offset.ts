// SPDX-License-Identifier: Apache-2.0
/** How is a group's committed offset asked for? Source: QueryConsumerOffsetRequestHeader, ConsumerManageProcessor. */
import { RequestCode } from '../codes.ts';
import { defineRequest } from '../define-request.ts';
import { bool, int32, name, offset, optional, text } from '../fields.ts';

export const queryConsumerOffset = defineRequest({
  name: 'queryConsumerOffset',
  code: RequestCode.QUERY_CONSUMER_OFFSET,
  header: {
    consumerGroup: name,
    topic: name,
    queueId: int32,
    /** false (5.0+): a young queue without a stored offset is answered 22, not 0. */
    setZeroIfNotFound: optional(bool),
    bname: optional(text),
  },
  reply: { offset },
  replies: { 0: 'found', 22: 'none' },
});
