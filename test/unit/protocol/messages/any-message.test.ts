// SPDX-License-Identifier: Apache-2.0
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bodyCrcMatches } from '../../../../src/protocol/message-record.ts';
import { encodeStoredMessage } from '../../../../src/protocol/record-encoder.ts';
import { fieldsOf, read, readOne, record } from './message-samples.ts';

describe('any message', () => {
  const int32 = fc.integer();
  const word = fc
    .array(fc.constantFrom('a', 'Z', '0', '_', 'é', '😀', ' ', '\u0001', 'TAGS'), {
      minLength: 1,
      maxLength: 20,
    })
    .map(parts => parts.join(''));
  const ip = fc.oneof(
    fc.ipV4(),
    fc.ipV6().map(v6 => `[${v6}]`),
  );
  const host = fc
    .tuple(ip, fc.integer({ min: 0, max: 65_535 }))
    .map(([address, port]) => `${address}:${port}`);
  const fields = fc.record({
    topic: fc.stringMatching(/^[a-zA-Z0-9_%-]{1,255}$/),
    queueId: int32,
    queueOffset: fc.maxSafeNat(),
    commitLogOffset: fc.maxSafeNat(),
    flag: int32,
    sysFlag: fc.constantFrom(0, 2, 4, 8, 0x40, 0x80, 0x700),
    bornTimestamp: fc.maxSafeInteger(),
    bornHost: host,
    storeTimestamp: fc.maxSafeInteger(),
    storeHost: host,
    reconsumeTimes: int32,
    preparedTransactionOffset: fc.maxSafeInteger(),
    body: fc.uint8Array({ maxLength: 300 }).map(bytes => Buffer.from(bytes)),
    properties: fc.array(
      fc.tuple(
        word.filter(name => !name.includes('\u0001')),
        word,
      ),
      { maxLength: 8 },
    ),
  });

  it('comes back as it was written, beside any neighbour', () => {
    fc.assert(
      fc.property(fc.array(fields, { maxLength: 4 }), list => {
        const body = Buffer.concat(list.map(encodeStoredMessage));
        const { messages, damage } = read(body);
        expect(damage).toBeUndefined();
        expect(messages).toHaveLength(list.length);
        messages.forEach((message, i) => {
          const given = list[i];
          expect(given).toBeDefined();
          if (given === undefined) return;
          expect(fieldsOf(message, message.properties)).toEqual({
            ...given,
            bornHost: message.bornHost,
            storeHost: message.storeHost,
            sysFlag: message.storedSysFlag,
            properties: new Map(given.properties),
          });
          expect(message.storedSysFlag & ~0x30).toBe(given.sysFlag);
          expect(encodeStoredMessage(fieldsOf(message, given.properties))).toEqual(
            encodeStoredMessage(given),
          );
          expect(bodyCrcMatches(message)).toBe(true);
        });
      }),
      { numRuns: 300 },
    );
  });

  it('finds tags, keys and ids where the whole table of properties has them', () => {
    const piece = fc.constantFrom(
      'TAGS',
      'KEYS',
      'UNIQ_KEY',
      'TAG',
      'TAGSX',
      '\u0001',
      '\u0002',
      'a',
      'é',
      '',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 24 }), pieces => {
        const message = readOne(withPropertiesText(pieces.join('')));
        expect(message.tags).toBe(message.properties.get('TAGS'));
        expect(message.keys).toEqual(
          (message.properties.get('KEYS') ?? '').split(' ').filter(key => key !== ''),
        );
        expect(message.msgId).toBe(message.properties.get('UNIQ_KEY') ?? message.offsetMsgId);
      }),
      { numRuns: 3_000 },
    );
  });
});

function withPropertiesText(text: string): Buffer {
  const bytes = Buffer.from(text);
  const length = Buffer.alloc(2);
  length.writeInt16BE(bytes.length);
  const whole = Buffer.concat([record().subarray(0, -2), length, bytes]);
  whole.writeInt32BE(whole.length, 0);
  return whole;
}
