// SPDX-License-Identifier: Apache-2.0
/** What may a listener answer? RocketMQ's own words. */

/** Answers of a listener given to `concurrently` or `simple`. Source: ConsumeConcurrentlyStatus. */
export const ConsumeResult = {
  /** Done: the offset may pass these messages. The same as returning nothing. */
  SUCCESS: 'CONSUME_SUCCESS',
  /** Not done: the broker delivers them again later. The same as throwing. */
  RECONSUME_LATER: 'RECONSUME_LATER',
} as const;
export type ConsumeResult = (typeof ConsumeResult)[keyof typeof ConsumeResult];
