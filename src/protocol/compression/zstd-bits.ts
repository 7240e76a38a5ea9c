// SPDX-License-Identifier: Apache-2.0
/** How are ZSTD's bit streams read, forwards for tables and backwards for data? Source: RFC 8878 section 4.1. */
import { badCompression } from './capped-output.ts';

/** Most bits one read of four bytes surely holds. */
const oneRead = 24;

/** Little-endian bits from front to back. */
export class ForwardBits {
  private readonly bytes: Buffer;
  private readonly end: number;
  /** Unit: bits. */
  private at: number;

  constructor(bytes: Buffer, start: number, end: number) {
    this.bytes = bytes;
    this.end = end;
    this.at = start * 8;
  }

  /** At most 16 bits. */
  read(count: number): number {
    const value = (word(this.bytes, this.at >>> 3) >>> (this.at & 7)) & ((1 << count) - 1);
    this.at += count;
    if (this.at > this.end * 8) throw badZstd('a table is cut off');
    return value;
  }

  giveBackOne(): void {
    this.at--;
  }

  /** The first byte not begun. */
  get nextByte(): number {
    return (this.at + 7) >>> 3;
  }
}

/** Bits from the last one set to the front, as Huffman and sequence data are written. */
export class BackwardBits {
  private readonly bytes: Buffer;
  private readonly start: number;
  /** Bits not read yet; negative once more was read than there is, which reads as zeros. */
  left: number;

  constructor(bytes: Buffer, start: number, end: number) {
    const last = end > start ? (bytes[end - 1] ?? 0) : 0;
    if (last === 0) throw badZstd('a bit stream has no end mark');
    this.bytes = bytes;
    this.start = start;
    this.left = (end - start) * 8 - 1 - Math.clz32(last) + 24;
  }

  /** At most 31 bits. */
  read(count: number): number {
    if (count > oneRead) return this.read(count - oneRead) * 2 ** oneRead + this.read(oneRead);
    this.left -= count;
    const mask = (1 << count) - 1;
    if (this.left >= 0) return (word(this.bytes, this.start + (this.left >>> 3)) >>> (this.left & 7)) & mask;
    return this.left + count <= 0 ? 0 : (word(this.bytes, this.start) << -this.left) & mask;
  }
}

/** Four bytes as a number; past the end they are zeros. */
function word(bytes: Buffer, at: number): number {
  if (at + 4 <= bytes.length) {
    return (
      (bytes[at] ?? 0) |
      ((bytes[at + 1] ?? 0) << 8) |
      ((bytes[at + 2] ?? 0) << 16) |
      ((bytes[at + 3] ?? 0) << 24)
    );
  }
  let value = 0;
  for (let i = 0; at + i < bytes.length; i++) value |= (bytes[at + i] ?? 0) << (8 * i);
  return value;
}

export function badZstd(problem: string): Error {
  return badCompression('ZSTD', problem);
}
