// SPDX-License-Identifier: Apache-2.0
/** Which offset was written at a point in time? Source: SearchOffsetRequestHeader, AdminBrokerProcessor. */
import { RequestCode } from '../codes.ts';
import { defineRequest } from '../define-request.ts';
import { bound, int32, int64, name, optional, text } from '../fields.ts';

/** Past the end a 5.x broker answers the maximum, a 4.9 one the maximum minus 1. */
export const searchOffset = defineRequest({
  name: 'searchOffset',
  code: RequestCode.SEARCH_OFFSET_BY_TIMESTAMP,
  header: {
    topic: name,
    queueId: int32,
    /** Unit: ms since 1970. */
    timestamp: int64,
    /** LOWER or UPPER, 5.1.4+. */
    boundaryType: optional(text),
    bname: optional(text),
  },
  reply: { offset: bound },
});
