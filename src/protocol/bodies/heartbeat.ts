// SPDX-License-Identifier: Apache-2.0
/** What does a client tell a broker about itself? Source: HeartbeatData, ConsumerData, protocol.md section 5.3. */
import type { Namespace } from '../../model/namespace.ts';
import {
  boolean,
  integer,
  list,
  oneOf,
  readBody,
  record,
  type ShapeOf,
  string,
  withDefault,
  writeBody,
} from '../json-shape.ts';
import { subscriptionData, wireSubscription } from './subscription.ts';

export const messageModel = oneOf('BROADCASTING', 'CLUSTERING', 'LITE_SELECTIVE');
export const consumeType = oneOf('CONSUME_ACTIVELY', 'CONSUME_PASSIVELY', 'CONSUME_POP');
export const consumeFromWhere = oneOf(
  'CONSUME_FROM_LAST_OFFSET',
  'CONSUME_FROM_LAST_OFFSET_AND_FROM_MIN_WHEN_BOOT_FIRST',
  'CONSUME_FROM_MIN_OFFSET',
  'CONSUME_FROM_MAX_OFFSET',
  'CONSUME_FROM_FIRST_OFFSET',
  'CONSUME_FROM_TIMESTAMP',
);

const consumerData = record({
  consumeFromWhere,
  consumeType,
  groupName: string,
  messageModel,
  /** Replaces the group's whole set on the broker; a clustering consumer lists its retry topic too. */
  subscriptionDataSet: withDefault(list(subscriptionData), []),
  unitMode: withDefault(boolean, false),
});

const heartbeatData = record({
  clientID: string,
  consumerDataSet: withDefault(list(consumerData), []),
  /** 0: heartbeat V1. Else V2: equal in all members, see protocol.md section 5.3. */
  heartbeatFingerprint: withDefault(integer, 0),
  producerDataSet: withDefault(list(record({ groupName: string })), []),
  /** V2: the subscriptions are left out, the fingerprint stands for them. */
  withoutSub: withDefault(boolean, false),
});

/** A heartbeat: the groups this client consumes and produces for. */
export type HeartbeatData = ShapeOf<typeof heartbeatData>;

export function encodeHeartbeat(data: HeartbeatData, namespace?: Namespace): Buffer {
  return writeBody(heartbeatData, namespace === undefined ? data : wireHeartbeat(namespace, data));
}

function wireHeartbeat(namespace: Namespace, data: HeartbeatData): HeartbeatData {
  return {
    ...data,
    consumerDataSet: data.consumerDataSet.map(group => ({
      ...group,
      groupName: namespace.wire(group.groupName),
      subscriptionDataSet: group.subscriptionDataSet.map(each => wireSubscription(namespace, each)),
    })),
    producerDataSet: data.producerDataSet.map(({ groupName }) => ({ groupName: namespace.wire(groupName) })),
  };
}

/** @throws ProtocolError `RMQ_BAD_BODY` */
export function parseHeartbeat(body: Buffer): HeartbeatData {
  return readBody(heartbeatData, body, 'heartbeat');
}
