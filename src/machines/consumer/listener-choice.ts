// SPDX-License-Identifier: Apache-2.0
/** Which listener gets the messages of a queue, and how many at once? Config and subscribe say it by topic; retried messages of all topics share a queue. */
import type { ResolvedConfig } from '../../config/resolved-config.ts';
import { ConsumerError, SubscriptionError } from '../../errors/errors.ts';
import { isListener, type Listener } from '../../listeners/listener.ts';
import type { MessageExt } from '../../model/message.ts';
import type { MessageQueue } from '../../model/message-queue.ts';
import { isRetryTopic } from '../../model/names.ts';
import { orderOf } from './consume-order.ts';

/** Read for every call of a listener: what is put in counts for queues that are open already. */
interface Place {
  listener: Listener | undefined;
}

export class ListenerChoice {
  readonly #config: ResolvedConfig;
  /** A topic that was left keeps its listener: what of it is being retried still comes. */
  readonly #byTopic = new Map<string, Place>();

  constructor(config: ResolvedConfig) {
    this.#config = config;
    for (const { topic, listener } of config.subscriptions)
      this.#byTopic.set(topic, { listener: listener ?? config.listener });
  }

  /** In a retry queue messages of several topics meet; elsewhere the listener is known beforehand. */
  ofQueue({ topic }: MessageQueue): (message: MessageExt) => Listener {
    if (isRetryTopic(topic)) return ({ topic: origin }) => found(this.find(origin), origin);
    const place = this.#placeOf(topic);
    return () => found(place.listener, topic);
  }

  /** Most messages in one call. Those of several listeners meet in the retry queue, one by one. */
  batchSize({ topic }: MessageQueue): number {
    const all = this.#all();
    if (isRetryTopic(topic) && all.size > 1) return 1;
    const listener = this.find(topic) ?? [...all][0];
    return listener?.oneByOne === true ? 1 : this.#config.consumeMessageBatchMaxSize;
  }

  /** The listener a topic has, or would have. */
  find(topic: string): Listener | undefined {
    return this.#byTopic.get(topic)?.listener ?? this.#config.listener;
  }

  /**
   * Whether a topic could be consumed with this listener.
   * @param listener undefined: the one the topic has, or the config's
   * @throws SubscriptionError `RMQ_SUBSCRIPTION_INVALID`: there is none, or it cannot stand beside the others
   */
  check(topic: string, listener: Listener | undefined): void {
    const wanted: unknown = listener ?? this.find(topic); // callers in JavaScript may pass anything
    if (wanted === undefined) {
      throw invalid(
        `${topic} has no listener: give one with the subscribe, or as the option listener`,
        topic,
      );
    }
    if (!isListener(wanted)) {
      throw invalid(`the listener of ${topic} was not made by concurrently, orderly or simple`, topic);
    }
    this.#checkKind(topic, wanted);
    this.#checkBatches(topic, wanted);
  }

  /** From the next call on. `check` comes first. */
  set(topic: string, listener: Listener | undefined): void {
    if (listener !== undefined) this.#placeOf(topic).listener = listener;
  }

  #placeOf(topic: string): Place {
    const known = this.#byTopic.get(topic);
    if (known !== undefined) return known;
    const place: Place = { listener: this.#config.listener };
    this.#byTopic.set(topic, place);
    return place;
  }

  /** What orderly and concurrent members do with a failed message differs, and one group has one way. */
  #checkKind(topic: string, { kind }: Listener): void {
    const wanted = orderOf(this.#config) === 'concurrent' ? 'concurrently' : 'orderly';
    if (kind === wanted) return;
    throw invalid(
      `the listener of ${topic} is made by ${kind}(), those of this consumer by ${wanted === 'orderly' ? 'orderly()' : 'concurrently() or simple()'}`,
      topic,
    );
  }

  /** Open queues keep the size their batches have: a listener must fit it. */
  #checkBatches(topic: string, listener: Listener): void {
    const { consumeMessageBatchMaxSize: most } = this.#config;
    const all = this.#all();
    if (most === 1 || all.size === 0 || all.has(listener)) return;
    const present = this.#byTopic.get(topic)?.listener;
    if (all.size > 1 && (present === undefined || present.oneByOne === listener.oneByOne)) return;
    throw invalid(
      `another listener for ${topic} would get batches made for the present one (consumeMessageBatchMaxSize is ${most}): name it in the config's subscriptions, or tell the topics apart within one listener`,
      topic,
    );
  }

  #all(): ReadonlySet<Listener> {
    const listeners = [...this.#byTopic.values()].map(({ listener }) => listener);
    return new Set([...listeners, this.#config.listener].filter(each => each !== undefined));
  }
}

function found(listener: Listener | undefined, topic: string): Listener {
  if (listener !== undefined) return listener;
  throw new ConsumerError('RMQ_LISTENER_FAILED', `no listener for topic ${topic}`, { context: { topic } });
}

function invalid(message: string, topic: string): SubscriptionError {
  return new SubscriptionError('RMQ_SUBSCRIPTION_INVALID', message, { context: { topic } });
}
