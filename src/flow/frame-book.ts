// SPDX-License-Identifier: Apache-2.0
/**
 * How large are the frames that held messages keep in memory? The body of a message is a view of the frame it came in,
 * so the whole frame stays until the last of its messages is done. A ring as the one of the messages: nothing is allocated
 * for a message, nor for a frame unless more of them are held than ever before.
 */

/** A frame, counted from the first one; round again after 2^32. */
type FrameNumber = number;

const initialCapacity = 16;

/** Invariants: the oldest frame of the ring has a message that is not done; `bytes` is the sum over those that have. */
export class FrameBook {
  #sizes = new Float64Array(initialCapacity);
  /** Messages not done yet. */
  #left = new Uint32Array(initialCapacity);
  #mask = initialCapacity - 1;
  #oldest = 0;
  #next = 0;
  #bytes = 0;

  /** Unit: bytes. */
  get bytes(): number {
    return this.#bytes;
  }

  /** A frame with that many messages, at least one, came in. */
  open(messages: number, bytes: number): FrameNumber {
    if (this.#next - this.#oldest > this.#mask) this.#grow();
    const frame = this.#next++;
    this.#sizes[frame & this.#mask] = bytes;
    this.#left[frame & this.#mask] = messages;
    this.#bytes += bytes;
    return frame;
  }

  /** One of its messages is done, or not wanted any more. Once for each message. */
  close(frame: FrameNumber): void {
    const index = frame & this.#mask;
    const left = (this.#left[index] ?? 0) - 1;
    this.#left[index] = left;
    if (left > 0) return;
    this.#bytes -= this.#sizes[index] ?? 0;
    while (this.#oldest < this.#next && this.#left[this.#oldest & this.#mask] === 0) this.#oldest++;
  }

  #grow(): void {
    const capacity = this.#sizes.length * 2;
    const sizes = new Float64Array(capacity);
    const left = new Uint32Array(capacity);
    for (let frame = this.#oldest; frame < this.#next; frame++) {
      sizes[frame & (capacity - 1)] = this.#sizes[frame & this.#mask] ?? 0;
      left[frame & (capacity - 1)] = this.#left[frame & this.#mask] ?? 0;
    }
    this.#sizes = sizes;
    this.#left = left;
    this.#mask = capacity - 1;
  }
}
