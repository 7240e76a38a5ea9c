// SPDX-License-Identifier: Apache-2.0
/** How does a user say what to do with messages? `concurrently(fn)`, `orderly(fn)` and `simple(fn)` make the listener a config takes. */
import type { ConsumeResult, OrderlyResult } from '../model/consume-result.ts';
import type { MessageExt } from '../model/message.ts';
import type { MessageQueue } from '../model/message-queue.ts';

/** At least one message; all of one queue, in the order of their offsets. */
export type MessageBatch = readonly [MessageExt, ...MessageExt[]];

/** What is committed of the queue a call belongs to; the name is pyrocketmq's. */
export interface ContextOffsetStore {
  /** What the broker is known to have; undefined before it is known. */
  readonly committed: number | undefined;
  /** As `context.commit`. */
  commitOffset(offset?: number): void;
}

/** What every listener is told beside the messages, and what it may ask. */
export interface DeliveryContext {
  readonly queue: MessageQueue;
  /** Which delivery of the first message this is: 1 for the first. */
  readonly attempt: number;
  /** Room for what hooks and listeners want to hand on during one delivery. */
  readonly attributes: Map<string, unknown>;
  /**
   * Of this call alone. Aborted when it runs longer than consumeTimeout, when the queue is revoked and its grace has passed,
   * and at a forced stop: stop working. The result no longer counts, but for an orderly call past consumeTimeout.
   */
  readonly signal: AbortSignal;
  /**
   * With `enableAutoCommit: false`: the offset of this queue may be committed up to `offset` (the next one to be consumed),
   * by default past the last message of this call. It follows as soon as everything before it is done, this call's messages
   * included, and travels with the next pull or persist. With automatic commits, and after a seek: nothing changes.
   * @throws RocketmqError `RMQ_UNSAFE_OFFSET` when it is no queue offset
   * @example if (await book(messages)) context.commit();
   */
  commit(offset?: number): void;
  readonly offsetStore: ContextOffsetStore;
}

/** What a concurrent listener is told, and what it may set. Source: ConsumeConcurrentlyContext. */
export interface ConsumeContext extends DeliveryContext {
  /**
   * Index of the last message that is done when the listener answers SUCCESS; those behind it are delivered again.
   * Default: all of them. -1: none.
   */
  ackIndex: number;
  /** Delay level of the next delivery: 0 the broker decides (default), 1 to 18 that level, -1 straight to the dead letters. */
  delayLevelWhenNextConsume: number;
}

/** What an orderly listener is told, and what it may set. Source: ConsumeOrderlyContext. */
export interface OrderlyContext extends DeliveryContext {
  /**
   * Pause before the messages of this call are delivered again. Unit: ms. -1 (default): the option
   * suspendCurrentQueueTimeMillis; anything else is held to 10 to 30000.
   */
  suspendTimeMillis: number;
  /** Default true. False: SUCCESS keeps the messages uncommitted, until COMMIT finishes or ROLLBACK repeats them. */
  autoCommit: boolean;
}

/** What a concurrent listener may answer; nothing counts as SUCCESS. */
export type ConsumeAnswer = ConsumeResult | undefined;

// void lets a listener simply end; the runtime treats it as SUCCESS like undefined
/** What a concurrent listener returns: its answer, at once or by a promise. */
// biome-ignore lint/suspicious/noConfusingVoidType: an async function without a return is the commonest listener
export type ConsumeReturn = ConsumeAnswer | void | PromiseLike<ConsumeAnswer | void>;

/** The function given to `concurrently`. */
export type ConsumeMessages = (messages: MessageBatch, context: ConsumeContext) => ConsumeReturn;
/** The function given to `simple`. */
export type ConsumeMessage = (message: MessageExt, context: ConsumeContext) => ConsumeReturn;

/** A listener with a class or object behind it. Source: MessageListenerConcurrently. */
export interface MessageListener {
  /** As the function given to {@link concurrently}. */
  consumeMessage(messages: MessageBatch, context: ConsumeContext): ConsumeReturn;
}

/** What an orderly listener may answer; `ConsumeResult.SUCCESS` counts as `OrderlyResult.SUCCESS`. */
export type OrderlyAnswer = OrderlyResult | typeof ConsumeResult.SUCCESS | undefined;

/** What an orderly listener returns: its answer, at once or by a promise. */
// biome-ignore lint/suspicious/noConfusingVoidType: as above
export type OrderlyReturn = OrderlyAnswer | void | PromiseLike<OrderlyAnswer | void>;

/** The function given to `orderly`. */
export type ConsumeOrderly = (messages: MessageBatch, context: OrderlyContext) => OrderlyReturn;

/** An orderly listener with a class or object behind it. Source: MessageListenerOrderly. */
export interface OrderlyMessageListener {
  /** As the function given to {@link orderly}. */
  consumeMessage(messages: MessageBatch, context: OrderlyContext): OrderlyReturn;
}

declare const listenerBrand: unique symbol;

/** Made by {@link concurrently} or {@link simple}. */
export interface ConcurrentListener {
  readonly kind: 'concurrently';
  /** One message a call, whatever consumeMessageBatchMaxSize says. */
  readonly oneByOne: boolean;
  /** What the user gave, called with a batch. */
  readonly consume: ConsumeMessages;
  readonly [listenerBrand]: true;
}

/** Made by {@link orderly}. */
export interface OrderlyListener {
  readonly kind: 'orderly';
  readonly oneByOne: boolean;
  /** What the user gave, called with a batch. */
  readonly consume: ConsumeOrderly;
  readonly [listenerBrand]: true;
}

/** What `subscriptions[].listener` and `listener` take; all of one consumer are of one kind. */
export type Listener = ConcurrentListener | OrderlyListener;

const listeners = new WeakSet<object>();

/**
 * Messages of one queue may be handled side by side, in any order.
 * Returning nothing or SUCCESS means done; throwing, rejecting, RECONSUME_LATER or anything else means once more later.
 * @example concurrently(async messages => { for (const message of messages) await book(message); })
 */
export function concurrently(listener: ConsumeMessages | MessageListener): ConcurrentListener {
  const consume: ConsumeMessages =
    typeof listener === 'function'
      ? listener
      : (messages, context) => listener.consumeMessage(messages, context);
  return makeListener({ kind: 'concurrently', oneByOne: false, consume });
}

/**
 * The shortest form: one message at a time for each call, calls side by side.
 * @example simple(async message => { await book(message); })
 */
export function simple(consumeMessage: ConsumeMessage): ConcurrentListener {
  const consume: ConsumeMessages = (messages, context) => consumeMessage(messages[0], context);
  return makeListener({ kind: 'concurrently', oneByOne: true, consume });
}

/**
 * Messages of one queue are handled one batch after the other, in the order they were sent; with the option
 * `orderBy: 'shardingKey'` those of one sharding key are. Returning nothing or SUCCESS means done; throwing, rejecting,
 * SUSPEND_CURRENT_QUEUE_A_MOMENT or anything else means that the same messages come again after a pause
 * (`context.suspendTimeMillis`) and nothing overtakes them. The broker locks a queue for one consumer at a time.
 * Source: MessageListenerOrderly.
 * @example orderly(async (messages, context) => { for (const message of messages) await apply(message); })
 */
export function orderly(listener: ConsumeOrderly | OrderlyMessageListener): OrderlyListener {
  const consume: ConsumeOrderly =
    typeof listener === 'function'
      ? listener
      : (messages, context) => listener.consumeMessage(messages, context);
  return makeListener({ kind: 'orderly', oneByOne: false, consume });
}

function makeListener<Made extends Listener>(parts: Omit<Made, typeof listenerBrand>): Made {
  const listener = { ...parts } as Made; // the brand exists in the types only
  listeners.add(listener);
  return listener;
}

/** Whether a value was made by {@link concurrently}, {@link orderly} or {@link simple}. */
export function isListener(value: unknown): value is Listener {
  return typeof value === 'object' && value !== null && listeners.has(value);
}
