// SPDX-License-Identifier: Apache-2.0
/** What is a client doing? The body is in bodies/running-info.ts. Source: GetConsumerRunningInfoRequestHeader. */
import { RequestCode } from '../codes.ts';
import { defineRequest } from '../define-request.ts';
import { bool, name, optional, text } from '../fields.ts';

/** Admin to broker, broker to client. */
export const runningInfo = defineRequest({
  name: 'runningInfo',
  code: RequestCode.GET_CONSUMER_RUNNING_INFO,
  header: { consumerGroup: name, clientId: text, jstackEnable: optional(bool) },
});
