// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it, vi } from 'vitest';
import { openZstd } from '../../../../src/protocol/compression/zstd-frame.ts';
import { zstdBy } from '../../../../src/protocol/compression.ts';
import { failure, frameOf, mebibyte, zstdFrame } from './compressed-frames.ts';
import { compressedSamples } from './message-samples.ts';
import { sampleContent } from './sample-content.ts';

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
    const announced = frameOf('zstd', 'prose', '--stream-size=20000');
    expect(failure(() => zstdBy(native)(announced, 19_999))).toEqual({
      code: 'RMQ_BODY_TOO_LARGE',
      message: `its ${announced.length} stored bytes decompress to 20000 bytes, maxBodySize is 19999`,
    });
    expect(native).not.toHaveBeenCalled();
  });

  it('is not asked for a cut frame, which it would open as if it were whole', () => {
    const native = vi.fn();
    for (let length = 1; length < stored.length; length++) {
      expect(failure(() => zstdBy(native)(stored.subarray(0, length), 1_000)).code).toBe('RMQ_BAD_MESSAGE');
    }
    expect(native).not.toHaveBeenCalled();
  });

  it('is not asked for several frames, of which it would open the first', () => {
    const native = vi.fn();
    expect(zstdBy(native)(Buffer.concat([stored, stored]), 1_000)).toHaveLength(960);
    expect(
      zstdBy(native)(Buffer.concat([Buffer.from('5a2a4d1800000000', 'hex'), stored]), 1_000),
    ).toHaveLength(480);
    expect(native).not.toHaveBeenCalled();
  });

  it.each(compressedSamples.filter(s => s.format === 'zstd'))('gets $content by $command', sample => {
    const native = vi.fn(() => Buffer.alloc(0));
    zstdBy(native)(Buffer.from(sample.base64, 'base64'), mebibyte);
    expect(native).toHaveBeenCalledOnce();
  });

  it.each([
    ['ERR_BUFFER_TOO_LARGE', 'RMQ_BODY_TOO_LARGE'],
    ['ZSTD_error_corruption_detected', 'RMQ_BAD_MESSAGE'],
  ])('failing with %s is %s', (code, ours) => {
    const native = () => {
      throw Object.assign(new Error('native'), { code });
    };
    expect(failure(() => zstdBy(native)(stored, 1_000)).code).toBe(ours);
  });
});
