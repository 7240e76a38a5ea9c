// SPDX-License-Identifier: Apache-2.0
/** Which words may an option take? RocketMQ's own strings. */

/** Who gets a message: one member of the group, or every one. Source: MessageModel. */
export const MessageModel = {
  /** Each message goes to one member of the group. */
  CLUSTERING: 'CLUSTERING',
  /** Each member gets every message, and keeps its offsets in a local file. */
  BROADCASTING: 'BROADCASTING',
} as const;
export type MessageModel = (typeof MessageModel)[keyof typeof MessageModel];

/** Where a group that is new to a topic begins. Source: ConsumeFromWhere. */
export const ConsumeFromWhere = {
  /** With what is sent from now on. */
  CONSUME_FROM_LAST_OFFSET: 'CONSUME_FROM_LAST_OFFSET',
  /** With the oldest message the brokers still keep. */
  CONSUME_FROM_FIRST_OFFSET: 'CONSUME_FROM_FIRST_OFFSET',
  /** With the first message stored at or after `consumeTimestamp`. */
  CONSUME_FROM_TIMESTAMP: 'CONSUME_FROM_TIMESTAMP',
} as const;
export type ConsumeFromWhere = (typeof ConsumeFromWhere)[keyof typeof ConsumeFromWhere];

/** What an orderly listener gets in order. */
export const OrderBy = {
  /** The messages of a queue, one batch after the other. */
  queue: 'queue',
  /** The messages of a sharding key; different keys of a queue side by side. */
  shardingKey: 'shardingKey',
} as const;
export type OrderBy = (typeof OrderBy)[keyof typeof OrderBy];

/** How a queue goes from one member to the next. */
export const Handover = {
  /** The next owner waits until the former has finished and committed. */
  fenced: 'fenced',
  /** As Java does: the next owner does not wait. */
  none: 'none',
} as const;
export type Handover = (typeof Handover)[keyof typeof Handover];

/** From which level on something is logged. */
export const LogLevel = {
  trace: 'trace',
  debug: 'debug',
  info: 'info',
  warn: 'warn',
  error: 'error',
  silent: 'silent',
} as const;
export type LogLevel = (typeof LogLevel)[keyof typeof LogLevel];
