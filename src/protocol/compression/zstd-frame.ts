// SPDX-License-Identifier: Apache-2.0
/** How is a ZSTD frame opened where Node has no zstd of its own? Source: RFC 8878 section 3. */
import { bodyTooLarge, CappedOutput } from './capped-output.ts';
import { badZstd } from './zstd-bits.ts';
import { BlockDecoder } from './zstd-block.ts';

const frameMagic = 0xfd2f_b528;
const skippableMagic = 0x184d_2a50;

/** Largest block of any frame. Unit: bytes. */
const largestBlock = 128 * 1024;

/** Block types: the bytes themselves, one byte many times, literals and sequences. */
const plain = 0;
const repeated = 1;
const compressed = 2;

interface FrameHeader {
  readonly contentSize: number | undefined;
  /** Largest output of one block. Unit: bytes. */
  readonly maxBlock: number;
  readonly hasChecksum: boolean;
  /** Position of the first block. */
  readonly end: number;
}

/**
 * Decompresses one or more ZSTD frames. The window needs no memory beside the output. The optional XXH64 of the content
 * is skipped: the body's CRC-32 covers the same bytes.
 * @throws ProtocolError `RMQ_BODY_TOO_LARGE` before more than `limit` bytes are made, `RMQ_BAD_MESSAGE` for anything else
 */
export function openZstd(stored: Buffer, limit: number): Buffer {
  const output = new CappedOutput(limit, stored.length * 4, stored.length);
  let at = 0;
  while (at < stored.length) {
    const magic = littleEndian(stored, at, 4);
    if (magic === frameMagic) at = openFrame(stored, at + 4, output, limit);
    else if ((magic & ~0xf) >>> 0 === skippableMagic)
      at = within(stored, at + 8 + littleEndian(stored, at + 4, 4));
    else throw badZstd(`0x${magic.toString(16)} at byte ${at} begins no frame`);
  }
  return output.finish();
}

/** What can be known of a body without opening it. */
export interface ZstdOutline {
  /** Where the frame announces it. Unit: bytes. */
  readonly contentSize: number | undefined;
}

/**
 * Walks over the block headers of a body that is exactly one frame; undefined when there are more frames or none.
 * @throws ProtocolError `RMQ_BAD_MESSAGE` when it is cut off
 */
export function outlineOfZstd(stored: Buffer): ZstdOutline | undefined {
  if (littleEndian(stored, 0, 4) !== frameMagic) return undefined;
  const { contentSize, hasChecksum, end } = readHeader(stored, 4);
  let at = end;
  for (let isLast = false; !isLast; ) {
    const head = littleEndian(stored, at, 3);
    isLast = (head & 1) === 1;
    at += 3 + (blockType(head) === repeated ? 1 : head >>> 3);
  }
  return within(stored, at + (hasChecksum ? 4 : 0)) === stored.length ? { contentSize } : undefined;
}

function openFrame(stored: Buffer, start: number, output: CappedOutput, limit: number): number {
  const header = readHeader(stored, start);
  const { contentSize } = header;
  const frameStart = output.length;
  if (contentSize !== undefined && frameStart + contentSize > limit) {
    throw bodyTooLarge(stored.length, limit, frameStart + contentSize);
  }
  const blocks = new BlockDecoder(stored, output, frameStart, header.maxBlock);
  let at = header.end;
  for (let isLast = false; !isLast; ) {
    const head = littleEndian(stored, at, 3);
    isLast = (head & 1) === 1;
    at = openBlock(stored, at + 3, head, output, blocks, header.maxBlock);
  }
  const made = output.length - frameStart;
  if (contentSize !== undefined && contentSize !== made)
    throw badZstd(`it announced ${contentSize} bytes and holds ${made}`);
  return within(stored, at + (header.hasChecksum ? 4 : 0));
}

function openBlock(
  stored: Buffer,
  start: number,
  head: number,
  output: CappedOutput,
  blocks: BlockDecoder,
  maxBlock: number,
): number {
  const size = head >>> 3;
  if (size > maxBlock) throw badZstd(`a block of ${size} bytes is larger than ${maxBlock}`);
  switch (blockType(head)) {
    case plain: {
      const end = within(stored, start + size);
      output.append(stored, start, end);
      return end;
    }
    case repeated: {
      const end = within(stored, start + 1);
      output.fill(stored.readUInt8(start), size);
      return end;
    }
    case compressed: {
      const end = within(stored, start + size);
      blocks.open(start, end);
      return end;
    }
    default:
      throw badZstd('a block has type 3');
  }
}

function blockType(head: number): number {
  return (head >>> 1) & 3;
}

function readHeader(stored: Buffer, start: number): FrameHeader {
  const bits = littleEndian(stored, start, 1);
  if ((bits & 0x08) !== 0) throw badZstd('its header uses a reserved bit');
  const isSingleSegment = (bits & 0x20) !== 0;
  let at = start + 1;
  const window = isSingleSegment ? undefined : windowSize(littleEndian(stored, at, 1));
  if (!isSingleSegment) at++;
  const dictionaryBytes = [0, 1, 2, 4][bits & 3] ?? 0;
  if (littleEndian(stored, at, dictionaryBytes) !== 0) throw badZstd('it needs a dictionary');
  at += dictionaryBytes;
  const sizeBytes = [isSingleSegment ? 1 : 0, 2, 4, 8][bits >>> 6] ?? 0;
  const size = littleEndian(stored, at, sizeBytes) + (sizeBytes === 2 ? 256 : 0);
  const contentSize = sizeBytes === 0 ? undefined : size;
  return {
    contentSize,
    maxBlock: Math.min(largestBlock, window ?? size),
    hasChecksum: (bits & 0x04) !== 0,
    end: at + sizeBytes,
  };
}

function windowSize(descriptor: number): number {
  const base = 2 ** (10 + (descriptor >>> 3));
  return base + (base / 8) * (descriptor & 7);
}

/** A number of up to 8 bytes; above 2^53 it is rounded, which is far past every limit. */
function littleEndian(stored: Buffer, at: number, count: number): number {
  within(stored, at + count);
  let value = 0;
  for (let i = count - 1; i >= 0; i--) value = value * 256 + (stored[at + i] ?? 0);
  return value;
}

function within(stored: Buffer, end: number): number {
  if (end > stored.length) throw badZstd('it is cut off');
  return end;
}
