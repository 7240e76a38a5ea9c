// SPDX-License-Identifier: Apache-2.0
/** What does the consume actor of a queue want of the plain code that calls the listener, whatever the order? */
import type { RocketmqError } from '../errors/errors.ts';
import type { Epoch } from '../flow/owned-queue.ts';
import type { Ticket } from '../flow/process-queue.ts';
import type { MessageExt } from '../model/message.ts';

/** A message whose handling failed: it keeps its place, and the offset waits, until somebody settles it. */
export interface FailedMessage {
  readonly epoch: Epoch;
  readonly ticket: Ticket;
  readonly message: MessageExt;
  /** As the listener's context said: 0 the broker decides, 1–18 that level, -1 dead letter. */
  readonly delayLevel: number;
  readonly error: RocketmqError | undefined;
}

/** Starts listener calls and follows what becomes of them. Nobody else calls the listener of this queue. */
export interface Dispatcher {
  readonly isOpen: boolean;
  /** A call runs, or may start: somebody has to {@link sweep}. */
  readonly isAtWork: boolean;
  /** Calls whose slot was not given back yet. */
  readonly runningCalls: number;
  /** A call runs that is older than consumeTimeout. */
  readonly hasStuck: boolean;
  /** Messages that are with a listener or on their way back. */
  readonly pending: number;
  /** Orderly: something was to be delivered again after a pause that is not over. */
  readonly isResting: boolean;
  /** Orderly: whether a call may start as far as others are concerned who might have the queue. */
  lockIsLive(): boolean;
  /** Lets calls start, and starts what waits. */
  open(): void;
  /** No further call starts; running ones go on. */
  close(): void;
  /** Messages came in. */
  noteArrival(): void;
  /** Starts calls until nothing waits or no slot is free. */
  pump(): void;
  /** The time for which messages waited for a batch to fill is over. */
  gathered(): void;
  /**
   * Looks for calls older than consumeTimeout; `awakeMs`: of AwakeTime. Concurrent ones are given up: their messages failed,
   * and whatever they answer counts for nothing. Orderly ones hold their lane. Both give their slot back.
   */
  sweep(awakeMs: number): void;
  /** Orderly: the pause with this number is over. */
  wake(rest: number): void;
  /**
   * The queue is given up: drops what has not started. `mayFinish`: calls may still start for messages that lie before
   * one that was started, so that less is delivered twice by the next owner.
   */
  drop(mayFinish: boolean): void;
  /** Calls once, when nothing is {@link Dispatcher.pending} any more: at once if so. */
  whenDrained(onDrained: () => void): void;
  /** Aborts the signal of running calls, for good. Nobody waits for their results any more; they may still come. */
  abort(reason: Error): void;
  /** A failed message was handed back to the broker: it is done here. */
  settle(failed: FailedMessage): void;
  /** A failed message could not be handed back: it is delivered once more from here. */
  redeliver(failed: FailedMessage): void;
}
