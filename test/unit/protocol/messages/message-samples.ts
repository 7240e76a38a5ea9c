// SPDX-License-Identifier: Apache-2.0
/** Which stored messages did Java write, and what does Java read from them? Typed access to test/fixtures/wire/messages. */
import { readFileSync } from 'node:fs';
import { decodeFrame } from '../../../../src/protocol/frame.ts';
import { type RecordBatch, readRecords } from '../../../../src/protocol/message-record.ts';
import { encodeStoredMessage, type StoredMessageFields } from '../../../../src/protocol/record-encoder.ts';
import type { StoredMessage } from '../../../../src/protocol/stored-message.ts';
import { exchanges, frameBytes } from '../wire-samples.ts';

function load<T>(file: string): T {
  return JSON.parse(readFileSync(new URL(`../../../fixtures/wire/${file}`, import.meta.url), 'utf8')) as T; // written by our own recorder
}

/** A message as Java's decoder gives it. */
export interface JavaMessage {
  readonly topic: string;
  readonly queueId: number;
  readonly storeSize: number;
  readonly queueOffset: number;
  readonly commitLogOffset: number;
  readonly flag: number;
  readonly sysFlagAfterDecode: number;
  readonly bornTimestamp: number;
  readonly bornHost: string;
  readonly storeTimestamp: number;
  readonly storeHost: string;
  readonly bodyCRC: number;
  readonly reconsumeTimes: number;
  readonly preparedTransactionOffset: number;
  readonly msgId: string;
  readonly offsetMsgId: string | null;
  readonly tags: string | null;
  readonly keys: string | null;
  readonly properties: Readonly<Record<string, string>>;
  readonly bodyHex: string | null;
  readonly unwrapped?: readonly JavaMessage[];
}

export interface MessageSample {
  readonly name: string;
  readonly bytesHex: string;
  readonly javaDecodes?: readonly JavaMessage[];
}

export const messageSamples = load<{ samples: readonly MessageSample[] }>('messages/messages.json').samples;

export function sampleBytes(name: string): Buffer {
  return Buffer.from(sampleOf(name).bytesHex, 'hex');
}

export function sampleOf(name: string): MessageSample {
  const sample = messageSamples.find(s => s.name === name);
  if (sample === undefined) throw new Error(`no sample ${name}`);
  return sample;
}

export interface CompressedSample {
  readonly format: 'zstd' | 'lz4';
  readonly content: string;
  readonly command: string;
  readonly base64: string;
}

export const compressedSamples = load<{ samples: readonly CompressedSample[] }>(
  'messages/compressed.json',
).samples;

export interface MiscSamples {
  readonly offsetMsgIds: readonly {
    readonly host: string;
    readonly port: number;
    readonly physicalOffset: number;
    readonly offsetMsgId: string;
    readonly decodedHost: string;
    readonly decodedOffset: number;
  }[];
  readonly uniqIds: readonly { readonly uniqId: string; readonly pid: number; readonly ipBytesHex: string }[];
  readonly bodyCrcs: readonly { readonly text: string; readonly rocketmqBodyCrc: number }[];
  readonly propertiesParsing: readonly {
    readonly text: string;
    readonly parsed: Readonly<Record<string, string>>;
  }[];
}

export const misc = load<MiscSamples>('misc.json');

/** Bodies of frames in which real brokers sent messages: pull answers and "consume directly". */
export const brokerBodies = exchanges.flatMap(({ title, request, response }) => {
  const frame = (response ?? request).frameHex;
  return frame.includes('daa320a7') ? [{ title, body: decodeFrame(frameBytes(frame)).body }] : [];
});

export const readOptions = { brokerName: 'broker-a', maxBodySize: 1024 * 1024 };

export function read(body: Buffer): RecordBatch {
  return readRecords(body, readOptions);
}

/** The only message of a body that holds exactly one. */
export function readOne(body: Buffer, options = readOptions): StoredMessage {
  const { messages, damage } = readRecords(body, options);
  const [message] = messages;
  if (message === undefined || messages.length > 1)
    throw damage?.error ?? new Error(`${messages.length} messages`);
  return message;
}

/** A record with what a test cares about. */
export function record(fields: Partial<StoredMessageFields> = {}): Buffer {
  return encodeStoredMessage({
    topic: 'orders',
    queueId: 3,
    queueOffset: 17,
    commitLogOffset: 4_711,
    bornHost: '192.168.1.10:51234',
    storeHost: '10.1.2.3:10911',
    body: Buffer.from('hello world'),
    ...fields,
  });
}

/** All that can be read of a message, in Java's names; the body must be readable. */
export function asJava(message: StoredMessage): Omit<JavaMessage, 'unwrapped'> {
  return {
    topic: message.topic,
    queueId: message.queueId,
    storeSize: message.storeSize,
    queueOffset: message.queueOffset,
    commitLogOffset: message.commitLogOffset,
    flag: message.flag,
    sysFlagAfterDecode: message.sysFlag,
    bornTimestamp: message.bornTimestamp,
    bornHost: javaHost(message.bornHost),
    storeTimestamp: message.storeTimestamp,
    storeHost: javaHost(message.storeHost),
    bodyCRC: message.bodyCrc,
    reconsumeTimes: message.reconsumeTimes,
    preparedTransactionOffset: message.preparedTransactionOffset,
    msgId: message.msgId,
    offsetMsgId: message.offsetMsgId,
    tags: message.tags ?? null,
    keys: message.keys.length === 0 ? null : message.keys.join(' '),
    properties: Object.fromEntries(message.properties),
    bodyHex: message.body.length === 0 ? null : message.body.toString('hex'),
  };
}

/** Java's samples say `ip|port`. */
function javaHost(host: string): string {
  return host.replace(/^\[?(.*?)\]?:(\d+)$/, '$1|$2');
}

/** What {@link encodeStoredMessage} needs to write a message that was read. */
export function fieldsOf(message: StoredMessage, properties: Iterable<readonly [string, string]>) {
  return {
    topic: message.storedTopic,
    queueId: message.queueId,
    queueOffset: message.queueOffset,
    commitLogOffset: message.commitLogOffset,
    flag: message.flag,
    sysFlag: message.storedSysFlag,
    bornTimestamp: message.bornTimestamp,
    bornHost: message.bornHost,
    storeTimestamp: message.storeTimestamp,
    storeHost: message.storeHost,
    reconsumeTimes: message.reconsumeTimes,
    preparedTransactionOffset: message.preparedTransactionOffset,
    body: message.rawBody,
    properties,
  };
}
