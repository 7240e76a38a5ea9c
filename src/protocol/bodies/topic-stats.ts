// SPDX-License-Identifier: Apache-2.0
/** Which offsets does each queue of a topic hold? Source: TopicStatsTable, TopicOffset. */
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

const topicStats = record({
  offsetTable: withDefault(
    pairsOf(messageQueue, record({ lastUpdateTimestamp: integer, maxOffset: integer, minOffset: integer })),
    [],
  ),
  topicPutTps: maybe(double),
});

export type TopicStats = ShapeOf<typeof topicStats>;

/** @throws ProtocolError `RMQ_BAD_BODY` */
export function parseTopicStats(body: Buffer): TopicStats {
  return readBody(topicStats, body, 'topic stats');
}

export function encodeTopicStats(stats: TopicStats): Buffer {
  return writeBody(topicStats, stats);
}
