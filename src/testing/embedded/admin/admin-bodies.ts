// SPDX-License-Identifier: Apache-2.0
/** Which bodies do only admin tools read? Source: KVTable, TopicConfigAndQueueMapping, GetConsumerStatusBody. */
import { messageQueue } from '../../../protocol/bodies/message-queue.ts';
import type { OffsetTable } from '../../../protocol/bodies/offset-table.ts';
import {
  boolean,
  integer,
  mapOf,
  oneOf,
  pairsOf,
  record,
  string,
  writeBody,
} from '../../../protocol/json-shape.ts';
import type { TopicView } from './admin.types.ts';

const kvTable = record({ table: mapOf(string) });

/** Answer to runtimeInfo. */
export function encodeKvTable(table: ReadonlyMap<string, string>): Buffer {
  return writeBody(kvTable, { table });
}

const topicConfig = record({
  order: boolean,
  perm: integer,
  readQueueNums: integer,
  topicFilterType: oneOf('SINGLE_TAG', 'MULTI_TAG'),
  topicName: string,
  topicSysFlag: integer,
  writeQueueNums: integer,
});

/** Answer to topicConfig; no topic here is a static one. */
export function encodeTopicConfig({ topic, perm, readQueueNums, writeQueueNums }: TopicView): Buffer {
  return writeBody(topicConfig, {
    order: false,
    perm,
    readQueueNums,
    topicFilterType: 'SINGLE_TAG',
    topicName: topic,
    topicSysFlag: 0,
    writeQueueNums,
  });
}

const offsets = pairsOf(messageQueue, integer);
const gatheredStatus = record({ consumerTable: mapOf(offsets), messageQueueTable: offsets });

/** Answer to invokeConsumerStatus: the offsets of several clients, by client id. */
export function encodeGatheredStatus(consumerTable: ReadonlyMap<string, OffsetTable>): Buffer {
  return writeBody(gatheredStatus, { consumerTable, messageQueueTable: [] });
}
