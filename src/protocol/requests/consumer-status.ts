// SPDX-License-Identifier: Apache-2.0
/** Which offsets does a client have? The body is in bodies/offset-table.ts. Source: GetConsumerStatusRequestHeader. */
import { RequestCode } from '../codes.ts';
import { defineRequest } from '../define-request.ts';
import { name, optional, text } from '../fields.ts';

const consumerStatusHeader = {
  topic: name,
  group: name,
  /** A client id, despite its name. */
  clientAddr: optional(text),
};

/** Broker to client. */
export const consumerStatus = defineRequest({
  name: 'consumerStatus',
  code: RequestCode.GET_CONSUMER_STATUS_FROM_CLIENT,
  header: consumerStatusHeader,
});

/** Admin to broker, which asks the clients. */
export const invokeConsumerStatus = defineRequest({
  name: 'invokeConsumerStatus',
  code: RequestCode.INVOKE_BROKER_TO_GET_CONSUMER_STATUS,
  header: consumerStatusHeader,
});
