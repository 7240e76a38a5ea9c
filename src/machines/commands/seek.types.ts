// SPDX-License-Identifier: Apache-2.0
/** What does the actor of one seek take, know and tell? */
import type { RocketmqError } from '../../errors/errors.ts';
import type { CommandTicket } from '../../model/command-ticket.ts';
import type { MessageQueue } from '../../model/message-queue.ts';
import type { QueueOffset } from '../../model/queue-offset.ts';
import type { Seek } from '../pull/pull.types.ts';
import type { Receiver } from '../shared/refs.ts';
import type { FaultEvent } from '../shared/safe.ts';
import type { SeekCommand } from './work-command.ts';

/** Needed from outside. Each call has its own time limit. */
export interface SeekPort {
  /** The first offset that is stored (31). */
  minOffset(queue: MessageQueue, signal: AbortSignal): Promise<QueueOffset>;
  /** The offset the next message will get (30). */
  maxOffset(queue: MessageQueue, signal: AbortSignal): Promise<QueueOffset>;
  /** The first offset stored at or after a time (29). Unit: ms since 1970. */
  offsetAt(queue: MessageQueue, timestamp: number, signal: AbortSignal): Promise<QueueOffset>;
  /** Hands over where the queue stands by an answered call. */
  confirmPlace(queue: MessageQueue, signal: AbortSignal): Promise<void>;
}

export interface SeekWork extends SeekCommand {
  readonly reason: Seek['reason'];
}

export interface SeekInput {
  readonly work: SeekWork;
  readonly port: SeekPort;
  /** Heard once. */
  readonly ticket: CommandTicket;
  readonly random: () => number;
  readonly parent: Receiver<SeekDecided>;
  /** Who keeps the order of commands. */
  readonly keeper: Receiver<SeekLasts>;
}

export interface SeekContext extends SeekInput {
  readonly offset: QueueOffset | undefined;
  /** Failed commits so far. */
  readonly failures: number;
  readonly error: RocketmqError | undefined;
}

export type SeekEvent =
  /** The queue has begun anew at the place. */
  | { readonly type: 'seek.moved' }
  | { readonly type: 'seek.refused'; readonly error: RocketmqError }
  /** It is no longer ours. */
  | { readonly type: 'queue.left' }
  | FaultEvent;

/** To the consumer, which knows where the queue's actor is. */
export interface SeekDecided extends Seek {
  readonly type: 'seek.decided';
  readonly queue: MessageQueue;
  readonly ticket: CommandTicket;
}

/** The queue may not be moved yet, and nobody knows how long that takes. A later seek would take its place there. */
export interface SeekLasts {
  readonly type: 'seek.lasts';
  readonly queue: MessageQueue;
}
