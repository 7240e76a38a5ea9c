// SPDX-License-Identifier: Apache-2.0
/** Which topics has a broker, with how many queues, and how do they come to be? Source: TopicConfigManager. */
import { scheduleTopic, templateTopic } from './topic-rules.ts';

/** Bits of a topic's permission. Source: PermName. */
export const topicPerm = { read: 4, write: 2, inherit: 1 } as const;

const readWrite = topicPerm.read | topicPerm.write;

export interface TopicConfig {
  readonly topic: string;
  readonly readQueueNums: number;
  readonly writeQueueNums: number;
  /** Bits: see {@link topicPerm}. */
  readonly perm: number;
}

export interface TopicShape {
  /** Queues that may be written. */
  readonly queues: number;
  /** Queues that may be read. Default: as many. */
  readonly readQueues?: number;
  /** Default: as it was, else readable and writable. */
  readonly perm?: number;
}

export interface TopicTableOptions {
  readonly autoCreateTopicEnable: boolean;
  readonly defaultTopicQueueNums: number;
  /** How many delay levels there are: a queue for each. */
  readonly delayLevels: number;
  readonly onChanged: () => void;
  readonly onRemoved: (topic: string) => void;
}

export class TopicTable {
  readonly #topics = new Map<string, TopicConfig>();
  readonly #options: TopicTableOptions;

  constructor(options: TopicTableOptions) {
    this.#options = options;
    this.#put(scheduleTopic, { queues: options.delayLevels, perm: readWrite });
    if (options.autoCreateTopicEnable) {
      this.#put(templateTopic, {
        queues: options.defaultTopicQueueNums,
        perm: readWrite | topicPerm.inherit,
      });
    }
  }

  /** All, also those the broker made for itself, in the order they were made. */
  names(): readonly string[] {
    return [...this.#topics.keys()];
  }

  get(topic: string): TopicConfig | undefined {
    return this.#topics.get(topic);
  }

  /**
   * Makes a topic, or changes it. Messages of queues it no longer has stay where they are.
   * @example
   * topics.set('orders', { queues: 8 });
   */
  set(topic: string, shape: TopicShape): TopicConfig {
    const before = this.#topics.get(topic);
    const config = this.#put(topic, { ...shape, perm: shape.perm ?? before?.perm ?? readWrite });
    const isSame =
      before?.perm === config.perm &&
      before.readQueueNums === config.readQueueNums &&
      before.writeQueueNums === config.writeQueueNums;
    if (!isSame) this.#options.onChanged();
    return config;
  }

  /** With its messages and offsets. */
  remove(topic: string): void {
    if (!this.#topics.delete(topic)) return;
    this.#options.onRemoved(topic);
    this.#options.onChanged();
  }

  /** The topic, made with so many queues if it is not there: a group's retry and dead-letter topics. */
  ensure(topic: string, queues: number): TopicConfig {
    return this.#topics.get(topic) ?? this.set(topic, { queues });
  }

  /**
   * The topic, made as `defaultTopic` is if that one hands its shape on; undefined when neither is possible.
   * Source: createTopicInSendMessageMethod.
   * @param wanted queues the producer asks for, of which the template's number is the most it gets
   */
  ensureBySend(topic: string, defaultTopic: string, wanted: number): TopicConfig | undefined {
    const found = this.#topics.get(topic);
    if (found !== undefined) return found;
    const template = this.#topics.get(defaultTopic);
    if (template === undefined || (template.perm & topicPerm.inherit) === 0) return undefined;
    const queues = Math.max(0, Math.min(wanted, template.writeQueueNums));
    return this.set(topic, { queues, perm: template.perm & ~topicPerm.inherit });
  }

  #put(
    topic: string,
    { queues, readQueues = queues, perm }: Required<Pick<TopicShape, 'perm'>> & TopicShape,
  ): TopicConfig {
    const config = { topic, readQueueNums: readQueues, writeQueueNums: queues, perm };
    this.#topics.set(topic, config);
    return config;
  }
}
