// SPDX-License-Identifier: Apache-2.0
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  decodeClientBatch,
  encodeClientBatch,
  readClientBatch,
} from '../../../../src/protocol/client-batch.ts';
import { sampleBytes } from './message-samples.ts';

const golden = sampleBytes('client-batch-body');

describe('a client batch', () => {
  it('written by Java is read message by message', () => {
    expect(decodeClientBatch(golden)).toEqual([
      {
        body: Buffer.from('one'),
        flag: 9,
        properties: new Map(
          Object.entries({ u: '1', KEYS: 'K1', UNIQ_KEY: 'U1', WAIT: 'true', TAGS: 'TagA' }),
        ),
      },
      {
        body: Buffer.from('two'),
        flag: 0,
        properties: new Map(Object.entries({ KEYS: 'K2', UNIQ_KEY: 'U2', WAIT: 'true', TAGS: 'TagB' })),
      },
    ]);
  });

  it('is written byte for byte as Java writes it', () => {
    expect(encodeClientBatch(decodeClientBatch(golden))).toEqual(golden);
  });

  it('without messages is empty', () => {
    expect(encodeClientBatch([])).toHaveLength(0);
    expect(decodeClientBatch(Buffer.alloc(0))).toEqual([]);
  });

  it('cut anywhere else than between messages is refused, naming the message', () => {
    const first = golden.readInt32BE(0);
    for (let length = 1; length < golden.length; length++) {
      const cut = golden.subarray(0, length);
      if (length === first) expect(decodeClientBatch(cut)).toHaveLength(1);
      else {
        expect(() => decodeClientBatch(cut)).toThrowError(
          expect.objectContaining({ code: 'RMQ_BAD_MESSAGE', context: { index: length < first ? 0 : 1 } }),
        );
      }
    }
  });

  it.each([
    ['a negative size', 0, -1, 'size -1 is not between 22 and the 134 bytes left'],
    ['size 0', 0, 0, 'size 0 is not between'],
    ['a size past the end', 0, 135, 'size 135 is not between'],
    ['a negative body length', 16, -1, 'body length -1 is not between 0 and 47'],
    ['the largest body length', 16, 0x7fff_ffff, 'body length 2147483647 is not between 0 and 47'],
    ['a body length that leaves other properties', 16, 4, 'does not fill the 43 bytes that are there'],
  ])('with %s is refused', (_what, at, value, problem) => {
    const bytes = Buffer.from(golden);
    bytes.writeInt32BE(value, at);
    expect(readClientBatch(bytes)).toEqual({ entries: [], problem: expect.stringContaining(problem) });
    expect(() => decodeClientBatch(bytes)).toThrowError(/^message 0 of the batch: /);
  });

  it('comes back as it was written', () => {
    const text = fc.stringMatching(/^[a-zA-Z0-9é ]{1,10}$/);
    const message = fc.record({
      body: fc.uint8Array({ maxLength: 50 }).map(bytes => Buffer.from(bytes)),
      flag: fc.integer(),
      properties: fc.array(fc.tuple(text, text), { maxLength: 5 }).map(pairs => new Map(pairs)),
    });
    fc.assert(
      fc.property(fc.array(message, { maxLength: 6 }), messages => {
        expect(decodeClientBatch(encodeClientBatch(messages))).toEqual(messages);
      }),
    );
  });
});
