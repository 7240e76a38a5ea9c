// SPDX-License-Identifier: Apache-2.0
/** One listener call that may still be running. Reused: it and its callbacks are made once, not once a message. */
import type { Epoch } from '../flow/owned-queue.ts';
import type { Ticket } from '../flow/process-queue.ts';
import type { TimedCall } from './call-watch.ts';
import type { ConcurrentContext } from './consume-context.ts';
import type { MessageBatch } from './listener.ts';

export interface CallEnds {
  answered(call: ListenerCall, answer: unknown): void;
  failed(call: ListenerCall, thrown: unknown): void;
}

/** A call that no sweep has seen yet. */
export const notSeen = -1;

export class ListenerCall {
  epoch: Epoch = 0;
  /** Of the first message; the following ones count up. */
  first: Ticket = 0;
  /** Undefined between two uses, and when the call has ended or was given up. */
  messages: MessageBatch | undefined = undefined;
  context: ConcurrentContext | undefined = undefined;
  /** When a sweep saw it first. Unit: ms of AwakeTime. */
  since = notSeen;
  /** Set for a call that is timed. */
  timed: TimedCall | undefined = undefined;
  readonly onAnswer: (answer: unknown) => void;
  readonly onFailure: (thrown: unknown) => void;

  constructor(ends: CallEnds) {
    this.onAnswer = answer => ends.answered(this, answer);
    this.onFailure = thrown => ends.failed(this, thrown);
  }
}
