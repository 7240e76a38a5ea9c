// SPDX-License-Identifier: Apache-2.0
/** How are LZ4 and ZSTD frames made by hand, and what did opening one end in? */
import { ProtocolError } from '../../../../src/errors/errors.ts';
import { xxh32 } from '../../../../src/protocol/compression/xxh32.ts';
import { type CompressedSample, compressedSamples } from './message-samples.ts';

export const mebibyte = 1024 * 1024;

function samplesOf(format: string, content: string): readonly CompressedSample[] {
  return compressedSamples.filter(s => s.format === format && s.content === content);
}

export function frameOf(format: string, content: string, command?: string): Buffer {
  const sample = samplesOf(format, content).find(s => command === undefined || s.command.includes(command));
  return Buffer.from(sample?.base64 ?? '', 'base64');
}

/** The code and text of the typed error an opening ends in. */
export function failure(open: () => unknown): { readonly code: string; readonly message: string } {
  try {
    open();
  } catch (thrown) {
    if (thrown instanceof ProtocolError) return { code: thrown.code, message: thrown.message };
    throw thrown;
  }
  throw new Error('it was opened');
}

export function lz4Frame(
  blocks: readonly Buffer[],
  { flags = 0x60, blockCode = 0x40, size }: { flags?: number; blockCode?: number; size?: number } = {},
): Buffer {
  const sizeBytes = Buffer.alloc(size === undefined ? 0 : 8);
  if (size !== undefined) sizeBytes.writeUIntLE(size, 0, 6);
  const descriptor = Buffer.concat([Buffer.from([flags, blockCode]), sizeBytes]);
  const sum = (xxh32(descriptor, 0, descriptor.length) >>> 8) & 0xff;
  const parts = blocks.flatMap(block => [littleEndian(block.length, 4), block]);
  return Buffer.concat([
    littleEndian(0x184d_2204, 4),
    descriptor,
    Buffer.from([sum]),
    ...parts,
    Buffer.alloc(4),
  ]);
}

export function zstdFrame(header: Buffer, block: Buffer): Buffer {
  return Buffer.concat([header, littleEndian((block.length << 3) | 5, 3), block]);
}

/** The same frame with a header that names this content size. */
export function announcing(size: number, frame: Buffer): Buffer {
  const sizeBytes = Buffer.alloc(8);
  sizeBytes.writeUIntLE(size, 0, 6);
  return Buffer.concat([frame.subarray(0, 4), Buffer.from([0xc0, 0x38]), sizeBytes, frame.subarray(6)]);
}

export function littleEndian(value: number, count: number): Buffer {
  const bytes = Buffer.alloc(count);
  bytes.writeUIntLE(value, 0, count);
  return bytes;
}
