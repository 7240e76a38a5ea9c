// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { ProtocolError } from '../../../../src/errors/errors.ts';
import { bodyCrcMatches, type RecordBatch, readRecords } from '../../../../src/protocol/message-record.ts';
import type { StoredMessage } from '../../../../src/protocol/stored-message.ts';
import {
  asJava,
  messageSamples,
  misc,
  read,
  readOne,
  readOptions,
  record,
  sampleBytes,
  sampleOf,
} from './message-samples.ts';
import { seeded } from './sample-content.ts';

/** A record changed in one place. */
function spoiled(change: (bytes: Buffer) => void): Buffer {
  const bytes = record();
  change(bytes);
  return bytes;
}

describe('a body with a record that cannot be read', () => {
  it('gives the messages before it and says where and at which offset it lies', () => {
    const { messages, damage } = read(sampleBytes('pull-body-bad-second'));
    expect(messages.map(asJava)).toEqual(sampleOf('pull-body-bad-second').javaDecodes);
    expect(damage).toMatchObject({ at: 186, queueOffset: 1 });
    expect(damage?.error).toBeInstanceOf(ProtocolError);
    expect(damage?.error).toMatchObject({
      code: 'RMQ_BAD_MESSAGE',
      message:
        "record at byte 186 of 700 from broker-a (queue offset 1): magic 0xcafebabe is not a message's",
      context: { at: 186, queueOffset: 1, brokerName: 'broker-a' },
    });
  });

  it.each([
    [
      'a negative size',
      (b: Buffer) => b.writeInt32BE(-5, 0),
      'size -5 is not between 91 and the 120 bytes left',
    ],
    ['size 0', (b: Buffer) => b.writeInt32BE(0, 0), 'size 0 is not between 91'],
    ['a size past the end', (b: Buffer) => b.writeInt32BE(121, 0), 'size 121 is not between 91 and the 120'],
    ['the largest size', (b: Buffer) => b.writeInt32BE(0x7fff_ffff, 0), 'size 2147483647 is not between'],
    ['a size one too small', (b: Buffer) => b.writeInt32BE(119, 0), 'does not fill'],
    [
      'the magic of the commit log’s filler',
      (b: Buffer) => b.writeUInt32BE(0xcbd4_3194, 4),
      'magic 0xcbd43194',
    ],
    ['the other magic', (b: Buffer) => b.writeUInt32BE(0xdaa3_20ab, 4), 'topic length'],
    [
      'a negative commit-log offset',
      (b: Buffer) => b.writeInt32BE(-1, 28),
      'its commit-log offset is negative',
    ],
    ['IPv6 flags on IPv4 hosts', (b: Buffer) => b.writeInt32BE(0x30, 36), 'body length'],
    [
      'a negative body length',
      (b: Buffer) => b.writeInt32BE(-1, 84),
      'body length -1 is not between 0 and 29',
    ],
    [
      'a body length past the end',
      (b: Buffer) => b.writeInt32BE(30, 84),
      'body length 30 is not between 0 and 29',
    ],
    ['the largest body length', (b: Buffer) => b.writeInt32BE(0x7fff_ffff, 84), 'body length 2147483647'],
    ['topic length 255', (b: Buffer) => b.writeUInt8(255, 99), 'topic length -1 is not between 0 and 18'],
    [
      'a topic length past the end',
      (b: Buffer) => b.writeUInt8(19, 99),
      'topic length 19 is not between 0 and 18',
    ],
    [
      'a negative properties length',
      (b: Buffer) => b.writeInt16BE(-1, 106),
      'properties length -1 does not fill',
    ],
    [
      'a properties length past the end',
      (b: Buffer) => b.writeInt16BE(13, 106),
      'properties length 13 does not fill',
    ],
    [
      'a properties length too small',
      (b: Buffer) => b.writeInt16BE(11, 106),
      'properties length 11 does not fill',
    ],
  ])('stops at %s', (_what, change, problem) => {
    const good = record({ queueOffset: 16 });
    const bad = Buffer.from(record({ properties: [['TAGS', 'TagABC']] }));
    expect(bad).toHaveLength(120);
    change(bad);
    const { messages, damage } = read(Buffer.concat([good, bad]));
    expect(messages.map(m => m.queueOffset)).toEqual([16]);
    expect(damage).toMatchObject({ at: good.length, queueOffset: 17 });
    expect(damage?.error.code).toBe('RMQ_BAD_MESSAGE');
    expect(damage?.error.message).toContain(problem);
  });

  it.each([
    ['negative', -1n],
    ['past 2^53-1', 2n ** 53n],
  ])('does not name an offset that is %s', (_what, offset) => {
    const { messages, damage } = read(spoiled(bytes => bytes.writeBigInt64BE(offset, 20)));
    expect(messages).toEqual([]);
    expect(damage?.queueOffset).toBeUndefined();
    expect(damage?.error.message).toContain('its queue offset is negative or past 2^53-1');
  });

  it('reads the largest offset there is', () => {
    expect(readOne(record({ queueOffset: Number.MAX_SAFE_INTEGER })).queueOffset).toBe(
      Number.MAX_SAFE_INTEGER,
    );
  });

  it('is damaged by a record so small that IPv6 hosts do not fit', () => {
    const bytes = record({ topic: '', body: Buffer.alloc(0) });
    expect(bytes).toHaveLength(91);
    bytes.writeInt32BE(0x30, 36);
    expect(read(bytes).damage?.error.message).toContain('size 91 is too small for its 40 bytes of hosts');
  });

  it('an empty body holds no messages and no damage', () => {
    expect(read(Buffer.alloc(0))).toEqual({ messages: [], damage: undefined });
  });
});

describe('a body cut anywhere', () => {
  it.each(messageSamples.filter(s => s.javaDecodes !== undefined))(
    '$name gives whole messages, then damage where the cut record begins',
    ({ bytesHex }) => {
      const bytes = Buffer.from(bytesHex, 'hex');
      const whole = read(bytes);
      const starts = recordStarts(bytes, whole);
      for (let length = 0; length < bytes.length; length++) {
        const { messages, damage } = read(bytes.subarray(0, length));
        const complete = starts.filter(([, end]) => end <= length).length;
        const cutRecord = starts.find(([start, end]) => start < length && length < end);
        expect(messages.map(view)).toEqual(whole.messages.slice(0, messagesIn(whole, complete)).map(view));
        expect(damage?.at).toBe(cutRecord?.[0]);
        if (damage !== undefined) {
          expect(damage.error.code).toBe('RMQ_BAD_MESSAGE');
          expect(damage.queueOffset !== undefined).toBe(length - damage.at >= 28);
        }
      }
    },
  );
});

describe('body CRCs', () => {
  it.each(misc.bodyCrcs)('of "$text" are Java’s', ({ text, rocketmqBodyCrc }) => {
    expect(readOne(record({ body: Buffer.from(text) })).bodyCrc).toBe(rocketmqBodyCrc);
  });

  it('that are 0 mean unchecked', () => {
    expect(bodyCrcMatches(readOne(spoiled(bytes => bytes.writeInt32BE(0, 8))))).toBe(true);
  });

  it.each([1, -1, 222_957_956])('that differ are noticed: %i', crc => {
    expect(bodyCrcMatches(readOne(spoiled(bytes => bytes.writeInt32BE(crc, 8))))).toBe(false);
  });

  it('notice any changed bit of a body', () => {
    for (let bit = 0; bit < 11 * 8; bit++) {
      const bytes = record();
      bytes.writeUInt8(bytes.readUInt8(88 + (bit >> 3)) ^ (1 << (bit & 7)), 88 + (bit >> 3));
      expect(bodyCrcMatches(readOne(bytes))).toBe(false);
    }
  });
});

describe('bodies with random mutations', () => {
  it('give whole messages and typed damage, whatever the bytes', () => {
    const random = seeded(20_251_123);
    const pick = (below: number) => Math.floor(random() * below);
    const sources = messageSamples
      .filter(s => s.name !== 'client-batch-body')
      .map(s => Buffer.from(s.bytesHex, 'hex'));
    let damaged = 0;
    for (let run = 0; run < 20_000; run++) {
      const source = sources[pick(sources.length)] ?? Buffer.alloc(0);
      const bytes = mutated(Buffer.concat([source, sources[pick(sources.length)] ?? source]), pick);
      const { messages, damage } = readRecords(bytes, readOptions);
      if (damage !== undefined) damaged++;
      expectSoundOutcome(bytes, messages, damage);
    }
    expect(damaged).toBeGreaterThan(5_000);
    expect(damaged).toBeLessThan(20_000);
  });
});

function mutated(bytes: Buffer, pick: (below: number) => number): Buffer {
  const values = [0, 1, 0x7f, 0x80, 0xff, 0xda, 0xab, 0xc0, 0x11];
  for (let i = pick(4); i >= 0; i--) {
    const at = pick(2) === 0 ? pick(100) : pick(bytes.length);
    bytes.writeUInt8(pick(2) === 0 ? pick(256) : (values[pick(values.length)] ?? 0), at);
  }
  return pick(4) === 0 ? bytes.subarray(0, pick(bytes.length + 1)) : bytes;
}

/** Everything readable must be readable without throwing; bodies may fail, but typed. */
function expectSoundOutcome(
  bytes: Buffer,
  messages: RecordBatch['messages'],
  damage: RecordBatch['damage'],
): void {
  let outerBytes = 0;
  let lastBatch: unknown;
  for (const message of messages) {
    JSON.stringify(message);
    bodyCrcMatches(message);
    const outer = outerOf(message);
    if (outer !== lastBatch) outerBytes += outer.storeSize;
    lastBatch = outer;
    try {
      if (message.body.length > readOptions.maxBodySize)
        throw new Error(`body of ${message.body.length} bytes`);
    } catch (thrown) {
      if (!(thrown instanceof ProtocolError)) throw thrown;
    }
  }
  if (damage !== undefined) {
    expect(damage.error).toBeInstanceOf(ProtocolError);
    if (damage.at < outerBytes || damage.at >= bytes.length) throw new Error(`damage at ${damage.at}`);
  }
}

/** What two readings of one message must agree on. */
function view(message: StoredMessage): unknown {
  return [
    message.queueOffset,
    message.msgId,
    message.body.toString('hex'),
    message.storedTopic,
    message.tags,
  ];
}

/** Begin and end of each record. */
function recordStarts(bytes: Buffer, whole: RecordBatch): readonly (readonly [number, number])[] {
  const starts: (readonly [number, number])[] = [];
  const end = whole.damage?.at ?? bytes.length;
  for (let at = 0; at < end; at += bytes.readInt32BE(at)) starts.push([at, at + bytes.readInt32BE(at)]);
  return whole.damage === undefined ? starts : [...starts, [end, bytes.length + 1]];
}

/** How many messages the first `records` records hold. */
function messagesIn(whole: RecordBatch, records: number): number {
  const outers = [...new Set(whole.messages.map(outerOf))].slice(0, records);
  return whole.messages.filter(message => outers.includes(outerOf(message))).length;
}

function outerOf(message: StoredMessage): StoredMessage {
  return message.innerBatch ?? message;
}
