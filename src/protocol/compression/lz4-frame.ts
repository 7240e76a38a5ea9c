// SPDX-License-Identifier: Apache-2.0
/** How is an LZ4 frame opened? Source: LZ4 frame format 1.6.3 and block format; Java writes it with LZ4FrameOutputStream. */
import { badCompression, bodyTooLarge, CappedOutput } from './capped-output.ts';
import { xxh32 } from './xxh32.ts';

const frameMagic = 0x184d_2204;
/** Its last hex digit is free. */
const skippableMagic = 0x184d_2a50;

const flags = {
  version: 0xc0,
  independent: 0x20,
  blockSum: 0x10,
  contentSize: 0x08,
  contentSum: 0x04,
  reserved: 0x02,
  dictionary: 0x01,
};
const version1 = 0x40;
const storedBlock = 0x8000_0000;
const smallestMatch = 4;

interface FrameHeader {
  readonly flags: number;
  /** Largest output of one block. Unit: bytes. */
  readonly maxBlock: number;
  readonly contentSize: number | undefined;
  /** Position of the first block. */
  readonly end: number;
}

/**
 * Decompresses one or more LZ4 frames, checksums included.
 * @throws ProtocolError `RMQ_BODY_TOO_LARGE` before more than `limit` bytes are made, `RMQ_BAD_MESSAGE` for anything else
 */
export function openLz4(stored: Buffer, limit: number): Buffer {
  const output = new CappedOutput(limit, stored.length * 4, stored.length);
  let at = 0;
  while (at < stored.length) {
    const magic = word(stored, at);
    if (magic === frameMagic) at = openFrame(stored, at + 4, output, limit);
    else if ((magic & ~0xf) === skippableMagic) at = skipTo(stored, at + 8, word(stored, at + 4));
    else throw bad(`0x${magic.toString(16)} at byte ${at} begins no frame`);
  }
  return output.finish();
}

function openFrame(stored: Buffer, start: number, output: CappedOutput, limit: number): number {
  const header = readHeader(stored, start);
  const frameStart = output.length;
  const { contentSize } = header;
  if (contentSize !== undefined && frameStart + contentSize > limit) {
    throw bodyTooLarge(stored.length, limit, frameStart + contentSize);
  }
  let at = header.end;
  for (let size = word(stored, at); size !== 0; size = word(stored, at)) {
    at = openBlock(stored, at + 4, size, output, header, frameStart);
  }
  at += 4;
  const made = output.length - frameStart;
  if (contentSize !== undefined && contentSize !== made)
    throw bad(`it announced ${contentSize} bytes and holds ${made}`);
  if ((header.flags & flags.contentSum) === 0) return at;
  if (word(stored, at) !== xxh32(output.bytes, frameStart, output.length))
    throw bad('its content checksum differs');
  return at + 4;
}

function readHeader(stored: Buffer, start: number): FrameHeader {
  if (start + 3 > stored.length) throw bad('its header is cut off');
  const bits = stored.readUInt8(start);
  const blockCode = (stored.readUInt8(start + 1) >> 4) & 7;
  if ((bits & flags.version) !== version1 || (bits & flags.reserved) !== 0)
    throw bad(`its flags 0x${bits.toString(16)} are unknown`);
  if ((bits & flags.dictionary) !== 0) throw bad('it needs a dictionary');
  if (blockCode < 4) throw bad(`its block size code ${blockCode} is unknown`);
  const hasSize = (bits & flags.contentSize) !== 0;
  const sumAt = start + (hasSize ? 10 : 2);
  if (sumAt >= stored.length) throw bad('its header is cut off');
  if (((xxh32(stored, start, sumAt) >>> 8) & 0xff) !== stored[sumAt])
    throw bad('its header checksum differs');
  return {
    flags: bits,
    maxBlock: 1 << (8 + 2 * blockCode),
    contentSize: hasSize
      ? stored.readUInt32LE(start + 2) + stored.readUInt32LE(start + 6) * 2 ** 32
      : undefined,
    end: sumAt + 1,
  };
}

function openBlock(
  stored: Buffer,
  start: number,
  sizeWord: number,
  output: CappedOutput,
  header: FrameHeader,
  frameStart: number,
): number {
  const size = sizeWord & ~storedBlock;
  const end = skipTo(stored, start, size);
  if (size > header.maxBlock) throw bad(`a block of ${size} bytes is larger than ${header.maxBlock}`);
  if (sizeWord >= storedBlock) {
    output.append(stored, start, end);
  } else {
    const oldest = (header.flags & flags.independent) === 0 ? frameStart : output.length;
    openSequences(stored, start, end, output, oldest, output.length + header.maxBlock);
  }
  if ((header.flags & flags.blockSum) === 0) return end;
  if (word(stored, end) !== xxh32(stored, start, end)) throw bad('a block checksum differs');
  return end + 4;
}

/** A block: literals, then a copy from what was already made, again and again; the last has only literals. */
function openSequences(
  stored: Buffer,
  start: number,
  end: number,
  output: CappedOutput,
  oldest: number,
  longest: number,
): void {
  let at = start;
  while (at < end) {
    const token = stored[at++] ?? 0;
    let literals = token >> 4;
    if (literals === 15) {
      const lengthEnd = runEnd(stored, at, end);
      literals += runLength(stored, at, lengthEnd);
      at = lengthEnd;
    }
    if (literals > end - at) throw bad('literals run past the end of their block');
    if (literals > longest - output.length) throw bad('a block makes more than its frame allows');
    output.append(stored, at, at + literals);
    at += literals;
    if (at === end) return;
    if (end - at < 2) throw bad('a copy is cut off');
    const distance = (stored[at] ?? 0) | ((stored[at + 1] ?? 0) << 8);
    at += 2;
    let count = token & 15;
    if (count === 15) {
      const lengthEnd = runEnd(stored, at, end);
      count += runLength(stored, at, lengthEnd);
      at = lengthEnd;
    }
    count += smallestMatch;
    if (distance === 0 || distance > output.length - oldest)
      throw bad(`a copy reaches ${distance} bytes back`);
    if (count > longest - output.length) throw bad('a block makes more than its frame allows');
    output.repeat(distance, count);
  }
  throw bad('a block ends without literals');
}

/** A long length goes on in bytes of 255 and ends with a smaller one. */
function runEnd(stored: Buffer, start: number, end: number): number {
  let at = start;
  while (at < end && stored[at] === 255) at++;
  if (at >= end) throw bad('a length is cut off');
  return at + 1;
}

function runLength(stored: Buffer, start: number, end: number): number {
  return (end - start - 1) * 255 + (stored[end - 1] ?? 0);
}

function word(stored: Buffer, at: number): number {
  if (at + 4 > stored.length) throw bad('it is cut off');
  return stored.readUInt32LE(at);
}

function skipTo(stored: Buffer, start: number, count: number): number {
  if (count > stored.length - start) throw bad('it is cut off');
  return start + count;
}

function bad(problem: string): Error {
  return badCompression('LZ4', problem);
}
