// SPDX-License-Identifier: Apache-2.0
/** What is a failed message on its way back, and who waits for the outcome? */
import type { FailedMessage } from '../../listeners/dispatcher.ts';
import type { MessageQueue } from '../../model/message-queue.ts';

/** Ends in exactly one of the two calls. */
export interface SendBackJob {
  readonly queue: MessageQueue;
  readonly failed: FailedMessage;
  /** The broker or the retry topic has it: the offset may pass. */
  readonly settle: (failed: FailedMessage) => void;
  /** Nobody took it: deliver it once more from here. */
  readonly redeliver: (failed: FailedMessage) => void;
}
