// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { decodeFrame, encodeFrame, type Frame, isOneway, isResponse } from '../../../src/protocol/frame.ts';
import { frameBytes, frameSamples, recordedFrames } from './wire-samples.ts';

describe('a frame made by Java', () => {
  it.each(frameSamples)('$name decodes to what Java decodes', ({ frameHex, javaDecodes }) => {
    const { code, language, version, opaque, flag, remark, extFields, serializeType, bodyHex } = javaDecodes;
    const fields = Object.entries(extFields ?? {}).filter(([, value]) => value !== null); // a null is as good as absent
    const frame = decodeFrame(frameBytes(frameHex));
    expect({ ...frame, fields: { ...frame.fields }, body: frame.body.toString('hex') }).toEqual({
      ...{ code, language, version, opaque, flag, serializeType },
      remark: remark ?? undefined,
      fields: Object.fromEntries(fields),
      body: bodyHex ?? '',
      size: frameHex.length / 2,
    });
  });

  it.each(frameSamples.filter(sample => sample.name !== 'empty-string-extfield-ROCKETMQ'))(
    '$name is written byte for byte as Java writes it',
    ({ frameHex }) => {
      expect(encodeFrame(decodeFrame(frameBytes(frameHex))).toString('hex')).toBe(frameHex);
    },
  );

  it('loses an empty value in the binary header, as Java does', () => {
    const sample = frameSamples.find(({ name }) => name === 'empty-string-extfield-ROCKETMQ');
    expect(decodeFrame(frameBytes(sample?.frameHex ?? '')).fields).toEqual({ topic: 'T' });
  });
});

describe('a frame captured from a real broker', () => {
  it.each(recordedFrames)(
    '$title decodes to the recorded header',
    ({ frameHex, serializeType, header, bodyText }) => {
      const frame = decodeFrame(frameBytes(frameHex));
      expect(frame.serializeType).toBe(serializeType);
      expect(frame).toMatchObject({
        code: header.code,
        opaque: header.opaque,
        flag: header.flag,
        version: header.version,
      });
      expect(frame.remark).toBe(header.remark ?? undefined);
      expect({ ...frame.fields }).toEqual(header.extFields ?? {});
      if (bodyText !== undefined) expect(frame.body.toString('utf8')).toBe(bodyText);
    },
  );

  it.each(recordedFrames)('$title is written again with the same meaning', ({ frameHex }) => {
    const again = encodeFrame(decodeFrame(frameBytes(frameHex)));
    expect(readIndependently(again)).toEqual(readIndependently(Buffer.from(frameHex, 'hex')));
  });

  it.each(recordedFrames.filter(isWrittenByJava))('$title is written again byte for byte', ({ frameHex }) => {
    expect(encodeFrame(decodeFrame(frameBytes(frameHex))).toString('hex')).toBe(frameHex);
  });
});

/** Java's own frames, in its key order. Where it writes empty extFields or no language, we do not. */
function isWrittenByJava({ title, frameHex }: { title: string; frameHex: string }): boolean {
  const bytes = Buffer.from(frameHex, 'hex');
  const isComplete = bytes.readUInt8(4) === 1 || bytes.includes('"language":');
  return title.endsWith('answer') && isComplete && !bytes.includes('"extFields":{}');
}

/** Header and body by JSON.parse or, for the binary form, as bytes: not by the code under test. */
function readIndependently(frame: Buffer): unknown {
  const word = frame.readUInt32BE(4);
  const headerEnd = 8 + (word & 0xffffff);
  const body = frame.toString('hex', headerEnd);
  if (word >>> 24 === 1) return { header: frame.toString('hex', 8, headerEnd), body };
  const header = JSON.parse(frame.toString('utf8', 8, headerEnd)) as Record<string, unknown>; // a captured JSON header
  return { header: { language: 'OTHER', ...header, extFields: header['extFields'] ?? {} }, body };
}

describe('a frame of ours', () => {
  it('says JSON, OTHER and 441 when nothing else is asked', () => {
    const bytes = encodeFrame({ code: 105, opaque: 7, fields: { topic: 'orders' }, body: Buffer.from('b') });
    const header =
      '{"code":105,"extFields":{"topic":"orders"},"flag":0,"language":"OTHER","opaque":7,"serializeTypeCurrentRPC":"JSON","version":441}';
    expect(bytes.readInt32BE(0)).toBe(bytes.length - 4);
    expect(bytes.readInt32BE(4)).toBe(header.length);
    expect(bytes.toString('latin1', 8)).toBe(`${header}b`);
  });

  it.each(['JSON', 'ROCKETMQ'] as const)('keeps every part through a %s header', serializeType => {
    const sent: Omit<Frame, 'size'> = {
      ...{ code: 19, opaque: -7, flag: 3, language: 'GO', version: 317, remark: 'é "quoted" \u0001 😀' },
      ...{ fields: { a: '1', 主题: '标签\n', empty: 'x' }, body: Buffer.from([0, 1, 255]), serializeType },
    };
    const bytes = encodeFrame(sent);
    const received = decodeFrame(bytes.subarray(4));
    expect({ ...received, fields: { ...received.fields } }).toEqual({ ...sent, size: bytes.length });
  });

  it('is a response or one-way by its flag bits', () => {
    expect([0, 1, 2, 3].map(flag => [isResponse({ flag }), isOneway({ flag })])).toEqual([
      [false, false],
      [true, false],
      [false, true],
      [true, true],
    ]);
  });

  it('refuses a code that the binary header cannot hold', () => {
    const tooLarge = { code: 200050, opaque: 1, serializeType: 'ROCKETMQ' } as const;
    expect(() => encodeFrame(tooLarge)).toThrow(expect.objectContaining({ code: 'RMQ_BAD_HEADER' }));
  });

  it('refuses a header larger than any peer accepts', () => {
    const fields = { properties: 'x'.repeat(5_000_000) };
    expect(() => encodeFrame({ code: 10, opaque: 1, fields })).toThrow(
      expect.objectContaining({ code: 'RMQ_BAD_HEADER' }),
    );
  });

  it('gives the body as a view of the received bytes', () => {
    const bytes = encodeFrame({ code: 0, opaque: 1, body: Buffer.from('body') });
    expect(decodeFrame(bytes.subarray(4)).body.buffer).toBe(bytes.buffer);
  });
});
