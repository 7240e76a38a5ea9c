// SPDX-License-Identifier: Apache-2.0
import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { bodyCrcMatches } from '../../../../src/protocol/message-record.ts';
import { encodeStoredMessage } from '../../../../src/protocol/record-encoder.ts';
import type { StoredMessage } from '../../../../src/protocol/stored-message.ts';
import {
  asJava,
  brokerBodies,
  fieldsOf,
  messageSamples,
  read,
  readOne,
  record,
  sampleBytes,
  sampleOf,
} from './message-samples.ts';

const single = messageSamples.filter(
  s => s.javaDecodes?.length === 1 && s.name !== 'inner-batch' && s.name !== 'pull-body-bad-second',
);

describe('messages written by Java', () => {
  it.each(single)('$name is read as Java reads it', ({ bytesHex, javaDecodes }) => {
    expect(asJava(readOne(Buffer.from(bytesHex, 'hex')))).toEqual(javaDecodes?.[0]);
  });

  it('several messages in one body are all read', () => {
    const { messages, damage } = read(sampleBytes('pull-body-3-messages'));
    expect(damage).toBeUndefined();
    expect(messages.map(asJava)).toEqual(sampleOf('pull-body-3-messages').javaDecodes);
  });

  it.each(single)('the CRC stored with $name is that of its stored body', ({ bytesHex }) => {
    expect(bodyCrcMatches(readOne(Buffer.from(bytesHex, 'hex')))).toBe(true);
  });

  it.each(single)('$name is written byte for byte as the broker writes it', ({ bytesHex }) => {
    const message = readOne(Buffer.from(bytesHex, 'hex'));
    expect(encodeStoredMessage(fieldsOf(message, storedPairs(message))).toString('hex')).toBe(bytesHex);
  });

  it('the form written by Java clients is read and written too', () => {
    const bytes = sampleBytes('MessageDecoder.encode');
    const message = readOne(bytes);
    expect(message.tags).toBe('TagA');
    expect(encodeStoredMessage(fieldsOf(message, storedPairs(message)))).toEqual(bytes);
  });
});

describe('bodies sent by real brokers', () => {
  it.each(brokerBodies)('$title holds whole messages with right CRCs', ({ body }) => {
    const { messages, damage } = read(body);
    expect(damage).toBeUndefined();
    expect(messages.length).toBeGreaterThan(0);
    expect(messages.every(bodyCrcMatches)).toBe(true);
    expect(messages.map(m => m.topic)).toEqual(
      messages.map(m => (m.storedTopic.startsWith('%DLQ%') ? m.storedTopic : 'GoldenTopic')),
    );
    expect(messages.reduce((sum, m) => sum + m.storeSize, 0)).toBe(body.length);
  });
});

describe('a message', () => {
  it('in retry shows the topic it was first sent to', () => {
    const message = readOne(record({ topic: '%RETRY%group', properties: [['RETRY_TOPIC', 'orders']] }));
    expect([message.topic, message.storedTopic]).toEqual(['orders', '%RETRY%group']);
  });

  it('in retry without the original topic shows the retry topic', () => {
    expect(readOne(record({ topic: '%RETRY%group' })).topic).toBe('%RETRY%group');
  });

  it('outside the retry topic shows its own topic whatever RETRY_TOPIC says', () => {
    expect(readOne(record({ topic: 'orders', properties: [['RETRY_TOPIC', 'other']] })).topic).toBe('orders');
  });

  it.each([
    ['true', 'U1'],
    ['TRUE', 'U1'],
    ['false', undefined],
  ])('with TRAN_MSG=%s has the transaction id %s', (said, transactionId) => {
    const properties: [string, string][] = [
      ['TRAN_MSG', said],
      ['UNIQ_KEY', 'U1'],
    ];
    expect(readOne(record({ properties })).transactionId).toBe(transactionId);
  });

  it('outside a transaction has no transaction id', () => {
    expect(readOne(record({ properties: [['UNIQ_KEY', 'U1']] })).transactionId).toBeUndefined();
  });

  it('of a batch send has two UNIQ_KEY properties, and the last one counts', () => {
    const message = readOne(
      record({
        properties: [
          ['UNIQ_KEY', 'own'],
          ['TAGS', 'a'],
          ['UNIQ_KEY', 'batch'],
        ],
      }),
    );
    expect([message.msgId, message.getProperty('UNIQ_KEY'), message.tags]).toEqual(['batch', 'batch', 'a']);
  });

  it('without UNIQ_KEY is known by its offset id', () => {
    const message = readOne(record());
    expect(message.msgId).toBe('0A01020300002A9F0000000000001267');
    expect(message.offsetMsgId).toBe(message.msgId);
  });

  it('has its keys split at spaces', () => {
    expect(readOne(record({ properties: [['KEYS', 'k1  k2 k3']] })).keys).toEqual(['k1', 'k2', 'k3']);
    expect(readOne(record()).keys).toEqual([]);
  });

  it('may have properties with the names of object members', () => {
    const message = readOne(
      record({
        properties: [
          ['__proto__', 'x'],
          ['constructor', 'y'],
          ['toString', 'z'],
        ],
      }),
    );
    expect([...message.properties]).toEqual([
      ['__proto__', 'x'],
      ['constructor', 'y'],
      ['toString', 'z'],
    ]);
    expect(JSON.stringify(message)).toContain('"__proto__":"x"');
  });

  it('keeps apart what repeats and what does not from record to record', () => {
    const tags = ['a', 'a', 'b', 'aa', 'b', 'a', undefined, 'a', 'x'.repeat(100), 'x'.repeat(100)];
    const body = Buffer.concat(
      tags.map((tag, i) =>
        record({
          topic: i % 3 === 0 ? 'orders' : 'others',
          properties: tag === undefined ? [] : [['TAGS', tag]],
        }),
      ),
    );
    const { messages } = read(body);
    expect(messages.map(m => m.tags)).toEqual(tags);
    expect(messages.map(m => m.topic)).toEqual(tags.map((_, i) => (i % 3 === 0 ? 'orders' : 'others')));
  });

  it('gives the same body, properties and topic each time', () => {
    const message = readOne(sampleBytes('compressed-ZLIB'));
    expect(message.body).toBe(message.body);
    expect(message.properties).toBe(message.properties);
    expect(message.rawBody).toEqual(message.rawBody);
  });

  it('has an uncompressed body that is a view, and a detached one that is not', () => {
    const bytes = record();
    const message = readOne(bytes);
    const detached = message.detach();
    expect(message.body.buffer).toBe(bytes.buffer);
    expect(message.rawBody).toBe(message.body);
    expect(detached).toEqual(message.body);
    expect(detached.buffer.byteLength).toBe(detached.length);
  });

  it('tells a compressed body from what is stored', () => {
    const message = readOne(sampleBytes('compressed-ZLIB'));
    expect([message.isCompressed, message.storedSysFlag, message.sysFlag]).toEqual([true, 0x301, 0x300]);
    expect(message.rawBodyLength).toBe(message.rawBody.length);
    expect(message.body.length).toBeGreaterThan(message.rawBodyLength);
    expect(message.rawBody).toEqual(readOne(sampleBytes('compressed-ZLIB')).rawBody);
  });

  it('with an empty body is not decompressed whatever its flags say', () => {
    expect(readOne(record({ body: Buffer.alloc(0), sysFlag: 0x301 })).body).toHaveLength(0);
  });

  it('whose timestamps are past 2^53 shows NaN, never a rounded number', () => {
    const bytes = record({ bornTimestamp: Number.MAX_SAFE_INTEGER });
    expect(readOne(bytes).bornTimestamp).toBe(Number.MAX_SAFE_INTEGER);
    bytes.writeBigInt64BE(2n ** 53n, 40);
    expect(readOne(bytes).bornTimestamp).toBeNaN();
    bytes.writeBigInt64BE(-5n, 40);
    expect(readOne(bytes).bornTimestamp).toBe(-5);
  });

  it('is logged and printed without its body', () => {
    const message = readOne(record({ body: Buffer.from('very secret'), properties: [['TAGS', 'a']] }));
    expect(JSON.parse(JSON.stringify(message))).toMatchObject({
      topic: 'orders',
      brokerName: 'broker-a',
      queueId: 3,
      queueOffset: 17,
      tags: 'a',
      rawBodyLength: 11,
      properties: { TAGS: 'a' },
    });
    for (const text of [JSON.stringify(message), inspect(message), inspect({ deep: [message] })]) {
      expect(text).not.toContain('secret');
      expect(text).not.toContain(message.body.toString('hex').slice(0, 8));
    }
    expect(inspect(message)).toMatch(/^StoredMessage \{/);
  });

  it('whose body cannot be decompressed says which message it is, each time the same', () => {
    const message = readOne(record({ body: Buffer.from('no zlib'), sysFlag: 1 }));
    expect(() => message.body).toThrowError(
      expect.objectContaining({
        code: 'RMQ_BAD_MESSAGE',
        message: expect.stringMatching(
          /^message 17 of orders-3@broker-a: its zlib body cannot be decompressed: /,
        ),
        context: expect.objectContaining({ queueOffset: 17, brokerName: 'broker-a' }),
      }),
    );
    expect(errorOf(() => message.body)).toBe(errorOf(() => message.detach()));
    expect(JSON.stringify(message)).toContain('"queueOffset":17');
  });

  it('whose body would be too large says how large it may be', () => {
    const message = readOne(sampleBytes('compressed-ZLIB'), { brokerName: 'broker-a', maxBodySize: 100 });
    expect(() => message.body).toThrowError(
      expect.objectContaining({
        code: 'RMQ_BODY_TOO_LARGE',
        message: expect.stringMatching(
          /^message 1 of GoldenTopic-5@broker-a: its \d+ stored bytes decompress to more than 100 bytes/,
        ),
        context: expect.objectContaining({ limit: 100, queueOffset: 1 }),
      }),
    );
  });
});

function errorOf(act: () => unknown): unknown {
  try {
    act();
  } catch (thrown) {
    return thrown;
  }
  return undefined;
}

/** The properties in the order they are stored in, which a test that compares bytes needs. */
function storedPairs(message: StoredMessage): readonly (readonly [string, string])[] {
  return [...message.properties];
}
