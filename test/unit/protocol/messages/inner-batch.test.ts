// SPDX-License-Identifier: Apache-2.0
import { deflateSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { encodeClientBatch } from '../../../../src/protocol/client-batch.ts';
import { bodyCrcMatches, readRecords } from '../../../../src/protocol/message-record.ts';
import { asJava, read, readOne, record, sampleBytes, sampleOf } from './message-samples.ts';

const innerFlags = 0xc0;
const batchBody = encodeClientBatch([
  { body: Buffer.from('one'), flag: 9, properties: new Map([['TAGS', 'TagA']]) },
  { body: Buffer.from('two'), flag: 0, properties: new Map([['UNIQ_KEY', 'U2']]) },
]);

describe('inner batches', () => {
  it('are unwrapped as Java does, at offsets counting on from the batch', () => {
    const { messages, damage } = read(sampleBytes('inner-batch'));
    const java = sampleOf('inner-batch').javaDecodes?.[0];
    expect(damage).toBeUndefined();
    // Java gives 0 or null for the first four; the batch's own values say more (see the class)
    expect(messages.map(asJava)).toEqual(
      java?.unwrapped?.map((m, i) => ({
        ...m,
        storeSize: [69, 65][i],
        offsetMsgId: java.offsetMsgId,
        reconsumeTimes: java.reconsumeTimes,
        preparedTransactionOffset: java.preparedTransactionOffset,
      })),
    );
    expect(messages.map(m => m.innerBatch?.queueOffset)).toEqual([40, 40]);
  });

  it('are unwrapped after decompression', () => {
    const { messages } = read(record({ body: deflateSync(batchBody), sysFlag: innerFlags | 0x301 }));
    expect(messages.map(m => [m.queueOffset, m.body.toString(), m.isCompressed, m.flag])).toEqual([
      [17, 'one', false, 9],
      [18, 'two', false, 0],
    ]);
    expect(messages.map(m => m.rawBody.toString())).toEqual(['one', 'two']);
    expect(messages.map(m => m.rawBodyLength)).toEqual([3, 3]);
  });

  it.each([64, 128])('are left alone with only flag %i', flag => {
    expect(readOne(record({ body: batchBody, sysFlag: flag })).body).toEqual(batchBody);
  });

  it('are judged by the CRC of the whole batch', () => {
    const bytes = record({ body: batchBody, sysFlag: innerFlags });
    expect(read(bytes).messages.map(bodyCrcMatches)).toEqual([true, true]);
    bytes.writeInt32BE(1, 8);
    expect(read(bytes).messages.map(bodyCrcMatches)).toEqual([false, false]);
  });

  it('in a retry topic show the original topic of the batch', () => {
    const bytes = record({
      topic: '%RETRY%g',
      body: batchBody,
      sysFlag: innerFlags,
      properties: [['RETRY_TOPIC', 'orders']],
    });
    expect(read(bytes).messages.map(m => m.topic)).toEqual(['orders', 'orders']);
  });

  it.each([
    ['cut off', batchBody.subarray(0, -1), [], 'message 1 of its inner batch: size'],
    ['not a batch', Buffer.from('hello'), [], 'message 0 of its inner batch: 5 bytes are left'],
    ['not as long as announced', batchBody, [['INNER_NUM', '3']], 'holds 2 messages, INNER_NUM says 3'],
  ] as const)(
    'that are %s count as damage, without any of their messages',
    (_what, body, properties, problem) => {
      const before = record({ queueOffset: 16 });
      const { messages, damage } = read(
        Buffer.concat([before, record({ body, sysFlag: innerFlags, properties })]),
      );
      expect(messages.map(m => m.queueOffset)).toEqual([16]);
      expect(damage).toMatchObject({ at: before.length, queueOffset: 17 });
      expect(damage?.error.message).toContain(problem);
    },
  );

  it('that cannot be decompressed count as damage', () => {
    const { messages, damage } = read(record({ body: batchBody, sysFlag: innerFlags | 0x301 }));
    expect(messages).toEqual([]);
    expect(damage?.error).toMatchObject({
      code: 'RMQ_BAD_MESSAGE',
      message: expect.stringContaining('its zlib body'),
    });
  });

  it('whose offsets would run past 2^53-1 count as damage', () => {
    const { damage } = read(
      record({ queueOffset: Number.MAX_SAFE_INTEGER, body: batchBody, sysFlag: innerFlags }),
    );
    expect(damage?.error.message).toContain('runs past offset 2^53-1');
  });

  it('cannot multiply: compressed ones of one body share maxBodySize, and the first always has all of it', () => {
    const many = encodeClientBatch(
      Array.from({ length: 400 }, () => ({ body: Buffer.alloc(100), flag: 0, properties: new Map() })),
    );
    const batch = (queueOffset: number) =>
      record({ queueOffset, body: deflateSync(many), sysFlag: innerFlags | 0x301 });
    const body = Buffer.concat([batch(0), batch(400), batch(800)]);
    const options = { brokerName: 'broker-a', maxBodySize: many.length };
    const { messages, damage } = readRecords(body, options);
    expect(messages).toHaveLength(400);
    expect(damage).toMatchObject({ queueOffset: 400, error: { code: 'RMQ_BODY_TOO_LARGE' } });
    const again = readRecords(body.subarray(damage?.at), options);
    expect(again.messages[0]?.queueOffset).toBe(400);
    const tight = readRecords(batch(0), { ...options, maxBodySize: many.length - 1 });
    expect(tight.damage?.error.code).toBe('RMQ_BODY_TOO_LARGE');
    expect(readRecords(body, { ...options, maxBodySize: many.length * 3 }).messages).toHaveLength(1_200);
  });
});
