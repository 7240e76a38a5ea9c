// SPDX-License-Identifier: Apache-2.0
/** What do the actors that hand failed messages back take, know, need and tell? */
import type { ErrorActorEvent } from 'xstate';
import type { RocketmqError } from '../../errors/errors.ts';
import type { MessageQueue } from '../../model/message-queue.ts';
import type { Hidden } from '../shared/hidden.ts';
import type { Receiver } from '../shared/refs.ts';
import type { FaultEvent } from '../shared/safe.ts';
import type { BrokerBoard, BrokerBoards, LocalBoard } from './job-board.ts';
import type { Decision } from './send-back.logic.ts';
import type { Returning, SendBackJob, Way } from './send-back-job.ts';

/** Needed from outside; the two sends have their own time limit and reject when the message was not accepted. */
export interface SendBackPort {
  /** What is to become of it. */
  decide(job: SendBackJob): Decision;
  /** Hands it to the broker that stores it (36). */
  sendBack(message: Returning, signal: AbortSignal): Promise<void>;
  /** Sends a copy to the group's retry topic, from where a dead letter goes on to the dead letters. */
  sendToRetryTopic(message: Returning, signal: AbortSignal): Promise<void>;
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
  readonly roundLimit: number;
  readonly boards: BrokerBoards;
  readonly local: LocalBoard;
  /** By broker name. */
  readonly senders: Hidden<ReadonlyMap<string, Receiver<BrokerReturnsEvent>>>;
}

export interface MessagesFailed {
  readonly type: 'messages.failed';
  readonly jobs: readonly SendBackJob[];
}

/** Some wait on the local board now. */
export interface MessagesLeft {
  readonly type: 'messages.left';
}

export type SendBackEvent = MessagesFailed | MessagesLeft | ErrorActorEvent | FaultEvent;

export type SendBackReport =
  /** What a failed message has become. */
  | {
      readonly type: 'message.returned';
      readonly queue: MessageQueue;
      readonly msgId: string;
      /** How often it was delivered so far. */
      readonly attempt: number;
      /** A retry carries the level its broker uses, also where that was its own choice. */
      readonly way: Way;
      readonly error: RocketmqError | undefined;
    }
  | FaultEvent;

/** The actor of one broker. */
export interface BrokerReturnsInput {
  readonly port: SendBackPort;
  readonly board: BrokerBoard;
  readonly local: LocalBoard;
  readonly roundLimit: number;
  readonly parent: Receiver<MessagesLeft | FaultEvent>;
  /** Hears what became of messages. */
  readonly reports: Receiver<SendBackReport>;
}

export type BrokerReturnsContext = BrokerReturnsInput;

export type BrokerReturnsEvent =
  /** Some wait on its board, which was empty. */
  { readonly type: 'messages.waiting' } | FaultEvent;
