// SPDX-License-Identifier: Apache-2.0
import { deflateSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { ProtocolError } from '../../../../src/errors/errors.ts';
import { openLz4 } from '../../../../src/protocol/compression/lz4-frame.ts';
import { openZstd } from '../../../../src/protocol/compression/zstd-frame.ts';
import {
  compressBody,
  decompressBody,
  type OpenBody,
  zlibSysFlag,
} from '../../../../src/protocol/compression.ts';
import { failure, frameOf, mebibyte } from './compressed-frames.ts';
import { type CompressedSample, compressedSamples, readOne, sampleBytes } from './message-samples.ts';
import { sampleContent, seeded } from './sample-content.ts';

const zlibType = 0x301;
const lz4Type = 0x101;
const zstdType = 0x201;

function open(sample: CompressedSample, limit = mebibyte): Buffer {
  const bytes = Buffer.from(sample.base64, 'base64');
  return sample.format === 'zstd' ? openZstd(bytes, limit) : openLz4(bytes, limit);
}

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
