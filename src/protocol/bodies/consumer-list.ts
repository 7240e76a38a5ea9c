// SPDX-License-Identifier: Apache-2.0
/** Who are the members of a group? Source: GetConsumerListByGroupResponseBody. */
import { list, readBody, record, string, withDefault, writeBody } from '../json-shape.ts';

const consumerList = record({ consumerIdList: withDefault(list(string), []) });

/**
 * Client ids in the broker's order: sort before allocating.
 * @throws ProtocolError `RMQ_BAD_BODY`
 */
export function parseConsumerList(body: Buffer): readonly string[] {
  return readBody(consumerList, body, 'consumer list').consumerIdList;
}

export function encodeConsumerList(clientIds: readonly string[]): Buffer {
  return writeBody(consumerList, { consumerIdList: clientIds });
}
