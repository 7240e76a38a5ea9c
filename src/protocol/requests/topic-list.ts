// SPDX-License-Identifier: Apache-2.0
/** Which topics are there? Asked of a name server; the body is in bodies/topic-list.ts. Source: DefaultRequestProcessor. */
import { RequestCode } from '../codes.ts';
import { defineRequest } from '../define-request.ts';

export const topicList = defineRequest({
  name: 'topicList',
  code: RequestCode.GET_ALL_TOPIC_LIST_FROM_NAMESERVER,
});
