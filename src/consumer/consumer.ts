// SPDX-License-Identifier: Apache-2.0
/** What can be done with a consumer that is a plain object with methods? */
import type { Listener } from '../listeners/listener.ts';
import type { QueueChoice, SeekTarget } from '../machines/commands/work-command.ts';
import type { AssignedQueue, ConsumerEvent, ShutdownReport } from '../machines/consumer/consumer.types.ts';
import type { MessageQueue } from '../model/message-queue.ts';
import type { Selector } from '../model/subscription.ts';
import type { ConsumerActor } from './consumer-actor.ts';
import type { ConsumerHealth } from './health.ts';
import type { ReceivedMessage } from './received-message.ts';
import type { ConsumerStats } from './stats.ts';

/** The handler of one type of event; of all with `'*'`. */
export type EventHandler<Type extends ConsumerEvent['type'] | '*'> = (
  event: Type extends '*' ? ConsumerEvent : Extract<ConsumerEvent, { readonly type: Type }>,
) => void;

/**
 * A consumer, made by `createConsumer`. Every method is a command or a question to {@link Consumer.actor}; what it promises is
 * done when the promise resolves. Commands reject with ConsumerError `RMQ_COMMAND_REFUSED` when the consumer is stopping
 * or stopped, and `RMQ_CONSUMER_STOPPED` when `actor.stop()` ends it meanwhile.
 */
export interface Consumer extends AsyncDisposable {
  /** The XState actor behind it: states, tags, snapshots, inspection. */
  readonly actor: ConsumerActor;

  /**
   * Resolves when it runs. Starting one that runs already does nothing.
   * @throws what made the start fail, once nothing of it is left open: ConnectionError, BrokerError, SubscriptionError or
   *   ConsumerError `RMQ_START_TIMEOUT`; ConsumerError `RMQ_CONSUMER_STOPPED` when it was stopped before
   */
  start(): Promise<void>;
  /**
   * Stops in order and reports what it did; never rejects, one report for all callers.
   * @param options.timeout bounds the whole path. Unit: ms. Default: `shutdownTimeout`
   */
  shutdown(options?: { readonly timeout?: number | undefined }): Promise<ShutdownReport>;
  /** The same as {@link Consumer.shutdown}: `await using consumer = createConsumer(…)`. */
  [Symbol.asyncDispose](): Promise<void>;

  /**
   * Consumes one more topic, before the start or while running; one that is consumed already gets the selector and the
   * listener given here.
   * @param selector default: all messages
   * @param listener default: the one of the config; of the same kind as the others
   * @throws SubscriptionError when topic, selector or listener are refused; ConfigError when nothing would read the topic
   */
  subscribe(topic: string, selector?: Selector, listener?: Listener): Promise<void>;
  /**
   * Other messages of a topic from now on.
   * @throws SubscriptionError `RMQ_SUBSCRIPTION_INVALID`: the topic is not subscribed, or the selector is illegal;
   *   `RMQ_SELECTOR_REFUSED`: the broker refuses it. Nothing changes then
   */
  updateSelector(topic: string, selector: Selector): Promise<void>;
  /** No longer consumes a topic; what is done of it is committed first. */
  unsubscribe(topic: string): Promise<void>;

  /** Keeps queues, heartbeats and commits, but pulls and delivers nothing; running handlers are not waited for. */
  suspend(): Promise<void>;
  /** Goes on after {@link Consumer.suspend}; with a choice, after {@link Consumer.pause}. */
  resume(choice?: QueueChoice): Promise<void>;
  /**
   * Pulls and delivers nothing of one queue, `{ queue }`, or of all queues of a topic, `{ topic }`; running handlers are not
   * waited for.
   * @throws ConsumerError `RMQ_QUEUE_NOT_OWNED`; `RMQ_COMMAND_INVALID` for a topic that is not subscribed
   */
  pause(choice: QueueChoice): Promise<void>;
  /**
   * One queue goes on from another place, and that place is committed. Leaves a halt.
   * @throws ConsumerError `RMQ_OFFSET_OUT_OF_RANGE` with min and max; `RMQ_QUEUE_NOT_OWNED`; `RMQ_CONSUMER_NOT_RUNNING` before the start
   * @example await consumer.seek(queue, { timestamp: Date.now() - 3_600_000 });
   */
  seek(queue: MessageQueue, to: SeekTarget): Promise<void>;
  /**
   * Seeks all queues this consumer owns but those of the retry topic, or those of one topic, to a time. Other members do so
   * for theirs.
   * @param timestamp ms since 1970, or a Date
   */
  resetOffset(timestamp: number | Date, topic?: string): Promise<void>;
  /**
   * Hands over what is done, by an answered call: of all queues, or one, up to an offset. With `enableAutoCommit: false`
   * nothing but this and `context.commit` moves them. With automatic commits everything that is done goes, whatever `offset` says.
   * @throws ConsumerError `RMQ_OFFSET_OUT_OF_RANGE` when the offset lies past a message that is not done
   */
  commit(queue?: MessageQueue, offset?: number): Promise<void>;

  /**
   * The messages as an async iterable, for a consumer without a listener. At most consumeConcurrency messages are out at
   * once; further ones wait in memory up to the limits of flow control, then at the broker. Each counts as being worked on
   * until its `ack()` or `retry()`, and consumeTimeout applies. One loop at a time, begun before the start or later; the
   * consumer is suspended while there is none.
   *
   * Leaving the loop (`break`, `return`, an error) suspends the consumer and sends back what was seen and not acked; what
   * was received and not seen yet comes with the next loop, without counting as an attempt. `shutdown()` ends the loop,
   * and waits for what is not acked yet as it does for running listeners. A consumer that fails ends it with its error.
   * @param options.signal ends a loop that waits, with its reason; one in the middle of a message ends with the next
   * @throws ConfigError when there is a listener; ConsumerError `RMQ_ALREADY_READING` when another loop has not ended
   * @example
   * for await (const message of consumer.messages()) {
   *   await book(message.body);
   *   message.ack();
   * }
   */
  messages(options?: {
    readonly signal?: AbortSignal | undefined;
  }): AsyncIterableIterator<ReceivedMessage, undefined, undefined>;

  /** It has started and does not stop yet; also while it is suspended. */
  isRunning(): boolean;
  /** The queues it owns now; their figures are read live. */
  getAssignedQueues(): readonly AssignedQueue[];
  /** What it has done since the start, and how fast: pulls, messages, times and rates of each topic. */
  getStats(): ConsumerStats;
  /** For a probe: is it consuming, and if not, why? */
  health(): ConsumerHealth;
  /**
   * Tells of events; attach before the start, they are not replayed. What the handler throws becomes a `fault`.
   * @returns detaches it
   * @example consumer.on('message.deadLettered', ({ msgId, reason }) => alarm(msgId, reason));
   */
  on<Type extends ConsumerEvent['type'] | '*'>(type: Type, handler: EventHandler<Type>): () => void;
}
