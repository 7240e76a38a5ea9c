// SPDX-License-Identifier: Apache-2.0
/** How do several messages travel in one body, of request 320 or of an inner batch? protocol.md section 4.5, MessageDecoder.encodeMessages. */
import { ProtocolError } from '../errors/errors.ts';
import { encodeProperties, parseProperties } from './properties.ts';

/** One message of a batch: no topic, no queue, no delay, no transaction; those belong to the batch. */
export interface BatchMessage {
  readonly body: Buffer;
  /** The user's number of a message. */
  readonly flag: number;
  readonly properties: ReadonlyMap<string, string>;
}

/** Where one message of a batch lies. Unit: bytes. */
export interface BatchEntry {
  readonly size: number;
  readonly flag: number;
  readonly bodyStart: number;
  readonly bodyEnd: number;
  readonly propertiesStart: number;
  readonly propertiesEnd: number;
}

export interface BatchReading {
  /** The readable ones from the front. */
  readonly entries: readonly BatchEntry[];
  /** Why the rest cannot be read; undefined when all was. */
  readonly problem: string | undefined;
}

const flagAt = 12;
const bodyLengthAt = 16;
const bodyAt = 20;
/** No body, no properties. Unit: bytes. */
const smallestEntry = bodyAt + 2;

/**
 * Writes the body of a batch send.
 * @throws ProtocolError `RMQ_BAD_MESSAGE` when a property cannot travel
 */
export function encodeClientBatch(messages: Iterable<BatchMessage>): Buffer {
  const parts: Buffer[] = [];
  for (const { body, flag, properties } of messages) {
    const propertiesBytes = Buffer.from(encodeProperties(properties));
    const size = smallestEntry + body.length + propertiesBytes.length;
    const head = Buffer.alloc(bodyAt); // magic and CRC stay 0: the broker computes its own
    head.writeInt32BE(size, 0);
    head.writeInt32BE(flag, flagAt);
    head.writeInt32BE(body.length, bodyLengthAt);
    const propertiesLength = Buffer.alloc(2);
    propertiesLength.writeInt16BE(propertiesBytes.length);
    parts.push(head, body, propertiesLength, propertiesBytes);
  }
  return Buffer.concat(parts);
}

/**
 * Reads the body of a batch send; bodies are views.
 * @throws ProtocolError `RMQ_BAD_MESSAGE` naming the message that cannot be read
 */
export function decodeClientBatch(bytes: Buffer): readonly BatchMessage[] {
  const { entries, problem } = readClientBatch(bytes);
  if (problem !== undefined) {
    throw new ProtocolError('RMQ_BAD_MESSAGE', `message ${entries.length} of the batch: ${problem}`, {
      context: { index: entries.length },
    });
  }
  return entries.map(entry => ({
    body: bytes.subarray(entry.bodyStart, entry.bodyEnd),
    flag: entry.flag,
    properties: parseProperties(bytes.toString('utf8', entry.propertiesStart, entry.propertiesEnd)),
  }));
}

/** Finds the messages of a batch without copying. Never throws. */
export function readClientBatch(bytes: Buffer): BatchReading {
  const entries: BatchEntry[] = [];
  for (let at = 0; at < bytes.length; ) {
    const problem = entryProblem(bytes, at);
    if (problem !== undefined) return { entries, problem };
    const size = bytes.readInt32BE(at);
    const bodyEnd = at + bodyAt + bytes.readInt32BE(at + bodyLengthAt);
    entries.push({
      size,
      flag: bytes.readInt32BE(at + flagAt),
      bodyStart: at + bodyAt,
      bodyEnd,
      propertiesStart: bodyEnd + 2,
      propertiesEnd: at + size,
    });
    at += size;
  }
  return { entries, problem: undefined };
}

function entryProblem(bytes: Buffer, at: number): string | undefined {
  const left = bytes.length - at;
  if (left < smallestEntry) return `${left} bytes are left, it needs at least ${smallestEntry}`;
  const size = bytes.readInt32BE(at);
  if (size < smallestEntry || size > left)
    return `size ${size} is not between ${smallestEntry} and the ${left} bytes left`;
  const bodyLength = bytes.readInt32BE(at + bodyLengthAt);
  const room = size - smallestEntry;
  if (bodyLength < 0 || bodyLength > room) return `body length ${bodyLength} is not between 0 and ${room}`;
  const propertiesLength = bytes.readInt16BE(at + bodyAt + bodyLength);
  if (propertiesLength !== room - bodyLength) {
    return `properties length ${propertiesLength} does not fill the ${room - bodyLength} bytes that are there`;
  }
  return undefined;
}
