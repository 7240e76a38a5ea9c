// SPDX-License-Identifier: Apache-2.0
/** How does a client leave? Source: UnregisterClientRequestHeader, ClientManageProcessor. */
import { RequestCode } from '../codes.ts';
import { defineRequest } from '../define-request.ts';
import { name, optional, text } from '../fields.ts';

export const unregisterClient = defineRequest({
  name: 'unregisterClient',
  code: RequestCode.UNREGISTER_CLIENT,
  header: { clientID: text, producerGroup: optional(name), consumerGroup: optional(name) },
});
