// SPDX-License-Identifier: Apache-2.0
/** What does a test of pulling and consuming begin with? Queues, offsets and messages, each from one short call. */
import type { MessageQueue } from '../../src/model/message-queue.ts';
import { type QueueOffset, queueOffset } from '../../src/model/queue-offset.ts';
import { readRecords } from '../../src/protocol/message-record.ts';
import { encodeStoredMessage, type StoredMessageFields } from '../../src/protocol/record-encoder.ts';
import type { StoredMessage } from '../../src/protocol/stored-message.ts';
import type { PullAnswer } from '../../src/transport/pull-calls.ts';

export const aQueue: MessageQueue = { topic: 'orders', brokerName: 'broker-a', queueId: 0 };

export function queueNumber(queueId: number): MessageQueue {
  return { ...aQueue, queueId };
}

export function at(offset: number): QueueOffset {
  return queueOffset(offset);
}

/** The part of a message that says which one it is, for whole-value comparison. */
export function offsetsOf(messages: readonly { readonly queueOffset: number }[]): readonly number[] {
  return messages.map(({ queueOffset: offset }) => offset);
}

export type MessageFields = Partial<StoredMessageFields> & { readonly tags?: string };

/** The record of one message as a broker stores it: a few bytes of body, its offset in its msgId `id-7`. */
export function recordOf(offset: number, { tags, ...fields }: MessageFields = {}): Buffer {
  return encodeStoredMessage({
    ...aQueue,
    queueOffset: offset,
    commitLogOffset: offset * 1000,
    bornHost: '10.0.0.9:5555',
    storeHost: '10.0.0.1:10911',
    body: Buffer.from(`body ${offset}`),
    properties: [['UNIQ_KEY', `id-${offset}`], ...(tags === undefined ? [] : [['TAGS', tags] as const])],
    ...fields,
  });
}

/** One message, read from such a record. */
export function messageAt(offset: number, fields: MessageFields = {}): StoredMessage {
  const [message] = readRecords(recordOf(offset, fields), readOptions).messages;
  if (message === undefined) throw new Error(`the record of message ${offset} cannot be read`);
  return message;
}

/** Messages from one offset up to, and without, another. */
export function messagesBetween(from: number, to: number, fields: MessageFields = {}): StoredMessage[] {
  return Array.from({ length: to - from }, (_, i) => messageAt(from + i, fields));
}

const readOptions = { brokerName: aQueue.brokerName, maxBodySize: 1 << 20 } as const;

/** The answer to a pull that brought messages from one offset up to another. */
export function found(from: number, to: number, nextOffset = to): PullAnswer {
  return foundMessages(messagesBetween(from, to), nextOffset);
}

export function foundMessages(messages: readonly StoredMessage[], nextOffset: number): PullAnswer {
  return { kind: 'found', messages, bytes: bytesOf(messages), nextOffset: at(nextOffset) };
}

/** What these take in the body of an answer. */
export function bytesOf(messages: readonly StoredMessage[]): number {
  return messages.reduce((sum, { storeSize }) => sum + storeSize, 0);
}

/** One turn of the event loop: whatever promise can settle has settled. */
export function turn(): Promise<void> {
  return new Promise(resolve => {
    setImmediate(resolve);
  });
}

/** A promise in the hand of a test. */
export interface Deferred<T> {
  readonly promise: Promise<T>;
  resolve(value: T): void;
  reject(reason: unknown): void;
}

export function deferred<T>(): Deferred<T> {
  const hand: { resolve?: (value: T) => void; reject?: (reason: unknown) => void } = {};
  const promise = new Promise<T>((resolve, reject) => Object.assign(hand, { resolve, reject }));
  return { promise, resolve: value => hand.resolve?.(value), reject: reason => hand.reject?.(reason) };
}

/** What a promise library with manners of its own might give: an object whose `then` is whatever the test wants. */
export function withThen<T extends object>(
  then: unknown,
  base: T = Object.create(null),
): T & PromiseLike<undefined> {
  return Object.defineProperty(base, 'then', { value: then }) as T & PromiseLike<undefined>; // as far as anybody can tell
}
