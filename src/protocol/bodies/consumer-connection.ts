// SPDX-License-Identifier: Apache-2.0
/** Which clients are members of a group, with which subscriptions? Source: ConsumerConnection, Connection. */
import {
  integer,
  list,
  mapOf,
  maybe,
  readBody,
  record,
  type ShapeOf,
  string,
  withDefault,
  writeBody,
} from '../json-shape.ts';
import { consumeFromWhere, consumeType, messageModel } from './heartbeat.ts';
import { subscriptionData } from './subscription.ts';

const consumerConnection = record({
  connectionSet: withDefault(
    list(record({ clientAddr: string, clientId: string, language: maybe(string), version: integer })),
    [],
  ),
  consumeFromWhere: maybe(consumeFromWhere),
  consumeType: maybe(consumeType),
  messageModel: maybe(messageModel),
  /** Subscription by topic. */
  subscriptionTable: withDefault(mapOf(subscriptionData), new Map()),
});

export type ConsumerConnection = ShapeOf<typeof consumerConnection>;

/** @throws ProtocolError `RMQ_BAD_BODY` */
export function parseConsumerConnection(body: Buffer): ConsumerConnection {
  return readBody(consumerConnection, body, 'consumer connection');
}

export function encodeConsumerConnection(connection: ConsumerConnection): Buffer {
  return writeBody(consumerConnection, connection);
}
