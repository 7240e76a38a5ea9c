// SPDX-License-Identifier: Apache-2.0
/** Which listener gets the messages of a queue, and how many at once? The config says it by topic; retried messages of all topics share a queue. */
import type { ResolvedConfig } from '../../config/resolved-config.ts';
import { ConsumerError } from '../../errors/errors.ts';
import type { Listener } from '../../listeners/listener.ts';
import type { MessageExt } from '../../model/message.ts';
import type { MessageQueue } from '../../model/message-queue.ts';
import { isRetryTopic } from '../../model/names.ts';

export class ListenerChoice {
  readonly #config: ResolvedConfig;
  readonly #byTopic: ReadonlyMap<string, Listener | undefined>;
  readonly #all: ReadonlySet<Listener>;

  constructor(config: ResolvedConfig) {
    this.#config = config;
    this.#byTopic = new Map(
      config.subscriptions.map(({ topic, listener }) => [topic, listener ?? config.listener]),
    );
    this.#all = new Set([...this.#byTopic.values(), config.listener].filter(each => each !== undefined));
  }

  /** In a retry queue messages of several topics meet; elsewhere the listener is known beforehand. */
  ofQueue({ topic }: MessageQueue): (message: MessageExt) => Listener {
    if (isRetryTopic(topic)) return message => this.#ofTopic(message.topic);
    const listener = this.#ofTopic(topic);
    return () => listener;
  }

  /** Most messages in one call. Those of several listeners meet in the retry queue, one by one. */
  batchSize({ topic }: MessageQueue): number {
    if (isRetryTopic(topic) && this.#all.size > 1) return 1;
    const listener = this.#find(topic) ?? [...this.#all][0];
    return listener?.oneByOne === true ? 1 : this.#config.consumeMessageBatchMaxSize;
  }

  #ofTopic(topic: string): Listener {
    const listener = this.#find(topic);
    if (listener !== undefined) return listener;
    throw new ConsumerError('RMQ_LISTENER_FAILED', `no listener for topic ${topic}`, { context: { topic } });
  }

  #find(topic: string): Listener | undefined {
    return this.#byTopic.get(topic) ?? this.#config.listener;
  }
}
