// SPDX-License-Identifier: Apache-2.0
/** Which messages does the body of a pull answer hold, and where does it stop making sense? protocol.md section 4, MessageDecoder.decodesBatch. */
import { crc32 } from 'node:zlib';
import { ProtocolError, toRocketmqError } from '../errors/errors.ts';
import type { Namespace } from '../model/namespace.ts';
import { readClientBatch } from './client-batch.ts';
import { propertyNames } from './properties.ts';
import { hostSizes, isInnerBatch, layout, magicV1, magicV2, smallestRecord } from './record-layout.ts';
import { RecordSource } from './record-source.ts';
import { StoredMessage } from './stored-message.ts';

/** The first thing of a body that cannot be read; nothing behind it was looked at. */
export interface RecordDamage {
  /** Position in the body. Unit: bytes. */
  readonly at: number;
  /**
   * The offset standing at its place in the bad record; undefined when cut off, negative or past 2^53.
   * The record being damaged, believe it only inside the range that was asked for.
   */
  readonly queueOffset: number | undefined;
  /** `RMQ_BAD_MESSAGE`, or `RMQ_BODY_TOO_LARGE` for an inner batch past maxBodySize. */
  readonly error: ProtocolError;
}

/** The readable messages from the front of a body, and what stopped the reading, if anything. */
export interface RecordBatch {
  readonly messages: readonly StoredMessage[];
  readonly damage: RecordDamage | undefined;
}

export interface ReadOptions {
  readonly brokerName: string;
  /** Largest decompressed body, and largest sum of the compressed inner batches of one call. Unit: bytes. */
  readonly maxBodySize: number;
  /** Whose topics they are. Default: nobody's in particular. */
  readonly namespace?: Namespace | undefined;
}

/**
 * Splits a body into messages that decode themselves when asked. Never throws: Java silently drops what follows a
 * bad record, here it is described. Inner batches are unwrapped.
 */
export function readRecords(body: Buffer, options: ReadOptions): RecordBatch {
  const reader = new RecordReader(body, options);
  const damage = reader.readAll();
  return { messages: reader.messages, damage };
}

/**
 * Is the stored body the one the broker received? CRC-32 & 0x7fffffff over the stored (compressed) bytes; 0 counts as
 * unchecked. A message of an inner batch is judged by the batch's body.
 */
export function bodyCrcMatches(message: StoredMessage): boolean {
  const checked = message.innerBatch ?? message;
  const { bodyCrc } = checked;
  if (bodyCrc === 0) return true;
  const stored = checked.isCompressed ? checked.rawBody : checked.body; // an uncompressed body is kept for the listener
  return (crc32(stored) & 0x7fff_ffff) === bodyCrc;
}

class RecordReader {
  readonly messages: StoredMessage[] = [];
  private readonly source: RecordSource;
  private readonly view: DataView;
  /** Decompressed bytes of inner batches so far. */
  private unwrapped = 0;

  constructor(body: Buffer, options: ReadOptions) {
    this.source = new RecordSource(body, options.brokerName, options.maxBodySize, options.namespace);
    this.view = this.source.view;
  }

  readAll(): RecordDamage | undefined {
    const { view } = this;
    for (let at = 0; at < view.byteLength; ) {
      const problem = recordProblem(view, at);
      if (problem !== undefined) return this.damage(at, problem);
      const size = view.getInt32(at + layout.size);
      const message = new StoredMessage(this.source, at, size, offsetAt(view, at + layout.queueOffset));
      if (isInnerBatch(view.getInt32(at + layout.sysFlag))) {
        const unwrapProblem = this.unwrap(message);
        if (unwrapProblem !== undefined) return this.damage(at, unwrapProblem);
      } else {
        this.messages.push(message);
      }
      at += size;
    }
    return undefined;
  }

  /** Adds the messages of an inner batch, all of them or, with a problem, none. */
  private unwrap(batch: StoredMessage): string | ProtocolError | undefined {
    const bytes = bodyOrProblem(batch);
    if (bytes instanceof ProtocolError) return bytes;
    if (batch.isCompressed) {
      const limit = this.source.maxBodySize;
      if (this.unwrapped > 0 && this.unwrapped + bytes.length > limit) return tooMuchUnwrapped(batch, limit);
      this.unwrapped += bytes.length;
    }
    const { entries, problem } = readClientBatch(bytes);
    if (problem !== undefined) return `message ${entries.length} of its inner batch: ${problem}`;
    const announced = batch.getProperty(propertyNames.innerNum);
    if (announced !== undefined && Number(announced) !== entries.length) {
      return `its inner batch holds ${entries.length} messages, INNER_NUM says ${announced}`;
    }
    if (!Number.isSafeInteger(batch.queueOffset + entries.length))
      return 'its inner batch runs past offset 2^53-1';
    entries.forEach((entry, i) => {
      this.messages.push(batch.innerMessage(i, { batch, bytes, ...entry }));
    });
    return undefined;
  }

  private damage(at: number, problem: string | ProtocolError): RecordDamage {
    const queueOffset = readableOffset(this.view, at);
    if (typeof problem !== 'string') return { at, queueOffset, error: problem };
    const { brokerName } = this.source;
    const which = queueOffset === undefined ? '' : ` (queue offset ${queueOffset})`;
    const error = new ProtocolError(
      'RMQ_BAD_MESSAGE',
      `record at byte ${at} of ${this.view.byteLength} from ${brokerName}${which}: ${problem}`,
      { context: { brokerName, at, queueOffset, bodyLength: this.view.byteLength } },
    );
    return { at, queueOffset, error };
  }
}

function bodyOrProblem(message: StoredMessage): Buffer | ProtocolError {
  try {
    return message.body;
  } catch (thrown) {
    const error = toRocketmqError(thrown, 'RMQ_BAD_MESSAGE');
    return error instanceof ProtocolError
      ? error
      : new ProtocolError(error.code, error.message, { cause: error });
  }
}

/** Many small records could hold a large batch each. Asked for again from here, this one comes first and is read. */
function tooMuchUnwrapped(batch: StoredMessage, limit: number): ProtocolError {
  return new ProtocolError(
    'RMQ_BODY_TOO_LARGE',
    `the compressed inner batches before ${batch.queueOffset} of ${batch.storedTopic}-${batch.queueId}@${batch.brokerName} leave too little of ${limit} bytes`,
    { context: { queueOffset: batch.queueOffset, limit } },
  );
}

/** Why the record at this place cannot be read, or undefined when every length fits. Stricter than Java: the lengths must fill the record, as the broker's CommitLog demands. */
function recordProblem(view: DataView, at: number): string | undefined {
  const left = view.byteLength - at;
  if (left < smallestRecord) return `${left} bytes are left, a record has at least ${smallestRecord}`;
  const size = view.getInt32(at + layout.size);
  if (size < smallestRecord || size > left) {
    return `size ${size} is not between ${smallestRecord} and the ${left} bytes left`;
  }
  const magic = view.getInt32(at + layout.magic);
  if (magic !== magicV1 && magic !== magicV2)
    return `magic 0x${(magic >>> 0).toString(16)} is not a message's`;
  if (!isOffset(view, at + layout.queueOffset)) return 'its queue offset is negative or past 2^53-1';
  if (!isOffset(view, at + layout.commitLogOffset)) return 'its commit-log offset is negative or past 2^53-1';
  return lengthProblem(view, at, size, magic === magicV2 ? 2 : 1);
}

function lengthProblem(
  view: DataView,
  at: number,
  size: number,
  topicLengthSize: number,
): string | undefined {
  const hosts = hostSizes(view.getInt32(at + layout.sysFlag));
  // what body, topic and properties share
  const room = size - layout.body - hosts - topicLengthSize - 2;
  if (room < 0) return `size ${size} is too small for its ${hosts} bytes of hosts`;
  const bodyLength = view.getInt32(at + layout.bodyLength + hosts);
  if (bodyLength < 0 || bodyLength > room) return `body length ${bodyLength} is not between 0 and ${room}`;
  const topicAt = at + layout.body + hosts + bodyLength;
  const topicLength = topicLengthSize === 2 ? view.getInt16(topicAt) : view.getInt8(topicAt);
  if (topicLength < 0 || topicLength > room - bodyLength) {
    return `topic length ${topicLength} is not between 0 and ${room - bodyLength}`;
  }
  const propertiesLength = view.getInt16(topicAt + topicLengthSize + topicLength);
  const rest = room - bodyLength - topicLength;
  if (propertiesLength !== rest)
    return `properties length ${propertiesLength} does not fill the ${rest} bytes that are there`;
  return undefined;
}

const highestOffsetWord = 2 ** 21;

/** From 0 to 2^53-1: the upper half, taken as unsigned, is below 2^21. */
function isOffset(view: DataView, at: number): boolean {
  return view.getUint32(at) < highestOffsetWord;
}

function offsetAt(view: DataView, at: number): number {
  return view.getUint32(at) * 2 ** 32 + view.getUint32(at + 4);
}

function readableOffset(view: DataView, at: number): number | undefined {
  const offset = at + layout.queueOffset;
  return offset + 8 <= view.byteLength && isOffset(view, offset) ? offsetAt(view, offset) : undefined;
}
