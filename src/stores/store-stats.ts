// SPDX-License-Identifier: Apache-2.0
/** How is an offset store doing? Counters behind OffsetStore.metrics. */
import type { OffsetStoreMetrics } from './offset-store.ts';

export class StoreStats {
  #persistSuccesses = 0;
  #persistFailures = 0;
  #cacheHits = 0;
  #cacheMisses = 0;
  #calls = 0;
  #callsMs = 0;

  persisted(success: boolean): void {
    if (success) this.#persistSuccesses++;
    else this.#persistFailures++;
  }

  read(hit: boolean): void {
    if (hit) this.#cacheHits++;
    else this.#cacheMisses++;
  }

  /** An answered call to the store, failed ones included. Unit: ms. */
  called(ms: number): void {
    this.#calls++;
    this.#callsMs += ms;
  }

  figures(): Omit<OffsetStoreMetrics, 'entries'> {
    return {
      persistSuccesses: this.#persistSuccesses,
      persistFailures: this.#persistFailures,
      cacheHits: this.#cacheHits,
      cacheMisses: this.#cacheMisses,
      averageLatencyMs: this.#calls === 0 ? 0 : this.#callsMs / this.#calls,
    };
  }
}
