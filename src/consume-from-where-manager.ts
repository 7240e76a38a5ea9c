// SPDX-License-Identifier: Apache-2.0
/** Where would a group begin to read a queue, and what does each position mean? For tools, without a consumer. */
import { ConsumeFromWhere } from './config/closed-sets.ts';
import type { ConsumerConfig } from './config/consumer-config.ts';
import { parseConfig } from './config/parse-config.ts';
import type { ResolvedConfig } from './config/resolved-config.ts';
import { systemSources } from './config/sources.ts';
import { GroupClient, type GroupEnvironment } from './group-client.ts';
import { systemClock } from './model/clock.ts';
import type { MessageQueue } from './model/message-queue.ts';
import type { CallOptions } from './stores/offset-store.ts';
import { type StartPosition, StartPositions } from './stores/start-position.ts';

/** Of the options of a consumer those that say where brokers are and where a group begins; docs/configuration.md describes them. */
export type ConsumeFromWhereConfig = Pick<
  ConsumerConfig,
  | 'consumerGroup'
  | 'namesrvAddr'
  | 'namespace'
  | 'tls'
  | 'credentials'
  | 'mapBrokerAddress'
  | 'allowedBrokerAddresses'
  | 'consumeFromWhere'
  | 'consumeTimestamp'
  | 'consumerTimeoutMillisOfRequest'
>;

/** What one value of `consumeFromWhere` means. */
export interface StartStrategy {
  readonly name: ConsumeFromWhere;
  readonly meaning: string;
  readonly useFor: string;
}

/** A place in a queue. `timestamp`: the first message stored at or after it, ms since 1970. */
export type QueuePlace = 'first' | 'last' | { readonly timestamp: number };

const strategies: readonly StartStrategy[] = [
  {
    name: 'CONSUME_FROM_LAST_OFFSET',
    meaning: 'what is sent from now on; all of a queue or topic that appears later',
    useFor: 'groups that need no history',
  },
  {
    name: 'CONSUME_FROM_FIRST_OFFSET',
    meaning: 'everything the broker still has',
    useFor: 'groups that rebuild their state from all messages',
  },
  {
    name: 'CONSUME_FROM_TIMESTAMP',
    meaning: 'everything stored at or after consumeTimestamp',
    useFor: 'groups that begin at a known time',
  },
];

/**
 * Asks brokers where a group would begin; commits nothing and is no member.
 * @example
 * await using manager = new ConsumeFromWhereManager({ consumerGroup: 'billing', namesrvAddr: '127.0.0.1:9876' });
 * const { offset, source } = await manager.resolve({ topic: 'orders', brokerName: 'broker-a', queueId: 0 });
 */
export class ConsumeFromWhereManager implements AsyncDisposable {
  readonly #config: ResolvedConfig;
  readonly #client: GroupClient;
  readonly #positions: StartPositions;
  #round = 0;

  /** @throws ConfigError `RMQ_CONFIG_INVALID` listing every problem */
  constructor(config: ConsumeFromWhereConfig, environment: GroupEnvironment = {}) {
    this.#config = parseConfig(config, systemSources());
    this.#client = new GroupClient(this.#config, environment);
    this.#positions = new StartPositions(this.#client.positions, environment.clock ?? systemClock);
  }

  /**
   * Where the group would begin now, and why: its committed offset, the beginning when it knows the topic already, else what
   * `consumeFromWhere` says.
   * @throws RocketmqError `RMQ_OFFSET_UNKNOWN`, `RMQ_NO_PERMISSION`, `RMQ_TOPIC_NOT_FOUND`
   */
  async resolve(queue: MessageQueue, options: CallOptions = {}): Promise<StartPosition> {
    const { consumeFromWhere, consumeTimestamp } = this.#config;
    const siblings = await this.#client.queuesOf(queue.topic, options);
    return this.#positions.resolve({
      ...{ ...options, queue, consumeFromWhere, consumeTimestamp, siblings },
      appearedAfterStart: false,
      round: ++this.#round,
    });
  }

  /** The offset of a place in a queue, whatever the group has committed. @throws RocketmqError what the broker or the network said */
  async offsetAt(queue: MessageQueue, place: QueuePlace, options: CallOptions = {}): Promise<number> {
    const { positions } = this.#client;
    if (place === 'first') return positions.minOffset(queue, options);
    if (place === 'last') return positions.maxOffset(queue, options);
    return positions.searchOffset(queue, place.timestamp, options);
  }

  /** Whether this is a value of `consumeFromWhere`. */
  isSupported(strategy: string): strategy is ConsumeFromWhere {
    return Object.hasOwn(ConsumeFromWhere, strategy);
  }

  /** undefined: there is no such value. */
  getInfo(strategy: string): StartStrategy | undefined {
    return strategies.find(({ name }) => name === strategy);
  }

  /** Every value of `consumeFromWhere`, with what it means and what it is for. */
  getSupported(): readonly StartStrategy[] {
    return strategies;
  }

  /** Hangs up. Never rejects. */
  async close(): Promise<void> {
    await this.#client.close();
  }

  /** As {@link close}. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
