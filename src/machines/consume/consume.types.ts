// SPDX-License-Identifier: Apache-2.0
/** What does the consume actor of one queue take, know and tell? */
import type { RocketmqError } from '../../errors/errors.ts';
import type { OwnedQueue } from '../../flow/owned-queue.ts';
import type { CallWatch } from '../../listeners/call-watch.ts';
import type { Dispatcher, FailedMessage } from '../../listeners/dispatcher.ts';
import type { HandlerSlots } from '../../listeners/handler-slots.ts';
import type { Listener } from '../../listeners/listener.ts';
import type { OutlivedCalls } from '../../listeners/outlived-calls.ts';
import type { MessageExt } from '../../model/message.ts';
import type { Receiver } from '../shared/refs.ts';
import type { FaultEvent } from '../shared/safe.ts';

/** Needed from outside. */
export interface ConsumePort {
  /** The listener of the topic a message was first sent to; its kind is the one of {@link ConsumeInput.order}. */
  listenerOf(message: MessageExt): Listener;
  /** False while membership is in doubt: nothing is delivered. */
  mayDeliver(): boolean;
  /** Orderly: false when the lock is not known to be ours. Concurrent: true. */
  lockIsLive(): boolean;
  /** Monotonic ms. */
  now(): number;
  /** Ms for which this process has been at work: one AwakeTime for all queues of the consumer. */
  awakeMs(): number;
  /** Aborted when the whole consumer is over: a part of every listener's signal. */
  readonly stopSignal: AbortSignal;
  /** Counts what calls of this queue came to. */
  readonly watch?: CallWatch | undefined;
  /** One for all queues of the consumer: which calls outlived the assignment they belong to. */
  readonly outlived: OutlivedCalls;
  /** Failed messages go to whoever hands them back; each comes back through exactly one of the two calls. */
  sendBack(
    failed: readonly FailedMessage[],
    settle: (failed: FailedMessage) => void,
    redeliver: (failed: FailedMessage) => void,
  ): void;
}

/** `queue`: one listener call at a time. `shardingKey`: one at a time for each key. */
export type ConsumeOrder = 'concurrent' | 'queue' | 'shardingKey';

export interface ConsumeInput {
  readonly owned: OwnedQueue<MessageExt>;
  readonly port: ConsumePort;
  readonly slots: HandlerSlots;
  readonly order: ConsumeOrder;
  /** Most messages in one listener call. */
  readonly batchSize: number;
  /** How long messages wait for so many to be there. Unit: ms. */
  readonly batchMaxWaitMs: number;
  /** When a listener call counts as stuck. Unit: ms. */
  readonly consumeTimeoutMs: number;
  /** Orderly: pause before failed messages are delivered again, unless the listener says otherwise. Unit: ms. */
  readonly suspendMs: number;
  /** Orderly: failed deliveries after which a message goes to the dead letters with the next failure; -1 never. */
  readonly maxReconsumeTimes: number;
  readonly suspended: boolean;
  readonly parent: Receiver<ConsumeReport>;
}

export interface ConsumeContext extends ConsumeInput {
  readonly dispatcher: Dispatcher;
  /** How long messages still wait for a batch to fill. Unit: ms. */
  readonly batchWait: number;
  /** How long running listeners get once the queue is given up. Unit: ms. */
  readonly grace: number;
}

/** Fewer messages wait than make a batch; after `ms` they are delivered all the same. */
export interface BatchGathering {
  readonly type: 'batch.gathering';
  readonly ms: number;
}

/** Orderly: the lane of a failed listener call, number `rest` of those that rest, goes on after `ms`. */
export interface LaneRested {
  readonly type: 'lane.rested';
  readonly rest: number;
  readonly ms: number;
}

export type ConsumeEvent =
  /** The first message after none was held. */
  | { readonly type: 'work.arrived' }
  /** Calls may start from now on. */
  | { readonly type: 'delivery.opened' }
  | BatchGathering
  /** While draining: the last held message was done. */
  | { readonly type: 'work.drained' }
  /** Orderly: a call is due, and the lock is not known to be ours. */
  | { readonly type: 'lock.missed' }
  | LaneRested
  /** That time has passed. */
  | { readonly type: 'rest.over'; readonly rest: number }
  | { readonly type: 'queue.suspend' }
  | { readonly type: 'queue.resume' }
  /** Drop what has not started, wait up to `grace` ms for what runs. */
  | { readonly type: 'queue.drain'; readonly grace: number }
  | FaultEvent;

/** To the queue actor. */
export type ConsumeReport =
  | { readonly type: 'consume.misused'; readonly error: RocketmqError }
  /** The listener call of this message is older than consumeTimeout; told once. */
  | { readonly type: 'consume.stuck'; readonly msgId: string; readonly runningMs: number }
  | FaultEvent;

export interface ConsumeOutput {
  /**
   * Messages whose handling had not ended when the grace was over. Orderly: those of a call that runs since a former
   * epoch count too, so 0 means that no call of this queue runs any more.
   */
  readonly abandoned: number;
}
