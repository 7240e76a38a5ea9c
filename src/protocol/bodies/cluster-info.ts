// SPDX-License-Identifier: Apache-2.0
/** Which brokers does a name server know? Java always writes broker ids here as bare keys. Source: ClusterInfo. */
import {
  list,
  mapOf,
  readBody,
  record,
  type ShapeOf,
  string,
  withDefault,
  writeBody,
} from '../json-shape.ts';
import { brokerData } from './route.ts';

const clusterInfo = record({
  brokerAddrTable: withDefault(mapOf(brokerData), new Map()),
  /** Broker names by cluster. */
  clusterAddrTable: withDefault(mapOf(list(string)), new Map()),
});

export type ClusterInfo = ShapeOf<typeof clusterInfo>;

/** @throws ProtocolError `RMQ_BAD_BODY` */
export function parseClusterInfo(body: Buffer): ClusterInfo {
  return readBody(clusterInfo, body, 'cluster info');
}

/** Broker ids are written with quotes, which every Java decoder takes. */
export function encodeClusterInfo(info: ClusterInfo): Buffer {
  return writeBody(clusterInfo, info);
}
