// SPDX-License-Identifier: Apache-2.0
/** How are a group's offsets read and written by a tool, without a consumer? */
import type { ConsumerConfig } from './config/consumer-config.ts';
import { parseConfig } from './config/parse-config.ts';
import type { ResolvedConfig } from './config/resolved-config.ts';
import { systemSources } from './config/sources.ts';
import { ConfigError, type ConfigProblem, RocketmqError, toRocketmqError } from './errors/errors.ts';
import { GroupClient, type GroupEnvironment } from './group-client.ts';
import { placeWithoutBrokers } from './machines/consumer/offset-place.ts';
import { type Clock, systemClock } from './model/clock.ts';
import type { MessageQueue, QueueKey } from './model/message-queue.ts';
import { queueOffset } from './model/queue-offset.ts';
import type {
  CallOptions,
  OffsetStore,
  OffsetStoreMetrics,
  PersistReport,
  ReadOffsetType,
} from './stores/offset-store.ts';
import { RemoteOffsetStore } from './stores/remote-offset-store.ts';

/** Of the options of a consumer those that an offset store knows; docs/configuration.md describes them. */
export type OffsetStoreConfig = Pick<
  ConsumerConfig,
  | 'consumerGroup'
  | 'namesrvAddr'
  | 'messageModel'
  | 'instanceName'
  | 'clientIp'
  | 'unitName'
  | 'namespace'
  | 'tls'
  | 'credentials'
  | 'mapBrokerAddress'
  | 'allowedBrokerAddresses'
  | 'storePath'
  | 'offsetStore'
  | 'maxOffsetStoreSize'
  | 'persistBatchSize'
  | 'persistConsumerOffsetInterval'
  | 'consumerTimeoutMillisOfRequest'
>;

/** Where a store keeps its offsets, and how much it holds. */
export interface OffsetStoreInfo {
  /** `remote`: at the brokers. `local`: in a file. `custom`: in the config's `offsetStore`. */
  readonly kind: 'remote' | 'local' | 'custom';
  readonly consumerGroup: string;
  readonly clientId: string;
  /** The name servers, the directory, or nothing. */
  readonly place: string;
  /** Queues in memory. */
  readonly entries: number;
  /** Of them those whose offset the store is not known to have. */
  readonly uncommitted: number;
}

/** An offset store by itself. Offsets are the next to be read; memory is written to the store each `persistConsumerOffsetInterval`. */
export interface StandaloneOffsetStore extends AsyncDisposable {
  /** Reads what a local or custom store keeps, and begins to write periodically. @throws RocketmqError when it cannot be read */
  start(): Promise<void>;
  /** Sets the offset in memory; with `increaseOnly` (default true) a lower one changes nothing. @throws RocketmqError `RMQ_UNSAFE_OFFSET`, `RMQ_STORE_FULL` */
  updateOffset(queue: MessageQueue, offset: number, increaseOnly?: boolean): void;
  /**
   * The offset of a queue; undefined when there certainly is none.
   * @param type default MEMORY_FIRST_THEN_STORE
   * @throws RocketmqError when the store could not be asked
   */
  readOffset(queue: MessageQueue, type?: ReadOffsetType, options?: CallOptions): Promise<number | undefined>;
  /** Writes one queue. Resolves when the store has it. @throws RocketmqError what went wrong */
  persist(queue: MessageQueue, options?: CallOptions): Promise<void>;
  /** Writes these queues, by default all. Never rejects: what failed is in the report. */
  persistAll(queues?: readonly MessageQueue[], options?: CallOptions): Promise<PersistReport>;
  /** Forgets a queue in memory; what is stored stays. */
  removeOffset(queue: MessageQueue): void;
  /** A copy of what is in memory, of one topic or of all. */
  cloneOffsetTable(topic?: string): ReadonlyMap<QueueKey, number>;
  /** How reads and writes went since it was made: counts, success rate, hit rate, mean times. */
  getMetrics(): OffsetStoreMetrics;
  /** Whose offsets these are, where they are kept, and how many wait to be written. */
  getInfo(): OffsetStoreInfo;
  /** Writes what is not written yet, then hangs up; says what was. A second call answers the same. Never rejects. */
  close(): Promise<PersistReport>;
}

/**
 * An offset store for tools: at the brokers, with BROADCASTING in a file, or in the `offsetStore` of the config. It is no
 * member of the group and takes no queue; a running member that owns a queue writes over what is written here. Brokers of 5.x refuse
 * offsets of groups they do not know (RMQ_GROUP_NOT_FOUND).
 * @throws ConfigError `RMQ_CONFIG_INVALID` listing every problem
 * @example
 * await using store = createOffsetStore({ consumerGroup: 'billing', namesrvAddr: '127.0.0.1:9876' });
 * await store.start();
 * store.updateOffset({ topic: 'orders', brokerName: 'broker-a', queueId: 0 }, 4200, false);
 * await store.persistAll();
 */
export function createOffsetStore(
  config: OffsetStoreConfig,
  environment: GroupEnvironment = {},
): StandaloneOffsetStore {
  return new OwnOffsetStore(resolveStoreConfig(config), environment);
}

/**
 * What is wrong with a config of an offset store; empty when nothing is. Never throws for what a config holds.
 * @example
 * const problems = validateOffsetStoreConfig({ consumerGroup: 'billing', namesrvAddr: '127.0.0.1:9876' });
 * for (const { option, problem } of problems) console.error(option, problem);
 */
export function validateOffsetStoreConfig(config: OffsetStoreConfig): readonly ConfigProblem[] {
  try {
    resolveStoreConfig(config);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
}

/** A local store dials nobody, so it needs no name server. */
export function resolveStoreConfig(config: OffsetStoreConfig): ResolvedConfig {
  const isLocal = config?.messageModel === 'BROADCASTING' || config?.offsetStore !== undefined;
  const given =
    isLocal && config.namesrvAddr === undefined ? { ...config, namesrvAddr: '127.0.0.1:9876' } : config;
  return parseConfig(given, systemSources());
}

interface Place {
  readonly store: OffsetStore;
  readonly close: () => void | Promise<void>;
}

class OwnOffsetStore implements StandaloneOffsetStore {
  readonly #config: ResolvedConfig;
  readonly #clock: Clock;
  readonly #place: Place;
  #timer: unknown;
  #closing: Promise<PersistReport> | undefined;

  constructor(config: ResolvedConfig, environment: GroupEnvironment) {
    this.#config = config;
    this.#clock = environment.clock ?? systemClock;
    this.#place = placeOf(config, this.#clock, environment);
  }

  async start(): Promise<void> {
    await this.#open().load();
    this.#plan();
  }

  updateOffset(queue: MessageQueue, offset: number, increaseOnly = true): void {
    this.#open().updateOffset(queue, queueOffset(offset), increaseOnly);
  }

  async readOffset(
    queue: MessageQueue,
    type?: ReadOffsetType,
    options?: CallOptions,
  ): Promise<number | undefined> {
    return this.#open().readOffset(queue, type, options);
  }

  async persist(queue: MessageQueue, options?: CallOptions): Promise<void> {
    await this.#open().persist(queue, options);
  }

  persistAll(queues?: readonly MessageQueue[], options: CallOptions = {}): Promise<PersistReport> {
    return this.#open().persistAll(queues, { ...options, answered: true });
  }

  removeOffset(queue: MessageQueue): void {
    this.#open().removeOffset(queue);
  }

  cloneOffsetTable(topic?: string): ReadonlyMap<QueueKey, number> {
    return this.#place.store.cloneOffsetTable(topic);
  }

  getMetrics(): OffsetStoreMetrics {
    return this.#place.store.metrics();
  }

  getInfo(): OffsetStoreInfo {
    const { consumerGroup, clientId, messageModel, offsetStore, namesrvAddr, storePath } = this.#config;
    const kept =
      offsetStore !== undefined
        ? ({ kind: 'custom', place: '' } as const)
        : messageModel === 'BROADCASTING'
          ? ({ kind: 'local', place: storePath } as const)
          : ({ kind: 'remote', place: namesrvAddr.join(';') } as const);
    const { store } = this.#place;
    return {
      ...kept,
      ...{ consumerGroup, clientId },
      entries: store.metrics().entries,
      uncommitted: store.uncommitted().length,
    };
  }

  close(): Promise<PersistReport> {
    this.#closing ??= this.#end();
    return this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #end(): Promise<PersistReport> {
    this.#clock.clearTimeout(this.#timer);
    const { store, close } = this.#place;
    const report = await store.persistAll(undefined, { answered: true });
    await close();
    return report;
  }

  /** A local file and a custom store write only what is new; at the brokers the report is not looked at: what failed goes again. */
  #plan(): void {
    this.#timer = this.#clock.setTimeout(() => {
      void this.#place.store.persistAll().finally(() => {
        if (this.#closing === undefined) this.#plan();
      });
    }, this.#config.persistConsumerOffsetInterval);
  }

  #open(): OffsetStore {
    if (this.#closing === undefined) return this.#place.store;
    const message = `the offset store of ${this.#config.consumerGroup} was closed`;
    throw new RocketmqError('RMQ_OFFSET_STORE_CLOSED', message);
  }
}

function placeOf(config: ResolvedConfig, clock: Clock, environment: GroupEnvironment): Place {
  const { maxOffsetStoreSize, persistBatchSize, consumerTimeoutMillisOfRequest: timeoutMs } = config;
  const { fileSystem } = environment;
  const warn = (thrown: unknown): void => {
    const { message, code } = toRocketmqError(thrown);
    process.emitWarning(message, { type: 'RocketmqActorsWarning', code });
  };
  const own = placeWithoutBrokers({
    ...{ config, clock, fileSystem, onFault: warn },
    mayCommit: () => true,
  });
  if (own !== undefined) return own;
  const client = new GroupClient(config, environment);
  const store = new RemoteOffsetStore({
    ...{ clock, maxOffsetStoreSize, persistBatchSize, timeoutMs },
    port: client.offsets,
  });
  return { store, close: () => client.close() };
}
