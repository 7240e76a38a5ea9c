// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { ProtocolError } from '../../../src/errors/errors.ts';
import { decodeFrame } from '../../../src/protocol/frame.ts';

function frameWith(header: string | Buffer, type = 0): Buffer {
  const bytes = Buffer.from(header);
  const word = Buffer.alloc(4);
  word.writeUInt32BE(type * 2 ** 24 + bytes.length);
  return Buffer.concat([word, bytes]);
}

function jsonWith(members: string): Buffer {
  return frameWith(`{"code":0,"opaque":1,"flag":1,"language":"JAVA","version":1,${members}}`);
}

/** A binary header of which one length claims something else. */
function binaryWith(remarkLength: number, fieldsLength: number, fields = ''): Buffer {
  const bytes = Buffer.alloc(21 + fields.length / 2);
  bytes.writeInt32BE(remarkLength, 13);
  bytes.writeInt32BE(fieldsLength, 17);
  bytes.write(fields, 21, 'hex');
  return frameWith(bytes, 1);
}

function thrownBy(act: () => unknown): unknown {
  try {
    return act();
  } catch (error) {
    return error;
  }
}

const deep = 100_000;

describe('a hostile frame', () => {
  const cases: readonly (readonly [name: string, bytes: Buffer, code: string, says: string])[] = [
    ['nothing', Buffer.alloc(0), 'RMQ_BAD_FRAME', '0 bytes'],
    ['three bytes', Buffer.alloc(3), 'RMQ_BAD_FRAME', '3 bytes'],
    ['an unknown serialize type', frameWith('{}', 2), 'RMQ_BAD_FRAME', 'type 2'],
    ['serialize type 255', frameWith('{}', 255), 'RMQ_BAD_FRAME', 'type 255'],
    ['a header longer than the frame', Buffer.from('00000010', 'hex'), 'RMQ_BAD_FRAME', 'header of 16 bytes'],
    ['a header past 4 MiB', frameWith(Buffer.alloc(5_000_000)), 'RMQ_BAD_FRAME', 'header of 5000000 bytes'],
    ['an empty header', frameWith(''), 'RMQ_BAD_HEADER', 'no JSON'],
    ['garbage', frameWith(Buffer.from('deadbeef00', 'hex')), 'RMQ_BAD_HEADER', 'no JSON'],
    ['a cut JSON text', frameWith('{"code":0,"opaque":1'), 'RMQ_BAD_HEADER', 'no JSON'],
    ['a list', frameWith('[1]'), 'RMQ_BAD_HEADER', 'no object'],
    ['null', frameWith('null'), 'RMQ_BAD_HEADER', 'no object'],
    ['a number', frameWith('7'), 'RMQ_BAD_HEADER', 'no object'],
    ['a map keyed by objects', frameWith('{{"a":1}:2}'), 'RMQ_BAD_HEADER', 'no object'],
    ['no code', frameWith('{"opaque":1}'), 'RMQ_BAD_HEADER', 'code is missing'],
    ['no opaque', frameWith('{"code":1}'), 'RMQ_BAD_HEADER', 'opaque is missing'],
    [
      'a code that is text',
      frameWith('{"code":"0","opaque":1}'),
      'RMQ_BAD_HEADER',
      'code is no whole number',
    ],
    [
      'a code with a fraction',
      frameWith('{"code":1.5,"opaque":1}'),
      'RMQ_BAD_HEADER',
      'code is no whole number',
    ],
    [
      'an opaque past 32 bits',
      frameWith('{"code":1,"opaque":4294967296}'),
      'RMQ_BAD_HEADER',
      'opaque is no whole number',
    ],
    [
      'an opaque past 2^53',
      frameWith('{"code":1,"opaque":9007199254740993}'),
      'RMQ_BAD_HEADER',
      'opaque is no whole',
    ],
    [
      'a flag that is an object',
      frameWith('{"code":1,"opaque":1,"flag":{}}'),
      'RMQ_BAD_HEADER',
      'flag is no whole',
    ],
    ['a remark that is a number', jsonWith('"remark":7'), 'RMQ_BAD_HEADER', 'remark is no text'],
    ['fields that are a list', jsonWith('"extFields":["a"]'), 'RMQ_BAD_HEADER', 'extFields is no object'],
    ['fields that are text', jsonWith('"extFields":"a"'), 'RMQ_BAD_HEADER', 'extFields is no object'],
    [
      'a field that is an object',
      jsonWith('"extFields":{"a":{"b":1}}'),
      'RMQ_BAD_HEADER',
      'field a is no text',
    ],
    ['deep nesting', jsonWith(`"x":${'['.repeat(deep)}${']'.repeat(deep)}`), 'RMQ_BAD_HEADER', 'no JSON'],
    ['nesting without an end', frameWith('{"a":'.repeat(deep)), 'RMQ_BAD_HEADER', 'no JSON'],
    ['a short binary header', frameWith(Buffer.alloc(20), 1), 'RMQ_BAD_HEADER', '20 bytes'],
    ['a negative remark length', binaryWith(-1, 0), 'RMQ_BAD_HEADER', 'remark claims -1'],
    ['a remark past the end', binaryWith(1, 0), 'RMQ_BAD_HEADER', 'remark claims 1 of 0'],
    ['a negative length of fields', binaryWith(0, -5), 'RMQ_BAD_HEADER', 'fields claims -5'],
    ['fields past the end', binaryWith(0, 2_000_000_000), 'RMQ_BAD_HEADER', 'fields claims 2000000000'],
    ['a field cut in its length', binaryWith(0, 1, '00'), 'RMQ_BAD_HEADER', 'length is cut off'],
    ['a negative name length', binaryWith(0, 6, 'ffff00000000'), 'RMQ_BAD_HEADER', 'field name claims -1'],
    ['a name past the end', binaryWith(0, 3, '000561'), 'RMQ_BAD_HEADER', 'field name claims 5'],
    [
      'a value past the end',
      binaryWith(0, 8, '0001617fffffff62'),
      'RMQ_BAD_HEADER',
      'field value claims 2147483647',
    ],
    ['a field without a value', binaryWith(0, 3, '000161'), 'RMQ_BAD_HEADER', 'field value'],
  ];

  it.each(cases)('%s is a typed error that says why', (_name, bytes, code, says) => {
    const error = thrownBy(() => decodeFrame(bytes));
    expect(error).toBeInstanceOf(ProtocolError);
    expect(error).toMatchObject({ code, message: expect.stringContaining(says) });
  });

  it('with 4 MB of brackets is left at the first that is too deep', () => {
    const cause = { code: 'RMQ_BAD_JSON', context: { at: 8 } };
    expect(thrownBy(() => decodeFrame(frameWith('['.repeat(4_000_000))))).toMatchObject({
      code: 'RMQ_BAD_HEADER',
      cause,
    });
  });
});

describe('an unusual header that Java accepts', () => {
  it('may leave out flag, language and version', () => {
    const { flag, language, version, fields } = decodeFrame(frameWith('{"code":3,"opaque":1}'));
    expect({ flag, language, version, fields }).toEqual({
      flag: 0,
      language: undefined,
      version: 0,
      fields: {},
    });
  });

  it('may have numbers and booleans as fields, which become text without rounding', () => {
    const frame = decodeFrame(jsonWith('"extFields":{"queueId":3,"b":true,"n":null,"o":9007199254740993}'));
    expect({ ...frame.fields }).toEqual({ queueId: '3', b: 'true', o: '9007199254740993' });
  });

  it.each([
    ['"COBOL"', 'COBOL'],
    ['9', 'GO'],
    ['99', undefined],
    ['null', undefined],
  ])('may have the language %s', (text, language) => {
    expect(decodeFrame(frameWith(`{"code":0,"opaque":1,"language":${text}}`)).language).toBe(language);
  });

  it('may be nearly as large as the limit', () => {
    const msgId = 'AC1100010000'.repeat(100_000);
    expect(decodeFrame(jsonWith(`"extFields":{"msgId":"${msgId}"}`)).fields['msgId']).toHaveLength(1_200_000);
  });

  it.each([
    ['JSON', jsonWith('"extFields":{"__proto__":"x","constructor":"y","a":"b"}')],
    ['binary', binaryWith(0, 34, '00095f5f70726f746f5f5f0000000178000b636f6e7374727563746f720000000179')],
  ])('may call %s fields __proto__ or constructor, which are fields like any other', (_name, bytes) => {
    const { fields } = decodeFrame(bytes);
    expect(Object.getPrototypeOf(fields)).toBeNull();
    expect(fields['constructor']).toBe('y');
    expect(new Map(Object.entries(fields)).get('__proto__')).toBe('x');
    expect('x' in {}).toBe(false);
  });
});
