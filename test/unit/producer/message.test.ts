// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { checkBatch, type Message, readyMessage } from '../../../src/producer/message.ts';

const plain: Message = { topic: 'orders', body: 'hello' };

function ready(message: Message, shardingKey?: string) {
  return readyMessage(message, { msgId: 'ID', maxMessageSize: 100, shardingKey });
}

/** Something a caller without types could give. */
function untyped(fields: object): Message {
  return { ...plain, ...fields };
}

describe('a message', () => {
  it('travels with its id and its own properties', () => {
    const { topic, body, properties } = ready(
      {
        ...plain,
        tags: 'paid',
        keys: ['k1', 'k2'],
        delayLevel: 3,
        properties: { region: 'eu', __proto__x: '1' },
      },
      'customer-7',
    );
    expect([topic, body.toString()]).toEqual(['orders', 'hello']);
    expect(Object.fromEntries(properties)).toEqual({
      region: 'eu',
      __proto__x: '1',
      UNIQ_KEY: 'ID',
      WAIT: 'true',
      TAGS: 'paid',
      KEYS: 'k1 k2',
      DELAY: '3',
      __SHARDINGKEY: 'customer-7',
    });
  });

  it('may be text, a Buffer or any bytes, also a part of a larger one', () => {
    const bytes = new Uint8Array([1, 2, 3, 4]).subarray(1, 3);
    expect(ready({ ...plain, body: 'grün' }).body).toEqual(Buffer.from('grün', 'utf8'));
    expect(ready({ ...plain, body: Buffer.from('x') }).body).toEqual(Buffer.from('x'));
    expect(ready({ ...plain, body: bytes }).body).toEqual(Buffer.from([2, 3]));
  });

  it('may have one key that holds spaces, being several keys then', () => {
    expect(ready({ ...plain, keys: 'a b' }).properties.get('KEYS')).toBe('a b');
    expect(ready({ ...plain, keys: [] }).properties.has('KEYS')).toBe(false);
  });

  it.each<readonly [string, Message, RegExp]>([
    ['an empty topic', { ...plain, topic: '' }, /: topic: it is empty/],
    ['an illegal topic', { ...plain, topic: 'a b' }, /message for a b: topic: only letters/],
    ['a topic that is no string', untyped({ topic: 7 }), /topic: it is not a string/],
    ['an empty body', { ...plain, body: '' }, /body: it is empty/],
    ['a body that is no text', untyped({ body: { a: 1 } }), /body: it is neither text nor bytes/],
    ['a body past the limit', { ...plain, body: 'x'.repeat(101) }, /101 bytes, maxMessageSize is 100/],
    ['an empty tag', { ...plain, tags: '' }, /properties."TAGS": names and values are not empty/],
    ['a tag that is no string', untyped({ tags: 1 }), /"TAGS": its value is not a string/],
    ['an empty key', { ...plain, keys: ['a', ''] }, /keys: a key is a string that is not empty/],
    ['a key with a space in a list', { ...plain, keys: ['a b'] }, /keys: "a b" holds white space/],
    ['0x01 in a value', { ...plain, properties: { a: 'x\u0001y' } }, /0x01 and 0x02 separate/],
    ['0x02 in a value', { ...plain, properties: { a: 'x\u0002y' } }, /0x01 and 0x02 separate/],
    ['0x02 in a name', { ...plain, properties: { 'a\u0002': 'x' } }, /0x01 and 0x02 separate/],
    ['0x01 in a tag', { ...plain, tags: '\u0001' }, /"TAGS": 0x01 and 0x02/],
    ['0x02 in a key', { ...plain, keys: 'a\u0002' }, /"KEYS": 0x01 and 0x02/],
    ['an empty name', { ...plain, properties: { '': 'x' } }, /names and values are not empty/],
    ['an empty value', { ...plain, properties: { a: '' } }, /names and values are not empty/],
    ['a value that is no string', untyped({ properties: { a: 1 } }), /its value is not a string/],
    [
      'tags among the properties',
      { ...plain, properties: { TAGS: 'x' } },
      /properties.TAGS: give it as tags/,
    ],
    ['an id of its own', { ...plain, properties: { UNIQ_KEY: 'x' } }, /it is made by the producer/],
    ['delay level 0', { ...plain, delayLevel: 0 }, /0 is not a whole number from 1 to 18/],
    ['delay level 19', { ...plain, delayLevel: 19 }, /19 is not a whole number/],
    ['half a delay level', { ...plain, delayLevel: 1.5 }, /1.5 is not a whole number/],
  ])('with %s is refused', (_, message, text) => {
    expect(() => ready(message)).toThrow(
      expect.objectContaining({ code: 'RMQ_MESSAGE_INVALID', message: expect.stringMatching(text) }),
    );
  });
});

describe('a batch', () => {
  it.each<readonly [string, readonly Message[], RegExp]>([
    ['no messages', [], /there are none/],
    ['two topics', [plain, { ...plain, topic: 'bills' }], /also holds a message for bills/],
    ['a delayed message', [plain, { ...plain, delayLevel: 1 }], /a batch cannot be delayed/],
    ['a retry topic', [{ ...plain, topic: '%RETRY%g' }], /a retry topic takes no batches/],
  ])('with %s is refused', (_, messages, text) => {
    expect(() => checkBatch(messages)).toThrow(
      expect.objectContaining({ code: 'RMQ_MESSAGE_INVALID', message: expect.stringMatching(text) }),
    );
  });

  it('of one topic is taken', () => {
    expect(() => checkBatch([plain, { ...plain, body: 'other' }])).not.toThrow();
  });
});
