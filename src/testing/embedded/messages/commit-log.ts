// SPDX-License-Identifier: Apache-2.0
/** Where do the bytes of stored messages lie? One after the other, as in a broker's commit log, but in memory. */
import { RocketmqError } from '../../../errors/errors.ts';
import {
  layout,
  magicV1,
  magicV2,
  readInt64,
  smallestRecord,
  viewOf,
} from '../../../protocol/record-layout.ts';

/** A stretch of the log. Freed as a whole, once nothing in it is needed any more. */
interface Chunk {
  /** Position of its first byte in the log. */
  readonly start: number;
  readonly bytes: Buffer;
  used: number;
  /** Records in it that some queue still holds. */
  live: number;
}

/** The first chunk is small, so that a broker that gets ten messages costs little; each next is twice as large. Unit: bytes. */
const smallestChunk = 64 * 1024;
const largestChunk = 4 * 1024 * 1024;

/** Records by position. A position is never used again, whatever was freed. */
export class CommitLog {
  /** By rising start. */
  readonly #chunks: Chunk[] = [];
  #end = 0;
  #held = 0;

  /** Position of the next record. Unit: bytes. */
  get end(): number {
    return this.#end;
  }

  /** Memory taken by what is not freed. Unit: bytes. */
  get heldBytes(): number {
    return this.#held;
  }

  /** Copies a record to the end. @returns its position */
  append(record: Buffer): number {
    const chunk = this.#roomFor(record.length);
    const position = this.#end;
    record.copy(chunk.bytes, chunk.used);
    chunk.used += record.length;
    chunk.live += 1;
    this.#end += record.length;
    return position;
  }

  /**
   * A record's bytes: a view, valid for good, since nothing is ever written twice.
   * @throws RocketmqError `RMQ_INTERNAL` when it was released
   */
  read(position: number, size: number): Buffer {
    const chunk = this.#chunkAt(position);
    if (chunk === undefined) {
      throw new RocketmqError('RMQ_INTERNAL', `the commit log no longer holds position ${position}`, {
        context: { position, size },
      });
    }
    return chunk.bytes.subarray(position - chunk.start, position - chunk.start + size);
  }

  /** The record that begins at a position given from outside, undefined when none does. Source: lookMessageByOffset. */
  recordAt(position: number): Buffer | undefined {
    const chunk = this.#chunkAt(position);
    if (chunk === undefined) return undefined;
    const at = position - chunk.start;
    const view = viewOf(chunk.bytes);
    if (at + smallestRecord > chunk.used) return undefined;
    const size = view.getInt32(at + layout.size);
    const magic = view.getInt32(at + layout.magic);
    const isRecord =
      (magic === magicV1 || magic === magicV2) &&
      size >= smallestRecord &&
      at + size <= chunk.used &&
      readInt64(view, at + layout.commitLogOffset) === position;
    return isRecord ? chunk.bytes.subarray(at, at + size) : undefined;
  }

  /** The queue that held this record gave it up. */
  release(position: number): void {
    const chunk = this.#chunkAt(position);
    if (chunk === undefined) return;
    chunk.live -= 1;
    if (chunk.live > 0) return;
    this.#chunks.splice(this.#chunks.indexOf(chunk), 1);
    this.#held -= chunk.bytes.length;
  }

  #roomFor(size: number): Chunk {
    const last = this.#chunks.at(-1);
    if (last !== undefined && last.bytes.length - last.used >= size) return last;
    const doubled = last === undefined ? smallestChunk : Math.min(last.bytes.length * 2, largestChunk);
    const chunk = {
      start: this.#end,
      bytes: Buffer.allocUnsafeSlow(Math.max(doubled, size)),
      used: 0,
      live: 0,
    };
    this.#chunks.push(chunk);
    this.#held += chunk.bytes.length;
    return chunk;
  }

  #chunkAt(position: number): Chunk | undefined {
    let low = 0;
    let high = this.#chunks.length - 1;
    while (low <= high) {
      const middle = (low + high) >> 1;
      const chunk = this.#chunks[middle];
      if (chunk === undefined) return undefined;
      if (position < chunk.start) high = middle - 1;
      else if (position >= chunk.start + chunk.used) low = middle + 1;
      else return chunk;
    }
    return undefined;
  }
}
