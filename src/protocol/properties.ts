// SPDX-License-Identifier: Apache-2.0
/** How do a message's properties travel as text? protocol.md section 4.2, MessageDecoder.string2messageProperties. */
import { ProtocolError } from '../errors/errors.ts';

/** Properties this library reads or writes. Source: common.message.MessageConst. */
export const propertyNames = {
  clientHost: '__BORNHOST',
  cluster: 'CLUSTER',
  consumeStartTime: 'CONSUME_START_TIME',
  delay: 'DELAY',
  innerNum: 'INNER_NUM',
  keys: 'KEYS',
  maxReconsumeTimes: 'MAX_RECONSUME_TIMES',
  msgRegion: 'MSG_REGION',
  originMessageId: 'ORIGIN_MESSAGE_ID',
  realQueueId: 'REAL_QID',
  realTopic: 'REAL_TOPIC',
  reconsumeTime: 'RECONSUME_TIME',
  retryTopic: 'RETRY_TOPIC',
  shardingKey: '__SHARDINGKEY',
  tags: 'TAGS',
  traceOn: 'TRACE_ON',
  transaction: 'TRAN_MSG',
  uniqueKey: 'UNIQ_KEY',
  wait: 'WAIT',
} as const;

const nameEnd = 0x01;
const propertyEnd = 0x02;
const nameEndText = '\u0001';
const propertyEndText = '\u0002';

/** Longest properties text a record can hold, its length being a signed 16-bit number. Unit: bytes. */
const maxPropertiesLength = 32_767;

/**
 * Reads `name 0x01 value 0x02 …`; the last 0x02 may be missing. A piece without a name or a value is dropped,
 * and of several with the same name the last one counts (a message of a batch send has two UNIQ_KEY).
 * A Map, because a property may be called `__proto__`.
 */
export function parseProperties(text: string): ReadonlyMap<string, string> {
  const properties = new Map<string, string>();
  let split = -1;
  for (let start = 0; start < text.length; ) {
    if (split < start) split = text.indexOf(nameEndText, start);
    if (split < 0) break;
    const found = text.indexOf(propertyEndText, start);
    const end = found < 0 ? text.length : found;
    if (split > start && split < end - 1)
      properties.set(text.slice(start, split), text.slice(split + 1, end));
    start = end + 1;
  }
  return properties;
}

/**
 * Writes properties in the order given, each with its 0x02 behind it, as brokers from 5.0 store them.
 * @throws ProtocolError `RMQ_BAD_MESSAGE` when a name or value is empty (a reader would drop it) or holds a separator,
 *   or when the text has more than 32767 bytes
 */
export function encodeProperties(properties: Iterable<readonly [string, string]>): string {
  let text = '';
  for (const [name, value] of properties) {
    const problem = propertyProblem(name, value);
    if (problem !== undefined) {
      throw new ProtocolError('RMQ_BAD_MESSAGE', `property ${JSON.stringify(name)} ${problem}`, {
        context: { property: name },
      });
    }
    text += name + nameEndText + value + propertyEndText;
  }
  const length = Buffer.byteLength(text);
  if (length > maxPropertiesLength) {
    throw new ProtocolError(
      'RMQ_BAD_MESSAGE',
      `the properties have ${length} bytes, at most ${maxPropertiesLength} fit a message`,
      { context: { length, limit: maxPropertiesLength } },
    );
  }
  return text;
}

/** Why a property cannot travel, or undefined when it can. */
function propertyProblem(name: string, value: string): string | undefined {
  if (name === '') return 'has no name';
  if (value === '') return 'has an empty value';
  if (name.includes(nameEndText) || name.includes(propertyEndText)) return 'has 0x01 or 0x02 in its name';
  if (value.includes(propertyEndText)) return 'has 0x02 in its value';
  return undefined;
}

/**
 * Position of a property's value, looking backwards because the last one of a name counts. Agrees with
 * {@link parseProperties} without making any text.
 * @returns start of the value, whose end is the next 0x02 or `end`; -1 when there is none
 * @param name the name's bytes, ASCII
 */
export function findProperty(bytes: Uint8Array, start: number, end: number, name: Uint8Array): number {
  let pieceEnd = end;
  while (pieceEnd > start) {
    let pieceStart = pieceEnd;
    while (pieceStart > start && bytes[pieceStart - 1] !== propertyEnd) pieceStart--;
    const valueStart = pieceStart + name.length + 1;
    if (valueStart < pieceEnd && bytes[valueStart - 1] === nameEnd && startsWith(bytes, pieceStart, name)) {
      return valueStart;
    }
    pieceEnd = pieceStart - 1;
  }
  return -1;
}

/** The end of a value found by {@link findProperty}. */
export function valueEnd(bytes: Uint8Array, valueStart: number, end: number): number {
  let at = valueStart;
  while (at < end && bytes[at] !== propertyEnd) at++;
  return at;
}

function startsWith(bytes: Uint8Array, at: number, name: Uint8Array): boolean {
  for (let i = 0; i < name.length; i++) if (bytes[at + i] !== name[i]) return false;
  return true;
}
