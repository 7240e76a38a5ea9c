// SPDX-License-Identifier: Apache-2.0
/** How is a client told to consume one given message? Bodies: one stored message; bodies/direct-result.ts. Source: ConsumeMessageDirectlyResultRequestHeader. */
import { RequestCode } from '../codes.ts';
import { defineRequest } from '../define-request.ts';
import { int32, name, optional, text } from '../fields.ts';

/** Admin to broker, broker to client. */
export const consumeDirectly = defineRequest({
  name: 'consumeDirectly',
  code: RequestCode.CONSUME_MESSAGE_DIRECTLY,
  header: {
    consumerGroup: name,
    clientId: optional(text),
    msgId: optional(text),
    brokerName: optional(text),
    topic: optional(name),
    topicSysFlag: optional(int32),
    groupSysFlag: optional(int32),
  },
});
