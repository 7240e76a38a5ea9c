// SPDX-License-Identifier: Apache-2.0
/** What does a user give to be sent, and what is wrong with it? Nothing is sent of a message that is not right. */
import { RocketmqError } from '../errors/errors.ts';
import { isRetryTopic, topicProblem } from '../model/names.ts';
import { propertyNames } from '../protocol/properties.ts';

/** A message to be sent. Source: common.message.Message. */
export interface Message {
  readonly topic: string;
  /** Text is sent as UTF-8. At least one byte, at most `maxMessageSize`. */
  readonly body: Buffer | Uint8Array | string;
  /** What consumers select by, such as `paid`. */
  readonly tags?: string;
  /** Business keys by which the message can be found, without white space. */
  readonly keys?: string | readonly string[];
  /** The user's own properties. Names and values are not empty and hold neither 0x01 nor 0x02. */
  readonly properties?: Readonly<Record<string, string>>;
  /** Deliver later, by the broker's levels 1 to 18: 1s 5s 10s 30s 1m 2m 3m 4m 5m 6m 7m 8m 9m 10m 20m 30m 1h 2h. */
  readonly delayLevel?: number;
}

/** A message that was checked, ready for the wire but for its queue. */
export interface ReadyMessage {
  readonly topic: string;
  readonly body: Buffer;
  readonly properties: ReadonlyMap<string, string>;
}

/** Of the brokers' default levels; a broker takes a higher one for its highest. */
const highestDelayLevel = 18;
const separators = ['\u0001', '\u0002'];
/** Properties with a field of their own, or made by the producer. */
const ownNames: ReadonlyMap<string, string> = new Map([
  [propertyNames.tags, 'give it as tags'],
  [propertyNames.keys, 'give it as keys'],
  [propertyNames.delay, 'give it as delayLevel'],
  [propertyNames.uniqueKey, 'it is made by the producer'],
  [propertyNames.wait, 'it is set by the producer'],
  [propertyNames.shardingKey, 'give it to sendOrderly'],
]);

export interface ReadyOptions {
  /** UNIQ_KEY. */
  readonly msgId: string;
  /** Unit: bytes. */
  readonly maxMessageSize: number;
  readonly shardingKey?: string | undefined;
}

/**
 * Checks a message and fixes its bytes.
 * @throws RocketmqError `RMQ_MESSAGE_INVALID` naming the field
 */
export function readyMessage(
  message: Message,
  { msgId, maxMessageSize, shardingKey }: ReadyOptions,
): ReadyMessage {
  const { topic, tags, delayLevel, properties = {} } = message;
  const topicWrong = typeof topic === 'string' ? topicProblem(topic) : 'it is not a string';
  if (topicWrong !== undefined) throw invalid(String(topic), 'topic', topicWrong);
  const ready = new Map<string, string>();
  for (const [name, value] of Object.entries(properties)) {
    const instead = ownNames.get(name);
    if (instead !== undefined) throw invalid(topic, `properties.${name}`, instead);
    ready.set(name, value);
  }
  ready.set(propertyNames.uniqueKey, msgId);
  ready.set(propertyNames.wait, 'true');
  if (tags !== undefined) ready.set(propertyNames.tags, tags);
  const keys = keysOf(message);
  if (keys.length > 0) ready.set(propertyNames.keys, keys.join(' '));
  if (delayLevel !== undefined) ready.set(propertyNames.delay, levelText(topic, delayLevel));
  if (shardingKey !== undefined) ready.set(propertyNames.shardingKey, shardingKey);
  for (const [name, value] of ready) checkProperty(topic, name, value);
  return { topic, body: bodyOf(message, maxMessageSize), properties: ready };
}

/**
 * What must hold for messages that are to be sent in one request; the request holds one topic only.
 * @throws RocketmqError `RMQ_MESSAGE_INVALID`
 */
export function checkBatch(messages: readonly Message[]): void {
  const [first] = messages;
  if (first === undefined) throw invalid('a batch', 'messages', 'there are none');
  if (isRetryTopic(first.topic)) throw invalid(first.topic, 'topic', 'a retry topic takes no batches');
  for (const { topic, delayLevel } of messages) {
    if (topic !== first.topic)
      throw invalid(first.topic, 'topic', `the batch also holds a message for ${topic}`);
    if (delayLevel !== undefined) throw invalid(topic, 'delayLevel', 'a batch cannot be delayed');
  }
}

/** `thing`: the topic, where known. */
export function invalid(thing: string, field: string, problem: string): RocketmqError {
  return new RocketmqError('RMQ_MESSAGE_INVALID', `message for ${thing}: ${field}: ${problem}`, {
    context: { topic: thing, field, problem },
  });
}

function keysOf({ topic, keys }: Message): readonly string[] {
  const all = keys === undefined ? [] : typeof keys === 'string' ? [keys] : keys;
  for (const key of all) {
    if (typeof key !== 'string' || key === '')
      throw invalid(topic, 'keys', 'a key is a string that is not empty');
    if (typeof keys !== 'string' && /\s/.test(key)) {
      throw invalid(topic, 'keys', `${JSON.stringify(key)} holds white space, which separates keys`);
    }
  }
  return all;
}

function levelText(topic: string, level: number): string {
  if (!Number.isInteger(level) || level < 1 || level > highestDelayLevel) {
    throw invalid(topic, 'delayLevel', `${level} is not a whole number from 1 to ${highestDelayLevel}`);
  }
  return String(level);
}

function checkProperty(topic: string, name: string, value: unknown): void {
  const field = `properties.${JSON.stringify(name)}`;
  if (typeof value !== 'string') throw invalid(topic, field, 'its value is not a string');
  if (name === '' || value === '') throw invalid(topic, field, 'names and values are not empty');
  if (separators.some(separator => name.includes(separator) || value.includes(separator))) {
    throw invalid(topic, field, '0x01 and 0x02 separate properties on the wire and cannot be part of one');
  }
}

function bodyOf({ topic, body }: Message, maxMessageSize: number): Buffer {
  const bytes = bytesOf(body);
  if (bytes === undefined) throw invalid(topic, 'body', 'it is neither text nor bytes');
  if (bytes.length === 0) throw invalid(topic, 'body', 'it is empty');
  if (bytes.length > maxMessageSize) {
    throw invalid(topic, 'body', `it has ${bytes.length} bytes, maxMessageSize is ${maxMessageSize}`);
  }
  return bytes;
}

function bytesOf(body: unknown): Buffer | undefined {
  if (typeof body === 'string') return Buffer.from(body);
  if (body instanceof Uint8Array) return Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  return undefined;
}
