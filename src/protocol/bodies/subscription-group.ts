// SPDX-License-Identifier: Apache-2.0
/** How is a consumer group set up on a broker? Source: SubscriptionGroupConfig, protocol.md section 5.4. */
import {
  boolean,
  integer,
  readBody,
  record,
  type ShapeOf,
  string,
  withDefault,
  writeBody,
} from '../json-shape.ts';

const subscriptionGroup = record({
  brokerId: withDefault(integer, 0),
  consumeBroadcastEnable: withDefault(boolean, true),
  consumeEnable: withDefault(boolean, true),
  consumeFromMinEnable: withDefault(boolean, true),
  consumeMessageOrderly: withDefault(boolean, false),
  groupName: string,
  notifyConsumerIdsChangedEnable: withDefault(boolean, true),
  /** Attempts before a message is dead-lettered. */
  retryMaxTimes: withDefault(integer, 16),
  retryQueueNums: withDefault(integer, 1),
  whichBrokerWhenConsumeSlowly: withDefault(integer, 1),
});

export type SubscriptionGroup = ShapeOf<typeof subscriptionGroup>;

export function encodeSubscriptionGroup(group: SubscriptionGroup): Buffer {
  return writeBody(subscriptionGroup, group);
}

/** @throws ProtocolError `RMQ_BAD_BODY` */
export function parseSubscriptionGroup(body: Buffer): SubscriptionGroup {
  return readBody(subscriptionGroup, body, 'subscription group');
}
