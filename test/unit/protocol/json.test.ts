// SPDX-License-Identifier: Apache-2.0
import fc from 'fast-check';
import Long from 'long';
import { describe, expect, it } from 'vitest';
import { ProtocolError } from '../../../src/errors/errors.ts';
import { isJsonObject, JsonMap, parseJson } from '../../../src/protocol/json.ts';
import { bodyTexts } from './wire-samples.ts';

describe('JSON as fastjson writes it', () => {
  it('may have bare integers as keys', () => {
    expect(parseJson('{0:"a",-1:"b","x":1}')).toEqual({ 0: 'a', '-1': 'b', x: 1 });
  });

  it('may have objects as keys, which become pairs in order', () => {
    expect(parseJson('{{"q":0}:7,{"q":1}:{{"r":2}:8}}')).toEqual(
      new JsonMap([
        [{ q: 0 }, 7],
        [{ q: 1 }, new JsonMap([[{ r: 2 }, 8]])],
      ]),
    );
  });

  it.each([
    ['9007199254740991', 9007199254740991],
    ['-9007199254740991', -9007199254740991],
    ['9007199254740992', Long.fromString('9007199254740992')],
    ['9007199254740993', Long.fromString('9007199254740993')],
    ['9223372036854775807', Long.MAX_VALUE],
    ['-9223372036854775808', Long.MIN_VALUE],
    ['9223372036854775808', 2 ** 63],
    ['123456789012345678901234567890', 1.2345678901234568e29],
    ['0.1234567890123456', 0.1234567890123456],
    ['1.5E3', 1500],
    ['-0', -0],
  ])('never rounds the whole number %s', (text, value) => {
    expect(parseJson(text)).toEqual(value);
  });

  it.each(
    Object.entries({ ...bodyTexts['5.3.3'], ...bodyTexts['5.5.0'] }).filter(([, text]) =>
      /^\{.*\}$/s.test(text),
    ),
  )('is read in the sample %s', (_name, text) => {
    expect(isJsonObject(parseJson(text))).toBe(true);
  });

  it('means what JSON.parse says wherever that can read it', () => {
    const noProto = fc
      .jsonValue({ maxDepth: 6 })
      .filter(value => !JSON.stringify(value).includes('__proto__'));
    fc.assert(
      fc.property(noProto, fc.constantFrom(undefined, 1, '\t'), (value, indent) => {
        const text = JSON.stringify(value, null, indent);
        const standard: unknown = JSON.parse(text);
        expect(parseJson(text)).toEqual(withLongs(standard));
      }),
    );
  });
});

/** Whole numbers past 2^53 are never told as numbers. */
function withLongs(value: unknown): unknown {
  if (typeof value === 'number' && Number.isInteger(value) && !Number.isSafeInteger(value)) {
    const text = String(value);
    return /^-?\d{1,19}$/.test(text) && Long.fromString(text).toString() === text
      ? Long.fromString(text)
      : value;
  }
  if (Array.isArray(value)) return value.map(withLongs);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, withLongs(member)]));
}

describe('a name from outside', () => {
  it('is a name like any other, also __proto__', () => {
    const parsed = parseJson('{"__proto__":{"polluted":1},"constructor":2,"a":3}');
    expect(Object.getPrototypeOf(parsed)).toBeNull();
    expect(isJsonObject(parsed) && Object.keys(parsed)).toEqual(['__proto__', 'constructor', 'a']);
    expect('polluted' in {}).toBe(false);
  });
});

describe('text that is no JSON', () => {
  const cases: readonly (readonly [text: string, says: string])[] = [
    ['', 'it ends too early at 0'],
    ['   ', 'it ends too early'],
    ['{', 'a name is missing at 1'],
    ['{"a"', "':' is missing at 4"],
    ['{"a":', 'it ends too early at 5'],
    ['{"a":1', "'}' is missing"],
    ['{"a":1,}', 'a name is missing at 7'],
    ['{a:1}', 'a name is missing at 1'],
    ["{'a':1}", 'a name is missing at 1'],
    ['{"a":1}{', 'there is more after the end at 7'],
    ['{{"a":1}}', "':' is missing"],
    ['{{"a":1}:1,', 'it ends too early'],
    ['[1,]', 'a value is missing at 3'],
    ['[1 2]', "']' is missing"],
    ['[', 'it ends too early'],
    ['"a', 'a text does not end'],
    ['"a\n"', 'a text does not end'],
    ['"\\', 'a text does not end'],
    ['"\\x"', 'wrong escape'],
    ['"\\u12"', 'wrong escape'],
    ['tru', 'a value is missing at 0'],
    ['truely', 'there is more after the end at 4'],
    ['01', 'there is more after the end at 1'],
    ['1.', 'there is more after the end'],
    ['-', 'a value is missing'],
    ['NaN', 'a value is missing'],
    ['undefined', 'a value is missing'],
    ['<html>', 'a value is missing'],
  ];

  it.each(cases)('such as %j is a typed error naming the place', (text, says) => {
    const error = thrownBy(() => parseJson(text));
    expect(error).toBeInstanceOf(ProtocolError);
    expect(error).toMatchObject({ code: 'RMQ_BAD_JSON', message: expect.stringContaining(says) });
  });

  it('is a typed error whatever it is', () => {
    const pieces = fc.constantFrom(
      ...'{}[]:,"\\09-.eE \ntfn'.split(''),
      ...['true', 'null', '\\u0041', '{"a":', '{{', '}:'],
    );
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 30 }), parts => {
        const error = thrownBy(() => void parseJson(parts.join('')));
        expect(error === undefined || error instanceof ProtocolError).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });
});

describe('a limit', () => {
  it('of 32 levels holds for objects, lists and keys', () => {
    const nested = (open: string, close: string, times: number) =>
      `${open.repeat(times)}1${close.repeat(times)}`;
    expect(() => parseJson(nested('[', ']', 32))).not.toThrow();
    for (const text of [
      ...[nested('[', ']', 33), nested('{"a":', '}', 33)],
      ...['{'.repeat(40), '['.repeat(1_000_000)],
    ]) {
      expect(() => parseJson(text)).toThrow(expect.objectContaining({ code: 'RMQ_BAD_JSON' }));
    }
    expect(() => parseJson('['.repeat(40))).toThrow(/nested deeper than 32 at 32/);
  });

  it('of depth may be set', () => {
    expect(() => parseJson('[[1]]', { depth: 1 })).toThrow(/deeper than 1/);
  });

  it('of values keeps a text from growing manyfold in memory', () => {
    expect(() => parseJson(`[${'[],'.repeat(2_000_000)}[]]`)).toThrow(/too many values/);
    expect(parseJson('[1,2,3]', { values: 4 })).toEqual([1, 2, 3]);
    expect(() => parseJson('[1,2,3]', { values: 3 })).toThrow(/too many values/);
  });
});

function thrownBy(act: () => unknown): unknown {
  try {
    act();
    return undefined;
  } catch (error) {
    return error;
  }
}
