// SPDX-License-Identifier: Apache-2.0
/** How does a broker say that a group's members changed? Source: NotifyConsumerIdsChangedRequestHeader. */
import { RequestCode } from '../codes.ts';
import { defineRequest } from '../define-request.ts';
import { name } from '../fields.ts';

/** Broker to client, one-way; also to the newcomer itself, before the answer to its first heartbeat. */
export const notifyConsumerIdsChanged = defineRequest({
  name: 'notifyConsumerIdsChanged',
  code: RequestCode.NOTIFY_CONSUMER_IDS_CHANGED,
  header: { consumerGroup: name },
});
