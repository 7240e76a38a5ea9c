// SPDX-License-Identifier: Apache-2.0
import { constants, deflateRawSync } from 'node:zlib';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { openZstd } from '../../../../src/protocol/compression/zstd-frame.ts';
import { decompressBody } from '../../../../src/protocol/compression.ts';
import {
  announcing,
  failure,
  frameOf,
  littleEndian,
  lz4Frame,
  mebibyte,
  zstdFrame,
} from './compressed-frames.ts';

const zlibType = 0x301;
const lz4Type = 0x101;
const zstdType = 0x201;

afterEach(() => vi.restoreAllMocks());

describe('bombs of 1 GiB', () => {
  const limit = 4 * mebibyte;
  const bombs: readonly (readonly [string, number, Buffer])[] = [
    ['zlib', zlibType, zlibBomb()],
    ['LZ4', lz4Type, lz4Bomb()],
    ['ZSTD of equal bytes', zstdType, zstdRleBomb()],
    ['ZSTD of compressed blocks', zstdType, zstdBlockBomb()],
  ];

  it.each(bombs)('are given up at the limit: %s', (_what, sysFlag, bomb) => {
    const allocated = vi.spyOn(Buffer, 'allocUnsafeSlow');
    expect(failure(() => decompressBody(bomb, sysFlag, limit))).toEqual({
      code: 'RMQ_BODY_TOO_LARGE',
      message: `its ${bomb.length} stored bytes decompress to more than ${limit} bytes, maxBodySize is ${limit}`,
    });
    const sizes = allocated.mock.calls.map(([size]) => size);
    expect(Math.max(0, ...sizes)).toBeLessThanOrEqual(limit);
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(2.5 * limit);
  });

  it.each([
    ['zstd', zstdType, announcing(2 ** 30, zstdRleBomb())],
    ['lz4', lz4Type, lz4Bomb(2 ** 30)],
  ] as const)('that announce their size are refused before anything is made: %s', (_what, sysFlag, bomb) => {
    const allocated = vi.spyOn(Buffer, 'allocUnsafeSlow');
    expect(failure(() => decompressBody(bomb, sysFlag, limit))).toEqual({
      code: 'RMQ_BODY_TOO_LARGE',
      message: `its ${bomb.length} stored bytes decompress to 1073741824 bytes, maxBodySize is ${limit}`,
    });
    expect(allocated.mock.calls.every(([size]) => size <= limit)).toBe(true);
  });

  it('in one ZSTD block that makes more than a block may are refused at once', () => {
    expect(failure(() => openZstd(oversizedZstdBlock(30_000), 2 ** 30)).message).toContain(
      'a block makes more than its frame allows',
    );
  });
});

/** 1 MiB of zeros, 1024 times. */
function zlibBomb(): Buffer {
  const part = deflateRawSync(Buffer.alloc(mebibyte), { finishFlush: constants.Z_FULL_FLUSH });
  return Buffer.concat([Buffer.from([0x78, 0x01]), ...new Array<Buffer>(1_024).fill(part)]);
}

/** 256 blocks of 4 MiB, each one copy from one byte back. */
function lz4Bomb(size?: number): Buffer {
  const run = 4 * mebibyte - 1 - 4 - 15 - 5;
  const block = Buffer.concat([
    Buffer.from([0x1f, 0x41, 1, 0]),
    Buffer.alloc(Math.floor(run / 255), 255),
    Buffer.from([run % 255, 0x50, 1, 2, 3, 4, 5]),
  ]);
  const flags = size === undefined ? 0x60 : 0x68;
  return lz4Frame(new Array<Buffer>(256).fill(block), {
    flags,
    blockCode: 0x70,
    ...(size === undefined ? {} : { size }),
  });
}

/** 8192 blocks that say "128 KiB of this byte". */
function zstdRleBomb(): Buffer {
  const block = Buffer.concat([littleEndian((128 * 1_024 * 8) | 2, 3), Buffer.from([0x41])]);
  return Buffer.concat([Buffer.from('28b52ffd0038', 'hex'), ...new Array<Buffer>(8_192).fill(block)]);
}

/** The second block the `zstd` tool made of zeros, 8192 times: it only copies from the first. */
function zstdBlockBomb(): Buffer {
  const frame = frameOf('zstd', 'zeros', '-1');
  const firstEnd = blockEnd(frame, 6);
  const second = frame.subarray(firstEnd, blockEnd(frame, firstEnd));
  return Buffer.concat([frame.subarray(0, firstEnd), ...new Array<Buffer>(8_192).fill(second)]);
}

function blockEnd(frame: Buffer, start: number): number {
  const head = frame.readUIntLE(start, 3);
  return start + 3 + ((head & 6) === 2 ? 1 : head >>> 3);
}

/** One literal and many copies of 131074 bytes: 16 bits each. */
function oversizedZstdBlock(copies: number): Buffer {
  const count = Buffer.from([(copies >> 8) + 128, copies & 255]);
  const bits = Buffer.concat([Buffer.alloc(copies * 2, 255), Buffer.from([1])]);
  const block = Buffer.concat([Buffer.from([0x08, 0x41]), count, Buffer.from([0x54, 0, 0, 52]), bits]);
  return zstdFrame(Buffer.from('28b52ffd0038', 'hex'), block);
}
