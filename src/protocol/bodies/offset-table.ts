// SPDX-License-Identifier: Apache-2.0
/** Which offset does each queue have, or shall it get? Source: ResetOffsetBody, ResetOffsetBodyForC, GetConsumerStatusBody, OffsetSerializeWrapper. */
import type { MessageQueue } from '../../model/message-queue.ts';
import { type Namespace, ownQueue, wireQueue } from '../../model/namespace.ts';
import { isJsonArray } from '../json.ts';
import {
  integer,
  list,
  mapOf,
  pairsOf,
  readBody,
  record,
  type Shape,
  string,
  withDefault,
  writeBody,
} from '../json-shape.ts';
import { messageQueue } from './message-queue.ts';

/** Offset of each queue. */
export type OffsetTable = readonly (readonly [MessageQueue, number])[];

const javaTable: Shape<OffsetTable> = pairsOf(messageQueue, integer);
const listTable = list(record({ brokerName: string, offset: integer, queueId: integer, topic: string }));

/** The Java form and the list form, which admin tools for C++ clients make a broker send; written as the former. */
const anyTable: Shape<OffsetTable> = {
  read: (json, path) =>
    isJsonArray(json)
      ? listTable.read(json, path).map(({ offset, ...queue }) => [queue, offset])
      : javaTable.read(json, path),
  write: javaTable.write,
};

const resetOffsets = record({ offsetTable: withDefault(anyTable, []) });

const consumerStatus = record({
  /** By client id, where a broker gathered the answers of several. */
  consumerTable: withDefault(mapOf(javaTable), new Map()),
  messageQueueTable: withDefault(javaTable, []),
});

/**
 * Body of resetOffset (220), and of Java's local offset files.
 * @throws ProtocolError `RMQ_BAD_BODY`, or `RMQ_UNSAFE_OFFSET` for an offset past 2^53-1
 */
export function parseOffsetTable(body: Buffer, namespace?: Namespace): OffsetTable {
  const { offsetTable } = readBody(resetOffsets, body, 'offset table');
  return offsetTable.map(([queue, offset]) => [ownQueue(namespace, queue), offset]);
}

export function encodeOffsetTable(table: OffsetTable): Buffer {
  return writeBody(resetOffsets, { offsetTable: table });
}

/** The answer to consumerStatus (221): this client's offsets. */
export function encodeConsumerStatus(table: OffsetTable, namespace?: Namespace): Buffer {
  const messageQueueTable = table.map(([queue, offset]) => [wireQueue(namespace, queue), offset] as const);
  return writeBody(consumerStatus, { consumerTable: new Map(), messageQueueTable });
}

/** @throws ProtocolError `RMQ_BAD_BODY`, or `RMQ_UNSAFE_OFFSET` for an offset past 2^53-1 */
export function parseConsumerStatus(body: Buffer): OffsetTable {
  return readBody(consumerStatus, body, 'consumer status').messageQueueTable;
}
