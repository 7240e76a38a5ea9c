// SPDX-License-Identifier: Apache-2.0
/** How is one message read by its place in the commit log? The body is one stored message. Source: ViewMessageRequestHeader. */
import { RequestCode } from '../codes.ts';
import { defineRequest } from '../define-request.ts';
import { int64, name, optional } from '../fields.ts';

export const viewMessage = defineRequest({
  name: 'viewMessage',
  code: RequestCode.VIEW_MESSAGE_BY_ID,
  header: {
    /** Position in the commit log. Unit: bytes. */
    offset: int64,
    topic: optional(name),
  },
});
