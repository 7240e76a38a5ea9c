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

/** Answers of a listener given to `orderly`. Source: ConsumeOrderlyStatus. */
export const OrderlyResult = {
  /** Done. With `context.autoCommit = false`: taken note of, and done with the next COMMIT. The same as returning nothing. */
  SUCCESS: 'SUCCESS',
  /** Done, with everything that SUCCESS kept uncommitted before. */
  COMMIT: 'COMMIT',
  /** Only with `context.autoCommit = false`: everything uncommitted is delivered again, these messages included. */
  ROLLBACK: 'ROLLBACK',
  /** Not done: the same messages are delivered again after a while, and nothing behind them before. The same as throwing. */
  SUSPEND_CURRENT_QUEUE_A_MOMENT: 'SUSPEND_CURRENT_QUEUE_A_MOMENT',
} as const;
export type OrderlyResult = (typeof OrderlyResult)[keyof typeof OrderlyResult];
