// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { openLz4 } from '../../../../src/protocol/compression/lz4-frame.ts';
import { xxh32 } from '../../../../src/protocol/compression/xxh32.ts';
import { failure, lz4Frame, mebibyte } from './compressed-frames.ts';

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
