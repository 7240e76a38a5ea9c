// SPDX-License-Identifier: Apache-2.0
/** Which messages are in a queue, and where in the log is each? Source: store.ConsumeQueue. */

/** One message of a queue. */
export interface QueueEntry {
  /** Where its record begins in the commit log. Unit: bytes. */
  readonly position: number;
  /** Unit: bytes. */
  readonly size: number;
  /** Java hash of its tag, 0 without one. */
  readonly tagsCode: number;
}

/** The entries of one queue, by offset. */
export class QueueIndex {
  readonly #entries: QueueEntry[] = [];
  #minOffset = 0;

  /** The oldest offset that is still held; the next to be written when none is. */
  get minOffset(): number {
    return this.#minOffset;
  }

  /** The next offset to be written. */
  get maxOffset(): number {
    return this.#minOffset + this.#entries.length;
  }

  add(entry: QueueEntry): void {
    this.#entries.push(entry);
  }

  at(offset: number): QueueEntry | undefined {
    return this.#entries[offset - this.#minOffset];
  }

  /** Gives up what is older than an offset; the queue never goes back, nor past its end. @returns what was given up */
  dropBefore(offset: number): readonly QueueEntry[] {
    const count = Math.min(Math.max(0, offset - this.#minOffset), this.#entries.length);
    this.#minOffset += count;
    return this.#entries.splice(0, count);
  }
}
