// SPDX-License-Identifier: Apache-2.0
/** Which topics does a name server know? Source: TopicList. */
import { list, readBody, record, string, withDefault, writeBody } from '../json-shape.ts';

const topicList = record({ topicList: withDefault(list(string), []) });

/** @throws ProtocolError `RMQ_BAD_BODY` */
export function parseTopicList(body: Buffer): readonly string[] {
  return readBody(topicList, body, 'topic list').topicList;
}

export function encodeTopicList(topics: readonly string[]): Buffer {
  return writeBody(topicList, { topicList: topics });
}
