// SPDX-License-Identifier: Apache-2.0
import { constants, deflateRawSync, deflateSync } from 'node:zlib';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { ProtocolError } from '../../../../src/errors/errors.ts';
import { openLz4 } from '../../../../src/protocol/compression/lz4-frame.ts';
import { xxh32 } from '../../../../src/protocol/compression/xxh32.ts';
import { openZstd } from '../../../../src/protocol/compression/zstd-frame.ts';
import {
  compressBody,
  decompressBody,
  type OpenBody,
  zlibSysFlag,
  zstdBy,
} from '../../../../src/protocol/compression.ts';
import { type CompressedSample, compressedSamples, readOne, sampleBytes } from './message-samples.ts';
import { sampleContent, seeded } from './sample-content.ts';

const mebibyte = 1024 * 1024;
const zlibType = 0x301;
const lz4Type = 0x101;
const zstdType = 0x201;

function open(sample: CompressedSample, limit = mebibyte): Buffer {
  const bytes = Buffer.from(sample.base64, 'base64');
  return sample.format === 'zstd' ? openZstd(bytes, limit) : openLz4(bytes, limit);
}

function samplesOf(format: string, content: string): readonly CompressedSample[] {
  return compressedSamples.filter(s => s.format === format && s.content === content);
}

function frameOf(format: string, content: string, command?: string): Buffer {
  const sample = samplesOf(format, content).find(s => command === undefined || s.command.includes(command));
  return Buffer.from(sample?.base64 ?? '', 'base64');
}

/** The code and text of the typed error an opening ends in. */
function failure(open: () => unknown): { readonly code: string; readonly message: string } {
  try {
    open();
  } catch (thrown) {
    if (thrown instanceof ProtocolError) return { code: thrown.code, message: thrown.message };
    throw thrown;
  }
  throw new Error('it was opened');
}

afterEach(() => vi.restoreAllMocks());

describe('compressed bodies', () => {
  it.each(compressedSamples)('of $content by $command are opened', sample => {
    expect(open(sample).equals(sampleContent(sample.content))).toBe(true);
  });

  it.each(compressedSamples)('of $content by $command need exactly their own size', sample => {
    const { length } = sampleContent(sample.content);
    expect(open(sample, length)).toHaveLength(length);
    if (length > 0) expect(failure(() => open(sample, length - 1)).code).toBe('RMQ_BODY_TOO_LARGE');
  });

  it.each([
    ['zlib', zlibType, deflateSync(sampleContent('short'))],
    ['zlib without type bits', 0x001, deflateSync(sampleContent('short'))],
    ['LZ4', lz4Type, frameOf('lz4', 'short')],
    ['ZSTD', zstdType, frameOf('zstd', 'short')],
  ])('are opened by the type their sysFlag names: %s', (_what, sysFlag, stored) => {
    expect(decompressBody(stored, sysFlag, 1_000)).toEqual(sampleContent('short'));
    expect(failure(() => decompressBody(stored, sysFlag, 479)).code).toBe('RMQ_BODY_TOO_LARGE');
  });

  it.each([4, 5, 6, 7])('of the unknown type %i are refused', type => {
    expect(failure(() => decompressBody(Buffer.from('x'), (type << 8) | 1, 1_000))).toEqual({
      code: 'RMQ_BAD_MESSAGE',
      message: `its type ${type} body cannot be decompressed: types are 0 and 3 (zlib), 1 (LZ4) and 2 (ZSTD)`,
    });
  });

  it('made here are those of Java’s producers', () => {
    const java = readOne(sampleBytes('compressed-ZLIB'));
    expect(compressBody(java.body)).toEqual(java.rawBody);
    expect(zlibSysFlag).toBe(java.storedSysFlag);
  });

  it.each([
    ['zlib', zlibType, deflateSync(sampleContent('prose'))],
    ['LZ4', lz4Type, frameOf('lz4', 'mixed', '-9 -B4 -BD')],
    ['LZ4 with block checksums', lz4Type, frameOf('lz4', 'skewed', '-BX')],
    ['ZSTD', zstdType, frameOf('zstd', 'mixed', '-1')],
    ['ZSTD without checksum', zstdType, frameOf('zstd', 'skewed', '--no-check')],
  ])('cut anywhere are refused: %s', (_what, sysFlag, stored) => {
    for (let length = 1; length < stored.length; length++) {
      expect(failure(() => decompressBody(stored.subarray(0, length), sysFlag, mebibyte)).code).toBe(
        'RMQ_BAD_MESSAGE',
      );
    }
  });

  it.each(['zstd', 'lz4'] as const)('in several %s frames, some to be skipped, are joined', format => {
    const skipped = Buffer.from('5a2a4d1803000000aabbcc', 'hex');
    const parts = ['prose', 'short', 'noise'].map(content => frameOf(format, content));
    const opened = (format === 'zstd' ? openZstd : openLz4)(
      Buffer.concat([skipped, ...parts, skipped]),
      mebibyte,
    );
    expect(opened).toEqual(Buffer.concat(['prose', 'short', 'noise'].map(sampleContent)));
  });

  it.each(['zstd', 'lz4'] as const)('in several %s frames share one limit', format => {
    const opener = format === 'zstd' ? openZstd : openLz4;
    const twice = Buffer.concat([frameOf(format, 'prose'), frameOf(format, 'prose')]);
    expect(opener(twice, 40_000)).toHaveLength(40_000);
    expect(failure(() => opener(twice, 39_999)).code).toBe('RMQ_BODY_TOO_LARGE');
  });

  it('do not keep much more memory than they need', () => {
    for (const sample of compressedSamples) {
      const opened = open(sample, 16 * mebibyte);
      expect(opened.buffer.byteLength).toBeLessThanOrEqual(opened.length / 0.75 + 1);
    }
  });
});

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

describe('compressed bodies with random mutations', () => {
  it.each([
    ['zstd', openZstd, 4_000],
    ['lz4', openLz4, 4_000],
  ] as const)('end in bytes within the limit or a typed error: %s', (format, opener, runs) => {
    const random = seeded(format === 'zstd' ? 4_711 : 815);
    const pick = (below: number) => Math.floor(random() * below);
    const frames = compressedSamples
      .filter(s => s.format === format)
      .map(s => Buffer.from(s.base64, 'base64'));
    const small = frames.filter(frame => frame.length < 8_000);
    const outcomes = { opened: 0, refused: 0 };
    for (let run = 0; run < runs; run++) {
      const bytes = Buffer.from(small[pick(small.length)] ?? []);
      for (let i = pick(3); i >= 0; i--)
        bytes.writeUInt8(pick(256), pick(2) === 0 ? pick(bytes.length) : pick(Math.min(40, bytes.length)));
      outcomes[opensWithin(opener, bytes, 200_000) ? 'opened' : 'refused']++;
    }
    expect(outcomes.refused).toBeGreaterThan(runs / 3);
    expect(outcomes.opened).toBeGreaterThan(0);
  });

  it('never go unnoticed where an LZ4 frame has a content checksum', () => {
    const frame = frameOf('lz4', 'skewed', '-1');
    const random = seeded(99);
    for (let run = 0; run < 500; run++) {
      const bytes = Buffer.from(frame);
      const at = Math.floor(random() * bytes.length);
      bytes.writeUInt8(bytes.readUInt8(at) ^ (1 + Math.floor(random() * 255)), at);
      // a copy from elsewhere may give the same bytes
      if (opensWithin(openLz4, bytes, mebibyte))
        expect(openLz4(bytes, mebibyte)).toEqual(sampleContent('skewed'));
    }
  });
});

describe('LZ4 frames', () => {
  const block = Buffer.from([0x10, 0x41, 0x01, 0x00, 0x50, 1, 2, 3, 4, 5]); // A, four times A, five more bytes

  it('of hand-made blocks are opened', () => {
    expect(openLz4(lz4Frame([block]), 100)).toEqual(Buffer.from([65, 65, 65, 65, 65, 1, 2, 3, 4, 5]));
  });

  it.each([
    ['a distance of 0', Buffer.from([0x10, 0x41, 0, 0, 0x10, 1]), 'a copy reaches 0 bytes back'],
    ['a distance before the block', Buffer.from([0x10, 0x41, 2, 0, 0x10, 1]), 'a copy reaches 2 bytes back'],
    ['literals past the end', Buffer.from([0x20, 0x41]), 'literals run past the end'],
    ['a literal length cut off', Buffer.from([0xf0, 255, 255]), 'a length is cut off'],
    ['a copy length cut off', Buffer.from([0x1f, 0x41, 1, 0, 255]), 'a length is cut off'],
    ['a distance cut off', Buffer.from([0x10, 0x41, 1]), 'a copy is cut off'],
    ['no literals at the end', Buffer.from([0x10, 0x41, 1, 0]), 'a block ends without literals'],
    [
      'more output than a block may have',
      Buffer.concat([Buffer.from([0x1f, 0x41, 1, 0]), Buffer.alloc(260, 255), Buffer.from([0, 0x10, 1])]),
      'a block makes more than its frame allows',
    ],
    [
      'more literals than a block may have',
      Buffer.concat([
        Buffer.from([0x1f, 0x41, 1, 0]),
        Buffer.alloc(256, 255),
        Buffer.from([200, 0xf0, 200]),
        Buffer.alloc(215),
      ]),
      'a block makes more than its frame allows',
    ],
  ])('with %s are refused', (_what, bytes, problem) => {
    expect(failure(() => openLz4(lz4Frame([bytes]), mebibyte)).message).toContain(problem);
  });

  it.each([
    ['another version', 0x20, 0x40, 'its flags 0x20 are unknown'],
    ['the reserved flag', 0x62, 0x40, 'its flags 0x62 are unknown'],
    ['a dictionary', 0x61, 0x40, 'it needs a dictionary'],
    ['a block size unknown', 0x60, 0x30, 'its block size code 3 is unknown'],
  ])('with %s are refused', (_what, flags, blockCode, problem) => {
    expect(failure(() => openLz4(lz4Frame([block], { flags, blockCode }), 100)).message).toContain(problem);
  });

  it('with a wrong header checksum are refused', () => {
    const frame = lz4Frame([block]);
    frame.writeUInt8(frame.readUInt8(6) ^ 1, 6);
    expect(failure(() => openLz4(frame, 100)).message).toContain('its header checksum differs');
  });

  it('with a block larger than announced are refused', () => {
    expect(failure(() => openLz4(lz4Frame([Buffer.alloc(65_537)]), mebibyte)).message).toContain(
      'a block of 65537 bytes is larger than 65536',
    );
  });

  it('that hold less than announced are refused', () => {
    expect(failure(() => openLz4(lz4Frame([block], { flags: 0x68, size: 11 }), 100)).message).toContain(
      'it announced 11 bytes and holds 10',
    );
  });

  it('that are something else are refused', () => {
    expect(failure(() => openLz4(Buffer.from('hello'), 100)).message).toContain(
      '0x6c6c6568 at byte 0 begins no frame',
    );
  });

  it.each([
    ['', 0x02cc_5d05],
    ['abc', 0x32d1_53ff],
    ['Nobody inspects the spammish repetition', 0xe229_3b2f],
  ])('are summed by XXH32: "%s"', (text, sum) => {
    expect(xxh32(Buffer.from(text), 0, text.length)).toBe(sum);
  });
});

describe('ZSTD frames', () => {
  const header = Buffer.from('28b52ffd0038', 'hex'); // window of 128 KiB, no size, no checksum

  it.each([
    ['a reserved header bit', '28b52ffd0838010000', 'its header uses a reserved bit'],
    ['a dictionary', '28b52ffd013805010000', 'it needs a dictionary'],
    ['a block of type 3', '28b52ffd0038070000', 'a block has type 3'],
    ['a block too large', '28b52ffd0000410000', 'it is cut off'],
    ['a raw block larger than the window', '28b52ffd0000092000', 'a block of 1025 bytes is larger than 1024'],
    ['another magic', '29b52ffd', '0xfd2fb529 at byte 0 begins no frame'],
    ['less than announced', '28b52ffd2002090000aa', 'it announced 2 bytes and holds 1'],
  ])('with %s are refused', (_what, hex, problem) => {
    expect(failure(() => openZstd(Buffer.from(hex, 'hex'), mebibyte)).message).toContain(problem);
  });

  it.each([
    ['no sequences section', '08aa', 'a block has no sequences section'],
    ['literals cut off', '10aa', 'literals are cut off'],
    ['repeated literals cut off', '09', 'literals are cut off'],
    ['a literals header cut off', '0c', 'a literals section is cut off'],
    ['bytes behind no sequences', '08aa00ff', 'a block without sequences goes on'],
    ['a Huffman table never given', '134000ff00', 'a Huffman table that was never given'],
    ['Huffman literals cut off', '02ffff', 'literals are cut off'],
    ['a Huffman weight past 11', '42000181f0ffff00', 'a Huffman weight is 15'],
    ['only Huffman weights of 0', '4200018100ffff00', 'a Huffman table is empty'],
    ['Huffman weights that leave a gap', '4200018131ffff00', 'a Huffman table is not complete'],
    ['Huffman weights cut off', '420001ffffffff00', 'a Huffman table is cut off'],
    ['packed Huffman weights of too high accuracy', '42000103ff000000', 'at most 6 is allowed'],
    ['packed Huffman weights cut off', '42000101000000ff', 'a table is cut off'],
    ['a Huffman stream too long', '420001801000ff00', 'a Huffman stream does not end where it should'],
    [
      'four Huffman streams of five literals',
      '560002801000000000000000',
      '5 literals are too few for four streams',
    ],
    ['Huffman streams cut off', '5600018010000000000000', 'literals are cut off'],
    ['reserved mode bits', '08aa0101', 'a block uses reserved bits'],
    ['a sequence count cut off', '08aaff01', 'a block is cut off'],
    ['modes cut off', '08aa01', 'a block is cut off'],
    ['an earlier table never given', '08aa01c0', 'a literal length table that was never given'],
    ['a code out of range', '08aa014024', 'its only literal length code 36 is unknown'],
    ['a table with too high accuracy', '08aa01800f', 'a table has accuracy 20, at most 9 is allowed'],
    ['no end mark', '08aa01540000000000', 'a bit stream has no end mark'],
    ['bits left over', '08aa0154010000ffff', 'do not end where they should'],
    ['too few bits', '08aa01540f020101', 'the sequences of a block are cut off'],
    ['a distance before the start', '08aa0154000500ff', 'bytes back'],
    [
      'more literals taken than there are',
      '08aa0154030000' + '01',
      'a sequence takes more literals than there are',
    ],
    ['a distance of 0', '08aa015400010003', 'bytes back'],
  ])('with a block of %s are refused', (_what, hex, problem) => {
    expect(failure(() => openZstd(zstdFrame(header, Buffer.from(hex, 'hex')), mebibyte)).message).toContain(
      problem,
    );
  });
});

describe('ZSTD of Node itself', () => {
  const stored = frameOf('zstd', 'short');

  it('is used where there is one', () => {
    const native = vi.fn(() => Buffer.from('opened'));
    expect(zstdBy(native)(stored, 1_000)).toEqual(Buffer.from('opened'));
    expect(native).toHaveBeenCalledExactlyOnceWith(stored, { maxOutputLength: 1_000 });
    expect(zstdBy(undefined)(stored, 1_000)).toEqual(sampleContent('short'));
  });

  it('is not asked when a body announces too much', () => {
    const native = vi.fn();
    expect(failure(() => zstdBy(native)(announcing(2_000, stored), 1_000)).code).toBe('RMQ_BODY_TOO_LARGE');
    expect(native).not.toHaveBeenCalled();
  });

  it.each([
    ['ERR_BUFFER_TOO_LARGE', 'RMQ_BODY_TOO_LARGE'],
    ['ZSTD_error_corruption_detected', 'RMQ_BAD_MESSAGE'],
  ])('failing with %s is %s', (code, ours) => {
    const native = () => {
      throw Object.assign(new Error('native'), { code });
    };
    expect(failure(() => zstdBy(native)(stored, 1_000)).code).toBe(ours);
    expect(failure(() => zstdBy(native)(Buffer.from('other'), 1_000)).code).toBe(ours);
  });
});

function opensWithin(opener: OpenBody, bytes: Buffer, limit: number): boolean {
  try {
    const opened = opener(bytes, limit);
    if (opened.length > limit) throw new RangeError(`${opened.length} bytes`);
    return true;
  } catch (thrown) {
    if (thrown instanceof ProtocolError) return false;
    throw thrown;
  }
}

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

function lz4Frame(
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

function zstdFrame(header: Buffer, block: Buffer): Buffer {
  return Buffer.concat([header, littleEndian((block.length << 3) | 5, 3), block]);
}

/** The same frame with a header that names this content size. */
function announcing(size: number, frame: Buffer): Buffer {
  const sizeBytes = Buffer.alloc(8);
  sizeBytes.writeUIntLE(size, 0, 6);
  return Buffer.concat([frame.subarray(0, 4), Buffer.from([0xc0, 0x38]), sizeBytes, frame.subarray(6)]);
}

function littleEndian(value: number, count: number): Buffer {
  const bytes = Buffer.alloc(count);
  bytes.writeUIntLE(value, 0, count);
  return bytes;
}
