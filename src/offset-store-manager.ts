// SPDX-License-Identifier: Apache-2.0
/** Who shares offset stores of a process, one for each group and place? */
import {
  createOffsetStore,
  type OffsetStoreConfig,
  resolveStoreConfig,
  type StandaloneOffsetStore,
} from './create-offset-store.ts';
import type { GroupEnvironment } from './group-client.ts';
import type { OffsetStoreMetrics, PersistReport } from './stores/offset-store.ts';

/**
 * Offset stores by group: whoever asks for the same group with the same name servers, message model and client id gets the same
 * store. A config with an `offsetStore` of its own is shared by that object.
 * @example
 * const store = await getOffsetStoreManager().open({ consumerGroup: 'billing', namesrvAddr: '127.0.0.1:9876' });
 */
export class OffsetStoreManager {
  readonly #stores = new Map<string, Promise<StandaloneOffsetStore>>();
  readonly #groups = new Map<string, { readonly group: string; readonly store: StandaloneOffsetStore }>();
  readonly #custom = new Map<object, number>();
  readonly #environment: GroupEnvironment;

  constructor(environment: GroupEnvironment = {}) {
    this.#environment = environment;
  }

  /**
   * The started store for this config, made when first asked for. One whose start failed is made anew.
   * @throws ConfigError as createOffsetStore; RocketmqError when it could not be started
   */
  open(config: OffsetStoreConfig): Promise<StandaloneOffsetStore> {
    const key = this.#keyOf(config);
    const known = this.#stores.get(key);
    if (known !== undefined) return known;
    const opening = this.#start(key, config);
    this.#stores.set(key, opening);
    opening.catch(() => this.#stores.delete(key));
    return opening;
  }

  /** Closes the stores of a group. Answers what each wrote last; empty when there is none. */
  async close(consumerGroup: string): Promise<readonly PersistReport[]> {
    const closing = [...this.#groups].filter(([, { group }]) => group === consumerGroup);
    for (const [key] of closing) {
      this.#groups.delete(key);
      this.#stores.delete(key);
    }
    return Promise.all(closing.map(([, { store }]) => store.close()));
  }

  /** Closes every store. */
  async closeAll(): Promise<readonly PersistReport[]> {
    const groups = new Set([...this.#groups.values()].map(({ group }) => group));
    return (await Promise.all([...groups].map(group => this.close(group)))).flat();
  }

  /** Of the open stores, by group; of a group with several stores each. */
  metrics(consumerGroup?: string): readonly (OffsetStoreMetrics & { readonly consumerGroup: string })[] {
    return [...this.#groups.values()]
      .filter(({ group }) => consumerGroup === undefined || group === consumerGroup)
      .map(({ group, store }) => ({ consumerGroup: group, ...store.getMetrics() }));
  }

  async #start(key: string, config: OffsetStoreConfig): Promise<StandaloneOffsetStore> {
    const store = createOffsetStore(config, this.#environment);
    try {
      await store.start();
    } catch (error) {
      await store.close();
      throw error;
    }
    this.#groups.set(key, { group: store.getInfo().consumerGroup, store });
    return store;
  }

  #keyOf(config: OffsetStoreConfig): string {
    const { consumerGroup, namesrvAddr, messageModel, storePath, offsetStore } = resolveStoreConfig(config);
    const own = offsetStore === undefined ? 0 : (this.#custom.get(offsetStore) ?? this.#custom.size + 1);
    if (offsetStore !== undefined) this.#custom.set(offsetStore, own);
    const { instanceName = '' } = config; // the derived one differs each time
    return JSON.stringify([consumerGroup, namesrvAddr, messageModel, storePath, instanceName, own]);
  }
}

let shared: OffsetStoreManager | undefined;

/**
 * The one of this process, made when first asked for.
 * @example
 * const store = await getOffsetStoreManager().open({ consumerGroup: 'billing', namesrvAddr: '127.0.0.1:9876' });
 */
export function getOffsetStoreManager(): OffsetStoreManager {
  shared ??= new OffsetStoreManager();
  return shared;
}

/**
 * Closes the stores of a group in {@link getOffsetStoreManager}. Never rejects: what could not be written is in the reports.
 * @example
 * const [report] = await closeOffsetStore('billing');
 */
export function closeOffsetStore(consumerGroup: string): Promise<readonly PersistReport[]> {
  return getOffsetStoreManager().close(consumerGroup);
}

/**
 * Closes every store in {@link getOffsetStoreManager}. Never rejects: what could not be written is in the reports.
 * @example
 * process.once('SIGTERM', () => void closeAllOffsetStores());
 */
export function closeAllOffsetStores(): Promise<readonly PersistReport[]> {
  return getOffsetStoreManager().closeAll();
}

/**
 * How the open stores of {@link getOffsetStoreManager} are doing, of one group or (default) of all.
 * @example
 * for (const { consumerGroup, persistSuccessRate } of getOffsetStoreMetrics()) console.log(consumerGroup, persistSuccessRate);
 */
export function getOffsetStoreMetrics(
  consumerGroup?: string,
): readonly (OffsetStoreMetrics & { readonly consumerGroup: string })[] {
  return getOffsetStoreManager().metrics(consumerGroup);
}
