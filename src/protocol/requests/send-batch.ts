// SPDX-License-Identifier: Apache-2.0
/** How are several messages of one topic sent at once? The body is in client-batch.ts. Source: SendMessageRequestHeaderV2. */
import { RequestCode } from '../codes.ts';
import { defineRequest } from '../define-request.ts';
import { sendReplies, sendReply } from './send-message.ts';
import { shortSendHeader } from './send-message-v2.ts';

/** Letters as in {@link shortSendHeader}, with `m` true. Not allowed for retry topics. */
export const sendBatch = defineRequest({
  name: 'sendBatch',
  code: RequestCode.SEND_BATCH_MESSAGE,
  header: shortSendHeader,
  reply: sendReply,
  replies: sendReplies,
});
