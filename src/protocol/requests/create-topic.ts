// SPDX-License-Identifier: Apache-2.0
/** How is a topic made or changed? Source: CreateTopicRequestHeader, AdminBrokerProcessor. */
import { RequestCode } from '../codes.ts';
import { defineRequest } from '../define-request.ts';
import { bool, int32, name, optional, text } from '../fields.ts';

export const createTopic = defineRequest({
  name: 'createTopic',
  code: RequestCode.UPDATE_AND_CREATE_TOPIC,
  header: {
    topic: name,
    defaultTopic: text,
    readQueueNums: int32,
    writeQueueNums: int32,
    /** Bits: 4 readable, 2 writable, 1 template for new topics. */
    perm: int32,
    /** SINGLE_TAG or MULTI_TAG. */
    topicFilterType: text,
    topicSysFlag: optional(int32),
    order: bool,
    /** `+key=value,-key`. */
    attributes: optional(text),
    force: optional(bool),
  },
});
