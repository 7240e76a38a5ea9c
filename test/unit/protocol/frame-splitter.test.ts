// SPDX-License-Identifier: Apache-2.0
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ProtocolError } from '../../../src/errors/errors.ts';
import { encodeFrame } from '../../../src/protocol/frame.ts';
import { FrameSplitter } from '../../../src/protocol/frame-splitter.ts';
import { bytesOf, frameSamples, recordedFrames } from './wire-samples.ts';

const maxFrameSize = 16 * 1024 * 1024;

/** The frames, as hex with their length prefix, that come out of these chunks. */
function split(chunks: readonly Buffer[], limit = maxFrameSize): readonly string[] {
  const splitter = new FrameSplitter({ maxFrameSize: limit });
  const frames: string[] = [];
  for (const chunk of chunks) splitter.push(chunk, bytes => frames.push(withPrefix(bytes)));
  expect(splitter.buffered).toBe(0);
  return frames;
}

function withPrefix(bytes: Buffer): string {
  return bytes.length.toString(16).padStart(8, '0') + bytes.toString('hex');
}

function singleBytes(bytes: Buffer): readonly Buffer[] {
  return Array.from({ length: bytes.length }, (_, i) => bytes.subarray(i, i + 1));
}

const samples = [
  ...frameSamples.map(({ name, frameHex }) => ({ title: name, frameHex })),
  ...recordedFrames.map(({ title, frameHex }) => ({ title, frameHex })),
];

describe('a captured frame', () => {
  it.each(samples)('$title comes out whole wherever it is cut in two', ({ frameHex }) => {
    const bytes = bytesOf(frameHex);
    for (let cut = 0; cut <= bytes.length; cut++) {
      const frames = split([bytes.subarray(0, cut), bytes.subarray(cut)]);
      if (frames.length !== 1 || frames[0] !== frameHex) expect([cut, frames]).toEqual([cut, [frameHex]]);
    }
  });

  it.each(samples)('$title comes out whole byte by byte', ({ frameHex }) => {
    expect(split(singleBytes(bytesOf(frameHex)))).toEqual([frameHex]);
  });
});

describe('a stream of frames', () => {
  const hexes = samples.map(sample => sample.frameHex);
  const stream = Buffer.concat(hexes.map(bytesOf));

  it('in one chunk gives every frame in order', () => {
    expect(split([stream])).toEqual(hexes);
  });

  it('gives every frame in order through chunks of any size', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 9000 }), { maxLength: 60 }), sizes => {
        const chunks: Buffer[] = [];
        let at = 0;
        for (const size of sizes) {
          chunks.push(stream.subarray(at, at + size));
          at += size;
        }
        expect(split([...chunks, stream.subarray(at)])).toEqual(hexes);
      }),
      { numRuns: 60 },
    );
  });

  it('hands over views of the chunk, without copying', () => {
    const views: Buffer[] = [];
    new FrameSplitter({ maxFrameSize }).push(stream, bytes => views.push(bytes));
    expect(views.every(view => view.buffer === stream.buffer)).toBe(true);
  });

  it('hands over a frame in pieces that later chunks cannot change', () => {
    const bytes = bytesOf(hexes[0] ?? '');
    const splitter = new FrameSplitter({ maxFrameSize });
    const frames: Buffer[] = [];
    for (const half of [bytes.subarray(0, 30), bytes.subarray(30)]) {
      const chunk = Buffer.from(half);
      splitter.push(chunk, frame => frames.push(frame));
      chunk.fill(0xff);
    }
    splitter.push(stream.subarray(0, 100), () => {});
    expect(frames.map(withPrefix)).toEqual([hexes[0]]);
  });

  it('says how many bytes wait for the rest of a frame', () => {
    const splitter = new FrameSplitter({ maxFrameSize });
    const waiting = [3, 5, 20].map(size => {
      splitter.push(stream.subarray(splitter.buffered, splitter.buffered + size), () => {});
      return splitter.buffered;
    });
    expect(waiting).toEqual([3, 8, 28]);
  });
});

describe('a large frame in small pieces', () => {
  // were each of the 245,760 pieces to copy what came before, 1.8 TB would be copied and the test's time limit passed
  it('costs time in proportion to its size', () => {
    const frame = encodeFrame({ code: 0, opaque: 1, body: Buffer.alloc(15 * 1024 * 1024, 7) });
    const chunks: Buffer[] = [];
    for (let at = 0; at < frame.length; at += 64) chunks.push(frame.subarray(at, at + 64));
    const splitter = new FrameSplitter({ maxFrameSize });
    let received: Buffer | undefined;
    for (const chunk of chunks) splitter.push(chunk, bytes => (received = bytes));
    expect(received?.equals(frame.subarray(4))).toBe(true);
  });

  it('takes space for what arrived, not for what is claimed', () => {
    const splitters = Array.from({ length: 100 }, () => new FrameSplitter({ maxFrameSize }));
    const before = process.memoryUsage();
    for (const splitter of splitters) splitter.push(Buffer.from('00fffff80000010011', 'hex'), () => {});
    const grown = process.memoryUsage().arrayBuffers - before.arrayBuffers;
    expect(grown).toBeLessThan(100 * 512 * 1024); // claimed are 1.6 GB
    expect(splitters.every(splitter => splitter.buffered === 9)).toBe(true);
  });
});

describe('a hostile stream', () => {
  const cases: readonly (readonly [name: string, hex: string, code: string, says: string])[] = [
    ['a length of 0', '00000000', 'RMQ_BAD_FRAME', 'claims 0 bytes'],
    ['a length of 3', '00000003', 'RMQ_BAD_FRAME', 'claims 3 bytes'],
    ['a negative length', 'ffffffff', 'RMQ_BAD_FRAME', 'claims -1 bytes'],
    ['the most negative length', '80000000', 'RMQ_BAD_FRAME', 'claims -2147483648 bytes'],
    ['a length past the limit', '01000000', 'RMQ_BAD_FRAME', 'claims 16777220 bytes, at most 16777216'],
    ['the largest length', '7fffffff', 'RMQ_BAD_FRAME', 'claims 2147483651 bytes'],
    [
      'a header longer than the frame',
      '0000000800000005',
      'RMQ_BAD_FRAME',
      'frame of 8 bytes claims a header of 5',
    ],
    ['a header past 4 MiB', '00f0000000500000', 'RMQ_BAD_FRAME', 'header of 5242880 bytes, at most 4194304'],
    ['serialize type 2', '0000000802000004', 'RMQ_BAD_FRAME', 'unknown serialize type 2'],
    ['HTTP/1', Buffer.from('HTTP/1.1 400 Bad Request').toString('hex'), 'RMQ_NOT_REMOTING', 'HTTP/1'],
    ['HTTP/2 SETTINGS of the gRPC proxy', '000012040000000000000300000000', 'RMQ_NOT_REMOTING', 'gRPC'],
    ['HTTP/2 SETTINGS without entries', '000000040000000000', 'RMQ_NOT_REMOTING', 'gRPC'],
    ['HTTP/2 GOAWAY', '00002e0700000000000000000000000001', 'RMQ_NOT_REMOTING', 'gRPC'],
    ['a TLS alert', '15030300020246', 'RMQ_NOT_REMOTING', 'TLS'],
    ['a TLS handshake', '160301020001', 'RMQ_NOT_REMOTING', 'TLS'],
    ['SSH', Buffer.from('SSH-2.0-OpenSSH_9.6').toString('hex'), 'RMQ_NOT_REMOTING', '"SSH-"'],
    ['a browser', Buffer.from('GET / HTTP/1.1').toString('hex'), 'RMQ_NOT_REMOTING', '"GET "'],
  ];

  it.each(cases)(
    'beginning with %s is a typed error that says why, before anything is kept',
    (_name, hex, code, says) => {
      for (const chunks of [[bytesOf(hex)], singleBytes(bytesOf(hex))]) {
        const splitter = new FrameSplitter({ maxFrameSize });
        const error = thrownBy(() => {
          for (const chunk of chunks) splitter.push(chunk, () => expect.unreachable());
        });
        expect(error).toBeInstanceOf(ProtocolError);
        expect(error).toMatchObject({ code, message: expect.stringContaining(says) });
        expect(splitter.buffered).toBeLessThanOrEqual(8);
      }
    },
  );

  it('is still refused after good frames, as a bad frame', () => {
    const good = bytesOf(samples[0]?.frameHex ?? '');
    const splitter = new FrameSplitter({ maxFrameSize });
    let frames = 0;
    const push = () => splitter.push(Buffer.concat([good, Buffer.from('HTTP/1.1 ')]), () => frames++);
    expect(push).toThrow(expect.objectContaining({ code: 'RMQ_BAD_FRAME' }));
    expect(frames).toBe(1);
  });

  it('may have frames of exactly the limit', () => {
    const frame = encodeFrame({ code: 0, opaque: 1, body: Buffer.alloc(900) });
    expect(split([frame], frame.length)).toHaveLength(1);
    expect(() => split([frame], frame.length - 1)).toThrow(
      expect.objectContaining({ code: 'RMQ_BAD_FRAME' }),
    );
  });

  it('of random bytes ends in frames or in a typed error, never in anything else', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 6 }), chunks => {
        const splitter = new FrameSplitter({ maxFrameSize: 1024 });
        const error = thrownBy(() => {
          for (const chunk of chunks) splitter.push(Buffer.from(chunk), () => {});
        });
        expect(error === undefined || error instanceof ProtocolError).toBe(true);
        expect(splitter.buffered).toBeLessThanOrEqual(1024);
      }),
    );
  });
});

function thrownBy(act: () => void): unknown {
  try {
    return act();
  } catch (error) {
    return error;
  }
}
