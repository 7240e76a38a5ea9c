// SPDX-License-Identifier: Apache-2.0
/** What is a position in a queue? A whole number of at most 2^53-1, made and checked here only. */
import { RocketmqError } from '../errors/errors.ts';

declare const queueOffsetBrand: unique symbol;

/** A position in a queue: the offset of a message, or the next one to ask for. Unit: messages. */
export type QueueOffset = number & { readonly [queueOffsetBrand]: true };

/**
 * Checks and brands a number as a queue offset.
 * @throws RocketmqError `RMQ_UNSAFE_OFFSET` when it is negative, fractional or past 2^53-1
 */
export function queueOffset(value: number): QueueOffset {
  if (!Number.isSafeInteger(value) || value < 0) {
    throw new RocketmqError('RMQ_UNSAFE_OFFSET', `${value} is not a queue offset`, { context: { value } });
  }
  return value as QueueOffset; // checked above: the one place where the brand is given
}

export const zeroOffset: QueueOffset = queueOffset(0);
