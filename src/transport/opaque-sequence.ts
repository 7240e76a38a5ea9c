// SPDX-License-Identifier: Apache-2.0
/** Which number does the next request carry? One sequence per peer, so that no old answer fits a new call. */

const largest = 2 ** 31 - 1;

/** Counts 0 … 2^31-1 and around, skipping numbers still in use. Numbers of the peer's own requests are another direction. */
export class OpaqueSequence {
  #next: number;

  constructor(first = 0) {
    this.#next = first;
  }

  next(inUse: { has(opaque: number): boolean }): number {
    let opaque = this.#next;
    while (inUse.has(opaque)) opaque = opaque === largest ? 0 : opaque + 1; // ends: far fewer calls than numbers are in use
    this.#next = opaque === largest ? 0 : opaque + 1;
    return opaque;
  }
}
