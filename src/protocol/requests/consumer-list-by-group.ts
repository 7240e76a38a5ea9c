// SPDX-License-Identifier: Apache-2.0
/** Who are the members of a group? The body is in bodies/consumer-list.ts. Source: GetConsumerListByGroupRequestHeader. */
import { RequestCode } from '../codes.ts';
import { defineRequest } from '../define-request.ts';
import { name, optional, text } from '../fields.ts';

/** Answered with code 1 when nobody is registered. */
export const consumerListByGroup = defineRequest({
  name: 'consumerListByGroup',
  code: RequestCode.GET_CONSUMER_LIST_BY_GROUP,
  header: { consumerGroup: name, bname: optional(text) },
});
