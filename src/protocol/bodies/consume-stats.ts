// SPDX-License-Identifier: Apache-2.0
/** How far is a group behind on each queue? Source: ConsumeStats, OffsetWrapper. */
import {
  double,
  integer,
  maybe,
  pairsOf,
  readBody,
  record,
  type ShapeOf,
  withDefault,
  writeBody,
} from '../json-shape.ts';
import { messageQueue } from './message-queue.ts';

const consumeStats = record({
  consumeTps: withDefault(double, 0),
  offsetTable: withDefault(
    pairsOf(
      messageQueue,
      record({
        /** The next offset to be written. */
        brokerOffset: integer,
        /** Committed by the group. */
        consumerOffset: integer,
        /** When the last consumed message was stored. Unit: ms since 1970. */
        lastTimestamp: integer,
        /** How far the group has pulled; 5.x. */
        pullOffset: maybe(integer),
      }),
    ),
    [],
  ),
});

export type ConsumeStats = ShapeOf<typeof consumeStats>;

/** @throws ProtocolError `RMQ_BAD_BODY` */
export function parseConsumeStats(body: Buffer): ConsumeStats {
  return readBody(consumeStats, body, 'consume stats');
}

export function encodeConsumeStats(stats: ConsumeStats): Buffer {
  return writeBody(consumeStats, stats);
}
