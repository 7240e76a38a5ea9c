// SPDX-License-Identifier: Apache-2.0
/** Which scenarios share a cluster? The last one is kept for as long as scenarios want the same. */
import { type ClusterSize, type ClusterUnderTest, type StartCluster, sizeOf } from './cluster-under-test.ts';
import type { Scenario } from './scenario.types.ts';

interface Kept {
  readonly size: ClusterSize;
  readonly cluster: ClusterUnderTest;
}

export class ClusterPool {
  readonly #start: StartCluster;
  /** Callers take turns. */
  #kept: Promise<Kept | undefined> = Promise.resolve(undefined);

  constructor(start: StartCluster) {
    this.#start = start;
  }

  /** A cluster as the scenario wants it; one of another size is stopped before. */
  async cluster(scenario: Scenario): Promise<ClusterUnderTest> {
    const next = this.#fitting(this.#kept, sizeOf(scenario));
    this.#kept = next.catch(() => undefined);
    return (await next).cluster;
  }

  async close(): Promise<void> {
    const kept = await this.#kept;
    this.#kept = Promise.resolve(undefined);
    await kept?.cluster[Symbol.asyncDispose]();
  }

  async #fitting(before: Promise<Kept | undefined>, size: ClusterSize): Promise<Kept> {
    const kept = await before;
    if (kept?.size.brokers === size.brokers && kept.size.nameServers === size.nameServers) return kept;
    await kept?.cluster[Symbol.asyncDispose]();
    return { size, cluster: await this.#start(size) };
  }
}
