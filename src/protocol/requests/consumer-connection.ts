// SPDX-License-Identifier: Apache-2.0
/** Which clients are members, with which subscriptions? The body is in bodies/consumer-connection.ts. Source: GetConsumerConnectionListRequestHeader. */
import { RequestCode } from '../codes.ts';
import { defineRequest } from '../define-request.ts';
import { name } from '../fields.ts';

export const consumerConnection = defineRequest({
  name: 'consumerConnection',
  code: RequestCode.GET_CONSUMER_CONNECTION_LIST,
  header: { consumerGroup: name },
  replies: { 0: 'online', 206: 'offline' },
});
