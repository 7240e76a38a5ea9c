// SPDX-License-Identifier: Apache-2.0
/** How is a message kept, so that it can be read by queue and offset, and by its place in the log? */
import { readRecords } from '../../../protocol/message-record.ts';
import { encodeStoredMessage, type StoredMessageFields } from '../../../protocol/record-encoder.ts';
import { bornHostSize, layout, readInt64, viewOf } from '../../../protocol/record-layout.ts';
import type { StoredMessage } from '../../../protocol/stored-message.ts';
import type { MessageDamage, Rule } from '../cluster.types.ts';
import { CommitLog } from './commit-log.ts';
import { Damages } from './damages.ts';
import { type QueueEntry, QueueIndex } from './queue-index.ts';

/** A message as it is to be stored; where, the store says. */
export type NewRecord = Omit<StoredMessageFields, 'queueOffset' | 'commitLogOffset'>;

/** Where a message went. */
export interface Placed {
  readonly topic: string;
  readonly queueId: number;
  readonly queueOffset: number;
  /** Of its record in the commit log. Unit: bytes. */
  readonly position: number;
}

/** Largest body that is unpacked for those who look into the broker. Unit: bytes. */
const maxBodySize = 64 * 1024 * 1024;

export class MessageStore {
  readonly #log = new CommitLog();
  readonly #queues = new Map<string, Map<number, QueueIndex>>();
  readonly #damages = new Damages();
  readonly #brokerName: string;

  constructor(brokerName: string) {
    this.#brokerName = brokerName;
  }

  /** Memory taken by messages. Unit: bytes. */
  get heldBytes(): number {
    return this.#log.heldBytes;
  }

  /** @throws ProtocolError `RMQ_BAD_MESSAGE` when topic or properties do not fit a record */
  append(record: NewRecord, tagsCode: number): Placed {
    const { topic, queueId } = record;
    const queue = this.#makeQueue(topic, queueId);
    const queueOffset = queue.maxOffset;
    const bytes = encodeStoredMessage({ ...record, queueOffset, commitLogOffset: this.#log.end });
    const position = this.#log.append(bytes);
    queue.add({ position, size: bytes.length, tagsCode });
    return { topic, queueId, queueOffset, position };
  }

  /** undefined while nothing was ever stored in it. */
  queue(topic: string, queueId: number): QueueIndex | undefined {
    return this.#queues.get(topic)?.get(queueId);
  }

  /** Queues of a topic something was stored in, by rising id. */
  queueIds(topic: string): readonly number[] {
    return [...(this.#queues.get(topic)?.keys() ?? [])].sort((a, b) => a - b);
  }

  minOffset(topic: string, queueId: number): number {
    return this.queue(topic, queueId)?.minOffset ?? 0;
  }

  maxOffset(topic: string, queueId: number): number {
    return this.queue(topic, queueId)?.maxOffset ?? 0;
  }

  /** A record's bytes: a view of the log. */
  bytesOf(entry: QueueEntry): Buffer {
    return this.#log.read(entry.position, entry.size);
  }

  /** As a pull brings it: a view of the log, or a changed copy. */
  pulledBytesOf(entry: QueueEntry): Buffer {
    return this.#damages.asPulled(entry.position, this.bytesOf(entry));
  }

  /** From now on pulls bring it changed, so many times. */
  damage(entry: QueueEntry, what: MessageDamage, times: number): Rule {
    return this.#damages.add(entry.position, what, times);
  }

  /** The record that begins at this place in the log: a view. */
  recordAt(position: number): Buffer | undefined {
    return this.#log.recordAt(position);
  }

  /** A record to be looked into. */
  decode(record: Buffer): StoredMessage | undefined {
    return readRecords(record, { brokerName: this.#brokerName, maxBodySize }).messages[0];
  }

  /** Unit: ms since 1970. */
  storeTimestamp(entry: QueueEntry): number {
    const view = viewOf(this.bytesOf(entry));
    return readInt64(view, layout.storeTimestamp + bornHostSize(view.getInt32(layout.sysFlag)));
  }

  /** Gives up what is older than an offset. */
  dropBefore(topic: string, queueId: number, offset: number): void {
    const dropped = this.queue(topic, queueId)?.dropBefore(offset) ?? [];
    for (const { position } of dropped) this.#log.release(position);
  }

  /** Gives up a topic that was deleted: made again, it begins at 0. */
  forgetTopic(topic: string): void {
    for (const queueId of this.queueIds(topic)) this.dropBefore(topic, queueId, Number.POSITIVE_INFINITY);
    this.#queues.delete(topic);
  }

  #makeQueue(topic: string, queueId: number): QueueIndex {
    const queues = this.#queues.get(topic) ?? new Map<number, QueueIndex>();
    this.#queues.set(topic, queues);
    const queue = queues.get(queueId) ?? new QueueIndex();
    queues.set(queueId, queue);
    return queue;
  }
}
