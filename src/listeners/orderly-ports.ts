// SPDX-License-Identifier: Apache-2.0
/** What does the orderly dispatcher of a queue need from outside, and how is it set? */
import type { RocketmqError } from '../errors/errors.ts';
import type { MessageExt } from '../model/message.ts';
import type { CallWatch } from './call-watch.ts';
import type { FailedMessage } from './dispatcher.ts';
import type { OrderlyListener } from './listener.ts';
import type { OutlivedCalls } from './outlived-calls.ts';

export interface OrderlySettings {
  /** Most messages in one listener call. */
  readonly batchSize: number;
  /** How long messages of a lane wait for so many to be there. Unit: ms. */
  readonly batchMaxWaitMs: number;
  /** When a call counts as stuck. Unit: ms. */
  readonly consumeTimeoutMs: number;
  /** Pause before failed messages are delivered again, unless the listener says otherwise. Unit: ms. */
  readonly suspendMs: number;
  /** Failed deliveries after which the next failure leads to the dead letters; -1 never. */
  readonly maxReconsumeTimes: number;
}

export interface OrderlyPorts {
  /** The listener of the topic the message was first sent to. */
  listenerOf(message: MessageExt): OrderlyListener;
  /** Messages with the same answer are handled one batch after the other. */
  laneOf(message: MessageExt): string;
  /** False while membership is in doubt: nothing may be delivered. */
  mayDeliver(): boolean;
  /** False when the queue's lock is not known to be ours. */
  lockIsLive(): boolean;
  /** Aborted when the whole consumer is over. */
  readonly stopSignal: AbortSignal;
  readonly outlived: OutlivedCalls;
  /** A call is due and must not start (see `lockIsLive` of the dispatcher): it is closed until somebody opens it again. */
  onLockMissed(): void;
  /** Wants one `wake` with this number after so many ms. */
  onRest(rest: number, ms: number): void;
  /** Counts what calls came to. */
  readonly watch?: CallWatch | undefined;
  /** Monotonic ms. */
  now(): number;
  /** Messages wait for a batch to fill: wants one `gathered` after so many ms, instead of one it asked for before. */
  onGather(ms: number): void;
  /** A call is older than consumeTimeout; told once for each of its messages. */
  onStuck(message: MessageExt, runningMs: number): void;
  /** Messages that failed too often, to be handed to the dead letters. */
  onFailed(failed: readonly FailedMessage[]): void;
  /** A listener threw, and its messages are delivered again from here; or it is stuck. */
  onListenerError(error: RocketmqError): void;
  /** The listener answered something that is no result; told once for each dispatcher. */
  onMisuse(error: RocketmqError): void;
}
