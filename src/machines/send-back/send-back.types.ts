// SPDX-License-Identifier: Apache-2.0
/** What does the actor that hands failed messages back take, know, need and tell? */
import type { RocketmqError } from '../../errors/errors.ts';
import type { MessageQueue } from '../../model/message-queue.ts';
import type { Receiver } from '../shared/refs.ts';
import type { FaultEvent } from '../shared/safe.ts';
import type { JobBoard } from './job-board.ts';
import type { SendBackJob } from './send-back-job.ts';

/** Needed from outside; both have their own time limit and reject when the message was not accepted. */
export interface SendBackPort {
  /** Hands it to the broker that stores it (36). */
  sendBack(job: SendBackJob, signal: AbortSignal): Promise<void>;
  /** Sends a copy to the group's retry topic. */
  sendToRetryTopic(job: SendBackJob, signal: AbortSignal): Promise<void>;
}

export interface SendBackInput {
  readonly port: SendBackPort;
  /** Pause before a message nobody took is delivered again from here. Unit: ms. */
  readonly localRetryPause: number;
  /** When a round is given up although the port's own time limits did not end it: well above those. Unit: ms. Default 30000. */
  readonly roundLimit?: number;
  readonly parent: Receiver<SendBackReport>;
}

export interface SendBackContext extends SendBackInput {
  readonly board: JobBoard;
  readonly roundLimit: number;
}

export interface MessagesFailed {
  readonly type: 'messages.failed';
  readonly jobs: readonly SendBackJob[];
}

export type SendBackEvent = MessagesFailed | FaultEvent;

export type SendBackReport =
  | {
      readonly type: 'message.returned';
      readonly queue: MessageQueue;
      readonly msgId: string;
      readonly attempt: number;
      readonly delayLevel: number;
      readonly error: RocketmqError | undefined;
    }
  | FaultEvent;
