// SPDX-License-Identifier: Apache-2.0
/** What is a failed message on its way back, which way does it go, and who waits for the outcome? */
import type { FailedMessage } from '../../listeners/dispatcher.ts';
import type { MessageQueue } from '../../model/message-queue.ts';

/** Ends in exactly one of the two calls. */
export interface SendBackJob {
  readonly queue: MessageQueue;
  readonly failed: FailedMessage;
  /** The broker or the retry topic has it, or it is let go of: the offset may pass. */
  readonly settle: (failed: FailedMessage) => void;
  /** Nobody took it: deliver it once more from here. */
  readonly redeliver: (failed: FailedMessage) => void;
}

/** `maxReconsumeTimes`: it failed that often. `listener`: its handler set a negative level. `retryPolicy`: that said so. */
export type DeadLetterReason = 'maxReconsumeTimes' | 'listener' | 'retryPolicy';

/** Where a message is handed to. */
export type ReturnWay =
  /** Delivered again after the delay of that level; 0: the broker decides. */
  | { readonly kind: 'retry'; readonly delayLevel: number }
  /** To `%DLQ%group`, and not delivered again. */
  | { readonly kind: 'deadLetter'; readonly reason: DeadLetterReason };

export type Way = ReturnWay | { readonly kind: 'drop' };

/** A message that is on its way. */
export interface Returning {
  readonly job: SendBackJob;
  readonly way: ReturnWay;
}
