// SPDX-License-Identifier: Apache-2.0
/** How does a user say what to do with messages? `concurrently(fn)` and `simple(fn)` make the listener a config takes. */
import type { ConsumeResult } from '../model/consume-result.ts';
import type { MessageExt } from '../model/message.ts';
import type { MessageQueue } from '../model/message-queue.ts';

/** At least one message; all of one queue, in the order of their offsets. */
export type MessageBatch = readonly [MessageExt, ...MessageExt[]];

/** What a listener is told beside the messages, and what it may set. Source: ConsumeConcurrentlyContext. */
export interface ConsumeContext {
  readonly queue: MessageQueue;
  /** Which delivery of the first message this is: 1 for the first. */
  readonly attempt: number;
  /**
   * Index of the last message that is done when the listener answers SUCCESS; those behind it are delivered again.
   * Default: all of them. -1: none.
   */
  ackIndex: number;
  /** Delay level of the next delivery: 0 the broker decides (default), 1 to 18 that level, -1 straight to the dead letters. */
  delayLevelWhenNextConsume: number;
  /** Room for what hooks and listeners want to hand on during one delivery. */
  readonly attributes: Map<string, unknown>;
  /** Aborted when the queue is revoked and its grace has passed, and at a forced stop: stop working, the result no longer counts. */
  readonly signal: AbortSignal;
}

export type ConsumeAnswer = ConsumeResult | undefined;

// void lets a listener simply end; the runtime treats it as SUCCESS like undefined
// biome-ignore lint/suspicious/noConfusingVoidType: an async function without a return is the commonest listener
export type ConsumeReturn = ConsumeAnswer | void | PromiseLike<ConsumeAnswer | void>;

export type ConsumeMessages = (messages: MessageBatch, context: ConsumeContext) => ConsumeReturn;
export type ConsumeMessage = (message: MessageExt, context: ConsumeContext) => ConsumeReturn;

/** A listener with a class or object behind it. Source: MessageListenerConcurrently. */
export interface MessageListener {
  consumeMessage(messages: MessageBatch, context: ConsumeContext): ConsumeReturn;
}

declare const listenerBrand: unique symbol;

/** What `subscriptions[].listener` and `listener` take; made by {@link concurrently} or {@link simple}. */
export interface Listener {
  readonly kind: 'concurrently';
  /** One message a call, whatever consumeMessageBatchMaxSize says. */
  readonly oneByOne: boolean;
  readonly consume: ConsumeMessages;
  readonly [listenerBrand]: true;
}

const listeners = new WeakSet<object>();

/**
 * Messages of one queue may be handled side by side, in any order.
 * Returning nothing or SUCCESS means done; throwing, rejecting, RECONSUME_LATER or anything else means once more later.
 * @example concurrently(async messages => { for (const message of messages) await book(message); })
 */
export function concurrently(listener: ConsumeMessages | MessageListener): Listener {
  const consume: ConsumeMessages =
    typeof listener === 'function'
      ? listener
      : (messages, context) => listener.consumeMessage(messages, context);
  return makeListener(consume, false);
}

/**
 * The shortest form: one message at a time for each call, calls side by side.
 * @example simple(async message => { await book(message); })
 */
export function simple(consumeMessage: ConsumeMessage): Listener {
  return makeListener((messages, context) => consumeMessage(messages[0], context), true);
}

function makeListener(consume: ConsumeMessages, oneByOne: boolean): Listener {
  const listener = { kind: 'concurrently', oneByOne, consume } as Listener; // the brand exists in the types only
  listeners.add(listener);
  return listener;
}

/** Whether a value was made by {@link concurrently} or {@link simple}. */
export function isListener(value: unknown): value is Listener {
  return typeof value === 'object' && value !== null && listeners.has(value);
}
