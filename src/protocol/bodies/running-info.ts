// SPDX-License-Identifier: Apache-2.0
/** What is a client doing, as admin tools show it? Source: ConsumerRunningInfo, ProcessQueueInfo, ConsumeStatus, protocol.md section 5.5. */
import { type Namespace, wireQueue } from '../../model/namespace.ts';
import {
  boolean,
  double,
  integer,
  list,
  mapOf,
  maybe,
  pairsOf,
  readBody,
  record,
  type ShapeOf,
  string,
  withDefault,
  writeBody,
} from '../json-shape.ts';
import { messageQueue } from './message-queue.ts';
import { subscriptionData, wireSubscription } from './subscription.ts';

const processQueueInfo = record({
  cachedMsgCount: integer,
  cachedMsgMaxOffset: integer,
  cachedMsgMinOffset: integer,
  cachedMsgSizeInMiB: integer,
  commitOffset: integer,
  /** RocketMQ's spelling. */
  droped: boolean,
  lastConsumeTimestamp: integer,
  lastLockTimestamp: integer,
  lastPullTimestamp: integer,
  locked: boolean,
  transactionMsgCount: integer,
  transactionMsgMaxOffset: integer,
  transactionMsgMinOffset: integer,
  tryUnlockTimes: integer,
});

const popProcessQueueInfo = record({ droped: boolean, lastPopTimestamp: integer, waitAckCount: integer });

/** Rates in messages a second, times in ms. */
const consumeStatus = record({
  consumeFailedMsgs: integer,
  consumeFailedTPS: double,
  consumeOKTPS: double,
  consumeRT: double,
  pullRT: double,
  pullTPS: double,
});

const runningInfo = record({
  jstack: maybe(string),
  mqPopTable: withDefault(pairsOf(messageQueue, popProcessQueueInfo), []),
  mqTable: withDefault(pairsOf(messageQueue, processQueueInfo), []),
  /** PROP_NAMESERVER_ADDR, PROP_CONSUMEORDERLY, PROP_CONSUME_TYPE, PROP_CLIENT_VERSION, … */
  properties: withDefault(mapOf(string), new Map()),
  statusTable: withDefault(mapOf(consumeStatus), new Map()),
  subscriptionSet: withDefault(list(subscriptionData), []),
  userConsumerInfo: withDefault(mapOf(string), new Map()),
});

export type RunningInfo = ShapeOf<typeof runningInfo>;

/** The answer to runningInfo (307). */
export function encodeRunningInfo(info: RunningInfo, namespace?: Namespace): Buffer {
  return writeBody(runningInfo, namespace === undefined ? info : wireRunningInfo(namespace, info));
}

function wireRunningInfo(namespace: Namespace, info: RunningInfo): RunningInfo {
  const statuses = [...info.statusTable].map(([topic, status]) => [namespace.wire(topic), status] as const);
  return {
    ...info,
    mqTable: info.mqTable.map(([queue, state]) => [wireQueue(namespace, queue), state]),
    statusTable: new Map(statuses),
    subscriptionSet: info.subscriptionSet.map(each => wireSubscription(namespace, each)),
  };
}

/** @throws ProtocolError `RMQ_BAD_BODY` */
export function parseRunningInfo(body: Buffer): RunningInfo {
  return readBody(runningInfo, body, 'running info');
}
