// SPDX-License-Identifier: Apache-2.0
/** What does the concurrent dispatcher of a queue need from outside, and how is it set? */
import type { RocketmqError } from '../errors/errors.ts';
import type { MessageExt } from '../model/message.ts';
import type { CallWatch } from './call-watch.ts';
import type { FailedMessage } from './dispatcher.ts';
import type { ConcurrentListener } from './listener.ts';

export interface DispatcherSettings {
  /** Most messages in one listener call. */
  readonly batchSize: number;
  /** How long messages wait for so many to be there. Unit: ms. */
  readonly batchMaxWaitMs: number;
  /** When a call counts as stuck. Unit: ms. */
  readonly consumeTimeoutMs: number;
}

export interface DispatcherPorts {
  /** The listener of the topic the message was first sent to. */
  listenerOf(message: MessageExt): ConcurrentListener;
  /** False while membership is in doubt: nothing may be delivered. */
  mayDeliver(): boolean;
  /** Aborted when the whole consumer is over. */
  readonly stopSignal: AbortSignal;
  /** Counts what calls came to. */
  readonly watch?: CallWatch | undefined;
  /** Monotonic ms. */
  now(): number;
  /** Messages wait for a batch to fill: wants one `gathered` after so many ms. */
  onGather(ms: number): void;
  /** A call is older than consumeTimeout; told once for each of its messages. */
  onStuck(message: MessageExt, runningMs: number): void;
  /** Failed messages of one call. */
  onFailed(failed: readonly FailedMessage[]): void;
  /** The listener answered something that is no result; told once for each dispatcher. */
  onMisuse(error: RocketmqError): void;
}
