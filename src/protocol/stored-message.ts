// SPDX-License-Identifier: Apache-2.0
/** How is a message read from the bytes a broker sent, field by field and only when asked? protocol.md section 4, MessageDecoder. */
import { type InspectOptions, inspect } from 'node:util';
import { ProtocolError, toRocketmqError } from '../errors/errors.ts';
import type { MessageExt } from '../model/message.ts';
import { retryTopicPrefix } from '../model/names.ts';
import { decompressBody } from './compression.ts';
import { hostText } from './host-bytes.ts';
import { encodeOffsetMsgId } from './message-id.ts';
import { findProperty, parseProperties, propertyNames, valueEnd } from './properties.ts';
import {
  bornHostSize,
  hostSizes,
  layout,
  magicV2,
  readInt64,
  storeHostSize,
  sysFlagBits,
} from './record-layout.ts';
import type { RecordSource } from './record-source.ts';
import type { TextCache } from './text-cache.ts';

const tagsBytes = Buffer.from(propertyNames.tags);
const keysBytes = Buffer.from(propertyNames.keys);
const uniqueKeyBytes = Buffer.from(propertyNames.uniqueKey);
const transactionBytes = Buffer.from(propertyNames.transaction);
const retryTopicBytes = Buffer.from(propertyNames.retryTopic);

/** Where a message of an inner batch has its own parts; all else is the batch's. protocol.md section 4.4. */
export interface InnerPart {
  readonly batch: StoredMessage;
  /** The batch's decompressed body. */
  readonly bytes: Buffer;
  readonly flag: number;
  /** Whole entry. Unit: bytes. */
  readonly size: number;
  readonly bodyStart: number;
  readonly bodyEnd: number;
  readonly propertiesStart: number;
  readonly propertiesEnd: number;
}

/**
 * One message over the received bytes. Made by `readRecords`, which has checked that every length fits: only
 * {@link StoredMessage.body} can throw, when a compressed body is damaged or too large.
 * @example
 * for (const message of readRecords(frame.body, { brokerName, maxBodySize }).messages) handle(message.body);
 */
export class StoredMessage implements MessageExt {
  readonly queueOffset: number;
  readonly storeSize: number;
  private readonly source: RecordSource;
  /** Position of the record in the source. */
  private readonly start: number;
  private readonly inner: InnerPart | undefined;
  private knownTopic: string | undefined;
  /** null: known to be absent. */
  private knownTags: string | null | undefined;
  private knownBody: Buffer | undefined;
  /** Kept, because trying again costs as much as the first time. */
  private bodyProblem: ProtocolError | undefined;
  private knownProperties: ReadonlyMap<string, string> | undefined;

  /** `start` is the position of a record whose lengths were checked; see message-record.ts. */
  constructor(source: RecordSource, start: number, size: number, queueOffset: number, inner?: InnerPart) {
    this.queueOffset = queueOffset;
    this.storeSize = size;
    this.source = source;
    this.start = start;
    this.inner = inner;
    this.knownTopic = undefined;
    this.knownTags = undefined;
    this.knownBody = undefined;
    this.bodyProblem = undefined;
    this.knownProperties = undefined;
  }

  get brokerName(): string {
    return this.source.brokerName;
  }

  get queueId(): number {
    return this.source.view.getInt32(this.start + layout.queueId);
  }

  get flag(): number {
    return this.inner?.flag ?? this.source.view.getInt32(this.start + layout.flag);
  }

  get commitLogOffset(): number {
    return readInt64(this.source.view, this.start + layout.commitLogOffset);
  }

  /** As stored, without the bit that says "compressed": {@link StoredMessage.body} is not. Java does the same. */
  get sysFlag(): number {
    return this.storedSysFlag & ~sysFlagBits.compressed;
  }

  get storedSysFlag(): number {
    return this.source.view.getInt32(this.start + layout.sysFlag);
  }

  /** NaN where the producer sent a number past 2^53. */
  get bornTimestamp(): number {
    return readInt64(this.source.view, this.start + layout.bornTimestamp);
  }

  get bornHost(): string {
    return hostText(this.source.bytes, this.start + layout.bornHost, bornHostSize(this.storedSysFlag));
  }

  get storeTimestamp(): number {
    const at = this.start + layout.storeTimestamp + bornHostSize(this.storedSysFlag);
    return readInt64(this.source.view, at);
  }

  get storeHost(): string {
    return hostText(this.source.bytes, this.storeHostAt, storeHostSize(this.storedSysFlag));
  }

  get reconsumeTimes(): number {
    return this.source.view.getInt32(this.start + layout.reconsumeTimes + hostSizes(this.storedSysFlag));
  }

  /** Commit-log position of the half message of a transaction, 0 without one. Unit: bytes. */
  get preparedTransactionOffset(): number {
    const at = this.start + layout.preparedTransactionOffset + hostSizes(this.storedSysFlag);
    return readInt64(this.source.view, at);
  }

  /** CRC-32 & 0x7fffffff over {@link StoredMessage.rawBody}; 0 where the broker stored none, and inside an inner batch. */
  get bodyCrc(): number {
    return this.inner === undefined ? this.source.view.getInt32(this.start + layout.bodyCrc) : 0;
  }

  /** The inner batch this message came in, if any: its CRC covers this message too. */
  get innerBatch(): StoredMessage | undefined {
    return this.inner?.batch;
  }

  /** The body as stored: compressed if {@link StoredMessage.isCompressed}. A view of the received frame. */
  get rawBody(): Buffer {
    if (this.inner !== undefined) return this.inner.bytes.subarray(this.inner.bodyStart, this.inner.bodyEnd);
    if (this.knownBody !== undefined && !this.isCompressed) return this.knownBody;
    const bodyAt = this.bodyAt;
    return this.source.bytes.subarray(bodyAt, bodyAt + this.rawBodyLength);
  }

  /** Unit: bytes. */
  get rawBodyLength(): number {
    if (this.inner !== undefined) return this.inner.bodyEnd - this.inner.bodyStart;
    return this.source.view.getInt32(this.bodyAt - 4);
  }

  /** Is {@link StoredMessage.rawBody} compressed? Never inside an inner batch, which is compressed as a whole. */
  get isCompressed(): boolean {
    return this.inner === undefined && (this.storedSysFlag & sysFlagBits.compressed) !== 0;
  }

  /** @throws ProtocolError `RMQ_BODY_TOO_LARGE` past maxBodySize, `RMQ_BAD_MESSAGE` when it cannot be decompressed */
  get body(): Buffer {
    if (this.knownBody !== undefined) return this.knownBody;
    if (this.bodyProblem !== undefined) throw this.bodyProblem;
    const raw = this.rawBody;
    const body = this.isCompressed && raw.length > 0 ? this.decompressed(raw) : raw;
    this.knownBody = body;
    return body;
  }

  /** The topic the message is stored under: `%RETRY%group` for a retried one. Without a namespace, as all names here. */
  get storedTopic(): string {
    const { start, end } = this.topicRange();
    const { topics, bytes, namespace } = this.source;
    const stored = topics.text(bytes, start, end);
    return namespace === undefined ? stored : namespace.own(stored);
  }

  get topic(): string {
    if (this.knownTopic !== undefined) return this.knownTopic;
    const stored = this.storedTopic;
    const topic = stored.startsWith(retryTopicPrefix) ? (this.originalTopic() ?? stored) : stored;
    this.knownTopic = topic;
    return topic;
  }

  get tags(): string | undefined {
    if (this.knownTags === undefined) {
      this.knownTags = this.propertyText(tagsBytes, this.source.tags) ?? null;
    }
    return this.knownTags ?? undefined;
  }

  get keys(): readonly string[] {
    const text = this.propertyText(keysBytes);
    return text === undefined ? [] : text.split(' ').filter(key => key !== '');
  }

  get msgId(): string {
    return this.propertyText(uniqueKeyBytes) ?? this.offsetMsgId;
  }

  get offsetMsgId(): string {
    const host = this.source.bytes.subarray(
      this.storeHostAt,
      this.storeHostAt + storeHostSize(this.storedSysFlag),
    );
    return encodeOffsetMsgId(host, this.commitLogOffset);
  }

  /** Source: PullAPIWrapper, which takes the unique id of a message that says TRAN_MSG. */
  get transactionId(): string | undefined {
    const isInTransaction = this.propertyText(transactionBytes)?.toLowerCase() === 'true';
    return isInTransaction ? this.propertyText(uniqueKeyBytes) : undefined;
  }

  get properties(): ReadonlyMap<string, string> {
    if (this.knownProperties !== undefined) return this.knownProperties;
    const { bytes, start, end } = this.propertiesRange();
    this.knownProperties = parseProperties(bytes.toString('utf8', start, end));
    return this.knownProperties;
  }

  getProperty(name: string): string | undefined {
    return this.properties.get(name);
  }

  detach(): Buffer {
    const { body } = this;
    const copy = Buffer.allocUnsafeSlow(body.length); // not from the shared pool, which would keep 8 KiB alive
    body.copy(copy);
    return copy;
  }

  /** Message number `index` of this inner batch, `part` being where it lies in the batch's body. */
  innerMessage(index: number, part: InnerPart): StoredMessage {
    return new StoredMessage(this.source, this.start, part.size, this.queueOffset + index, part);
  }

  /** For logs: everything but the body. */
  toJSON(): Readonly<Record<string, unknown>> {
    return {
      topic: this.topic,
      brokerName: this.brokerName,
      queueId: this.queueId,
      queueOffset: this.queueOffset,
      msgId: this.msgId,
      tags: this.tags,
      keys: this.keys,
      reconsumeTimes: this.reconsumeTimes,
      bornTimestamp: this.bornTimestamp,
      storeTimestamp: this.storeTimestamp,
      commitLogOffset: this.commitLogOffset,
      sysFlag: this.storedSysFlag,
      storeSize: this.storeSize,
      rawBodyLength: this.rawBodyLength,
      properties: Object.fromEntries(this.properties),
    };
  }

  [inspect.custom](_depth: number, options: InspectOptions): string {
    return `StoredMessage ${inspect(this.toJSON(), options)}`;
  }

  private decompressed(raw: Buffer): Buffer {
    try {
      return decompressBody(raw, this.storedSysFlag, this.source.maxBodySize);
    } catch (thrown) {
      const cause = toRocketmqError(thrown, 'RMQ_BAD_MESSAGE');
      const { storedTopic, brokerName, queueId, queueOffset } = this;
      this.bodyProblem = new ProtocolError(
        cause.code,
        `message ${queueOffset} of ${storedTopic}-${queueId}@${brokerName}: ${cause.message}`,
        { cause, context: { ...cause.context, storedTopic, brokerName, queueId, queueOffset } },
      );
      throw this.bodyProblem;
    }
  }

  /** RETRY_TOPIC; a retried inner batch has it among the batch's properties. */
  private originalTopic(): string | undefined {
    const topic = this.propertyText(retryTopicBytes) ?? this.inner?.batch.propertyText(retryTopicBytes);
    return topic === undefined ? undefined : (this.source.namespace?.own(topic) ?? topic);
  }

  private propertyText(name: Uint8Array, cache?: TextCache): string | undefined {
    const { bytes, start, end } = this.propertiesRange();
    const valueAt = findProperty(bytes, start, end, name);
    if (valueAt < 0) return undefined;
    const stop = valueEnd(bytes, valueAt, end);
    return cache === undefined ? bytes.toString('utf8', valueAt, stop) : cache.text(bytes, valueAt, stop);
  }

  private propertiesRange(): { readonly bytes: Buffer; readonly start: number; readonly end: number } {
    const { inner } = this;
    if (inner !== undefined)
      return { bytes: inner.bytes, start: inner.propertiesStart, end: inner.propertiesEnd };
    return { bytes: this.source.bytes, start: this.topicRange().end + 2, end: this.start + this.storeSize };
  }

  private topicRange(): { readonly start: number; readonly end: number } {
    const { view } = this.source;
    const { bodyAt } = this;
    const lengthAt = bodyAt + view.getInt32(bodyAt - 4);
    const isV2 = view.getInt32(this.start + layout.magic) === magicV2;
    const start = lengthAt + (isV2 ? 2 : 1);
    return { start, end: start + (isV2 ? view.getInt16(lengthAt) : view.getInt8(lengthAt)) };
  }

  private get bodyAt(): number {
    return this.start + layout.body + hostSizes(this.storedSysFlag);
  }

  private get storeHostAt(): number {
    return this.start + layout.storeHost + bornHostSize(this.storedSysFlag);
  }
}
