// SPDX-License-Identifier: Apache-2.0
/** How is an offset store doing? Counters behind OffsetStore.metrics. */
import type { OffsetStoreMetrics } from './offset-store.ts';

/** Over how many writes the recent success rate is taken. */
const recentWrites = 100;

export class StoreStats {
  #persistSuccesses = 0;
  #persistFailures = 0;
  #cacheHits = 0;
  #cacheMisses = 0;
  #calls = 0;
  #callsMs = 0;
  #confirmed = 0;
  #confirmedMs = 0;
  /** Of the last writes: 1 for each that failed, in a ring. */
  readonly #recent = new Uint8Array(recentWrites);
  #recentFailures = 0;

  persisted(success: boolean): void {
    const at = (this.#persistSuccesses + this.#persistFailures) % recentWrites;
    this.#recentFailures += (success ? 0 : 1) - (this.#recent[at] ?? 0);
    this.#recent[at] = success ? 0 : 1;
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

  /** A write was confirmed after so long. Unit: ms. */
  answered(ms: number): void {
    this.#confirmed++;
    this.#confirmedMs += ms;
  }

  figures(): Omit<OffsetStoreMetrics, 'entries'> {
    const persists = this.#persistSuccesses + this.#persistFailures;
    const recent = Math.min(persists, recentWrites);
    const reads = this.#cacheHits + this.#cacheMisses;
    return {
      averagePersistLatencyMs: this.#confirmed === 0 ? 0 : this.#confirmedMs / this.#confirmed,
      persistSuccessRate: persists === 0 ? 1 : this.#persistSuccesses / persists,
      recentPersistSuccessRate: recent === 0 ? 1 : (recent - this.#recentFailures) / recent,
      cacheHitRate: reads === 0 ? 0 : this.#cacheHits / reads,
      persistSuccesses: this.#persistSuccesses,
      persistFailures: this.#persistFailures,
      cacheHits: this.#cacheHits,
      cacheMisses: this.#cacheMisses,
      averageLatencyMs: this.#calls === 0 ? 0 : this.#callsMs / this.#calls,
    };
  }
}
