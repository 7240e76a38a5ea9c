// SPDX-License-Identifier: Apache-2.0
/** Where does a decompressor put its output, so that it can never make more than was allowed? */
import { ProtocolError } from '../../errors/errors.ts';

/** Up to this many bytes a loop beats a call into V8's memmove. Unit: bytes. */
const loopLimit = 24;

const smallestCapacity = 256;

/** A body would grow past the limit. Said before the memory is taken. */
export function bodyTooLarge(stored: number, limit: number, announced?: number): ProtocolError {
  const size = announced === undefined ? `more than ${limit}` : `${announced}`;
  return new ProtocolError(
    'RMQ_BODY_TOO_LARGE',
    `its ${stored} stored bytes decompress to ${size} bytes, maxBodySize is ${limit}`,
    { context: { stored, limit, announced } },
  );
}

/** The compressed bytes are not what their format demands. */
export function badCompression(format: string, problem: string): ProtocolError {
  return new ProtocolError('RMQ_BAD_MESSAGE', `its ${format} body cannot be decompressed: ${problem}`, {
    context: { format, problem },
  });
}

/** A buffer that doubles as needed and refuses to pass its limit. */
export class CappedOutput {
  bytes: Buffer;
  length = 0;
  private readonly stored: number;
  private readonly limit: number;

  /** `expected` is a first guess; `stored` is only for the error text. Unit: bytes. */
  constructor(limit: number, expected: number, stored: number) {
    this.limit = limit;
    this.stored = stored;
    this.bytes = Buffer.allocUnsafeSlow(Math.min(limit, Math.max(expected, smallestCapacity)));
  }

  /** Makes room for `count` more bytes. @throws ProtocolError `RMQ_BODY_TOO_LARGE` */
  reserve(count: number): void {
    const needed = this.length + count;
    if (needed <= this.bytes.length) return;
    if (needed > this.limit) throw bodyTooLarge(this.stored, this.limit);
    const larger = Buffer.allocUnsafeSlow(Math.min(this.limit, Math.max(needed, this.bytes.length * 2)));
    this.bytes.copy(larger, 0, 0, this.length);
    this.bytes = larger;
  }

  append(source: Buffer, start: number, end: number): void {
    const count = end - start;
    this.reserve(count);
    const { bytes, length } = this;
    if (count > loopLimit) bytes.set(source.subarray(start, end), length);
    else for (let i = 0; i < count; i++) bytes[length + i] = source[start + i] ?? 0;
    this.length = length + count;
  }

  fill(byte: number, count: number): void {
    this.reserve(count);
    this.bytes.fill(byte, this.length, this.length + count);
    this.length += count;
  }

  /** Appends `count` bytes that start `distance` back; they may overlap what is being written. `distance` was checked. */
  repeat(distance: number, count: number): void {
    this.reserve(count);
    const { bytes } = this;
    const from = this.length - distance;
    const end = this.length + count;
    let at = this.length;
    if (count <= loopLimit) {
      for (let i = from; at < end; i++, at++) bytes[at] = bytes[i] ?? 0;
    } else {
      while (at < end) {
        const step = Math.min(end - at, at - from); // each round doubles what can be copied at once
        bytes.copyWithin(at, from, from + step);
        at += step;
      }
    }
    this.length = end;
  }

  /** The output, without keeping much more memory than it needs. */
  finish(): Buffer {
    const view = this.bytes.subarray(0, this.length);
    if (this.length > this.bytes.length * 0.75) return view;
    const exact = Buffer.allocUnsafeSlow(this.length);
    view.copy(exact);
    return exact;
  }
}
