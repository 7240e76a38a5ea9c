// SPDX-License-Identifier: Apache-2.0
/** What does the consume actor of one queue take, know and tell? */
import type { RocketmqError } from '../../errors/errors.ts';
import type { OwnedQueue } from '../../flow/owned-queue.ts';
import type { ConcurrentDispatcher, FailedMessage } from '../../listeners/concurrent-dispatcher.ts';
import type { HandlerSlots } from '../../listeners/handler-slots.ts';
import type { Listener } from '../../listeners/listener.ts';
import type { MessageExt } from '../../model/message.ts';
import type { Receiver } from '../shared/refs.ts';
import type { FaultEvent } from '../shared/safe.ts';

/** Needed from outside. */
export interface ConsumePort {
  /** The listener of the topic a message was first sent to. */
  listenerOf(message: MessageExt): Listener;
  /** False while membership is in doubt: nothing is delivered. */
  mayDeliver(): boolean;
  /** Aborted when the whole consumer is over: a part of every listener's signal. */
  readonly stopSignal: AbortSignal;
  /** Failed messages go to whoever hands them back; each comes back through exactly one of the two calls. */
  sendBack(
    failed: readonly FailedMessage[],
    settle: (failed: FailedMessage) => void,
    redeliver: (failed: FailedMessage) => void,
  ): void;
}

export interface ConsumeInput {
  readonly owned: OwnedQueue<MessageExt>;
  readonly port: ConsumePort;
  readonly slots: HandlerSlots;
  /** Most messages in one listener call. */
  readonly batchSize: number;
  readonly suspended: boolean;
  readonly parent: Receiver<ConsumeReport>;
}

export interface ConsumeContext extends ConsumeInput {
  readonly dispatcher: ConcurrentDispatcher;
  /** How long running listeners get once the queue is given up. Unit: ms. */
  readonly grace: number;
}

export type ConsumeEvent =
  /** The first message after none was held. */
  | { readonly type: 'work.arrived' }
  /** While draining: the last held message was done. */
  | { readonly type: 'work.drained' }
  | { readonly type: 'queue.suspend' }
  | { readonly type: 'queue.resume' }
  /** Drop what has not started, wait up to `grace` ms for what runs. */
  | { readonly type: 'queue.drain'; readonly grace: number }
  | FaultEvent;

/** To the queue actor. */
export type ConsumeReport = { readonly type: 'consume.misused'; readonly error: RocketmqError } | FaultEvent;

export interface ConsumeOutput {
  /** Messages whose handling had not ended when the grace was over. */
  readonly abandoned: number;
}
