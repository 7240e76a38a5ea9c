// SPDX-License-Identifier: Apache-2.0
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  encodeProperties,
  findProperty,
  parseProperties,
  valueEnd,
} from '../../../../src/protocol/properties.ts';
import { misc } from './message-samples.ts';

describe('properties text', () => {
  it.each(misc.propertiesParsing)('$text is read as Java reads it', ({ text, parsed }) => {
    expect(Object.fromEntries(parseProperties(text))).toEqual(parsed);
  });

  it.each(misc.propertiesParsing)(
    'a single property of $text is found without reading the others',
    ({ text, parsed }) => {
      for (const name of ['A', 'B', 'K', 'AB', 'novalue', 'x']) expect(find(text, name)).toBe(parsed[name]);
    },
  );

  it('may name a property __proto__ without harm', () => {
    const properties = parseProperties('__proto__\u0001polluted\u0002constructor\u0001x\u0002');
    expect([...properties]).toEqual([
      ['__proto__', 'polluted'],
      ['constructor', 'x'],
    ]);
    expect({}).not.toHaveProperty('polluted');
  });

  it('is written with a separator behind each property, in the order given', () => {
    expect(
      encodeProperties([
        ['B', '2'],
        ['A', 'x\u0001y'],
        ['B', '3'],
      ]),
    ).toBe('B\u00012\u0002A\u0001x\u0001y\u0002B\u00013\u0002');
    expect(encodeProperties(new Map())).toBe('');
  });

  it.each([
    ['an empty name', '', 'v', 'property "" has no name'],
    ['an empty value', 'n', '', 'property "n" has an empty value'],
    ['0x01 in a name', 'a\u0001b', 'v', 'property "a\\u0001b" has 0x01 or 0x02 in its name'],
    ['0x02 in a name', 'a\u0002b', 'v', 'property "a\\u0002b" has 0x01 or 0x02 in its name'],
    ['0x02 in a value', 'n', 'a\u0002b', 'property "n" has 0x02 in its value'],
  ])('is refused with %s', (_what, name, value, message) => {
    expect(() => encodeProperties([[name, value]])).toThrowError(
      expect.objectContaining({ code: 'RMQ_BAD_MESSAGE', message }),
    );
  });

  it('is refused past 32767 bytes, which a length of 16 bits cannot say', () => {
    expect(encodeProperties([['n', 'x'.repeat(32_764)]])).toHaveLength(32_767);
    expect(() => encodeProperties([['n', 'é'.repeat(16_383)]])).toThrowError(
      expect.objectContaining({ code: 'RMQ_BAD_MESSAGE', context: { length: 32_769, limit: 32_767 } }),
    );
  });

  it('comes back as it was written', () => {
    const text = fc.string({ unit: 'binary', minLength: 1 }).filter(t => !t.includes('\u0002'));
    fc.assert(
      fc.property(
        fc.array(
          fc.tuple(
            text.filter(t => !t.includes('\u0001')),
            text,
          ),
          { maxLength: 10 },
        ),
        pairs => {
          expect(parseProperties(encodeProperties(pairs))).toEqual(new Map(pairs));
        },
      ),
    );
  });

  it('gives a property alone the value it has among all', () => {
    const piece = fc.constantFrom('TAGS', 'KEY', 'K', '\u0001', '\u0002', 'é', 'T');
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 30 }), pieces => {
        const text = pieces.join('');
        const all = parseProperties(text);
        for (const name of ['TAGS', 'KEY', 'K', 'T', 'KT']) expect(find(text, name)).toBe(all.get(name));
      }),
      { numRuns: 5_000 },
    );
  });

  it('made only of separators costs no more than its length: a quadratic reading would run into the time limit', () => {
    const text = '\u0002'.repeat(32_767);
    for (let i = 0; i < 400; i++) {
      expect(parseProperties(text).size).toBe(0);
      expect(parseProperties(`a\u0001${text}`).size).toBe(0);
    }
  });
});

/** One property's text by position, as StoredMessage reads it. */
function find(text: string, name: string): string | undefined {
  const bytes = Buffer.from(`before\u0002${text}\u0002after`);
  const start = 7;
  const end = bytes.length - 6;
  const at = findProperty(bytes, start, end, Buffer.from(name));
  return at < 0 ? undefined : bytes.toString('utf8', at, valueEnd(bytes, at, end));
}
