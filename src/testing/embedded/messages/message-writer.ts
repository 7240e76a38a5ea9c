// SPDX-License-Identifier: Apache-2.0
/** What happens to a message between its arrival and its place in a queue? Checked, delayed if it wants to be, stored, announced. */
import { ResponseCode } from '../../../protocol/codes.ts';
import { propertyNames } from '../../../protocol/properties.ts';
import { sysFlagBits } from '../../../protocol/record-layout.ts';
import type { StoredMessage } from '../../../protocol/stored-message.ts';
import type { Reply } from '../broker.types.ts';
import { DelayedMessages, type Waiting } from './delayed-messages.ts';
import type { LongPolls } from './long-polls.ts';
import type { MessageBrokerOptions } from './message-broker.types.ts';
import type { MessageStore, NewRecord, Placed } from './message-store.ts';
import { tagsCodeOf } from './tag-filter.ts';
import { scheduleTopic } from './topic-rules.ts';

/** A message on its way into a queue. */
export interface Incoming {
  readonly topic: string;
  readonly queueId: number;
  readonly flag: number;
  readonly sysFlag: number;
  /** Unit: ms since 1970. */
  readonly bornTimestamp: number;
  readonly bornHost: string;
  readonly reconsumeTimes: number;
  /** As stored: compressed already where sysFlag says so. */
  readonly body: Buffer;
  readonly properties: ReadonlyMap<string, string>;
}

/** Largest body, the broker's maxMessageSize. Unit: bytes. */
const maxBodySize = 4 * 1024 * 1024;
/** Unit: bytes. */
const maxPropertiesSize = 32_767;
/** Memory for messages: what a full disk is to a real broker. Unit: bytes. */
const defaultMaxStoreBytes = 1024 * 1024 * 1024;

const illegal: Reply = {
  code: ResponseCode.MESSAGE_ILLEGAL,
  remark: `the message is illegal, maybe msg body or properties length not matched. msg body length limit ${maxBodySize}B, msg properties length limit 32KB.`,
};

export interface WriterParts {
  readonly options: MessageBrokerOptions;
  readonly store: MessageStore;
  readonly polls: LongPolls;
  /** Of the delay levels, first to last. Unit: ms. */
  readonly pauses: readonly number[];
}

export class MessageWriter {
  readonly delayed: DelayedMessages;
  readonly #parts: WriterParts;

  constructor(parts: WriterParts) {
    this.#parts = parts;
    this.delayed = new DelayedMessages(parts.pauses, parts.options.clock, waiting => this.#deliver(waiting));
  }

  /** Why a message cannot be stored, as a broker answers it; undefined when it can. Source: HookUtils, MessageExtEncoder. */
  refusal({
    body,
    properties,
    sysFlag,
  }: Pick<Incoming, 'body' | 'properties' | 'sysFlag'>): Reply | undefined {
    const { store, options } = this.#parts;
    const limit = options.maxStoreBytes ?? defaultMaxStoreBytes;
    if (store.heldBytes + body.length > limit) {
      return {
        code: ResponseCode.SERVICE_NOT_AVAILABLE,
        remark: `service not available now. The messages of ${options.name} take ${store.heldBytes} bytes of memory, at most ${limit} may be taken`,
      };
    }
    const isInnerBatch = (sysFlag & sysFlagBits.innerBatch) !== 0 || properties.has(propertyNames.innerNum);
    const fits =
      body.length > 0 && body.length <= maxBodySize && propertiesSize(properties) <= maxPropertiesSize;
    return fits && !isInnerBatch ? undefined : illegal;
  }

  /** As {@link refusal} of a batch as a whole, which cannot be delayed. */
  batchRefusal(batch: Incoming): Reply | undefined {
    return this.refusal(batch) ?? (this.#levelOf(batch) > 0 ? illegal : undefined);
  }

  /**
   * Stores a message, first in its delay level's queue if it has a level. @returns where its record went: for a delayed
   * one a place in the schedule topic, as producers are told
   */
  put(message: Incoming): Placed {
    const level = this.#levelOf(message);
    if (level <= 0) return this.putNow(message);
    const properties = new Map(message.properties)
      .set(propertyNames.delay, String(level))
      .set(propertyNames.realTopic, message.topic)
      .set(propertyNames.realQueueId, String(message.queueId));
    const placed = this.putNow({ ...message, topic: scheduleTopic, queueId: level - 1, properties });
    this.delayed.add(level, placed.queueOffset);
    return placed;
  }

  /** Stores a message in its queue, whatever its delay level. */
  putNow(message: Incoming): Placed {
    const { store, polls, options } = this.#parts;
    const record: NewRecord = {
      ...message,
      storeTimestamp: Math.trunc(options.clock.wallNow()),
      storeHost: options.address(),
    };
    const placed = store.append(record, tagsCodeOf(message.properties.get(propertyNames.tags)));
    polls.arrived(placed.topic, placed.queueId);
    return placed;
  }

  /** A level past the last is the last. Source: HookUtils.transformDelayLevelMessage. */
  #levelOf({ properties }: Incoming): number {
    const level = Number(properties.get(propertyNames.delay) ?? 0);
    return Number.isInteger(level) ? Math.min(level, this.delayed.levels) : 0;
  }

  /** The waiting copy is given up: it would only take memory. Source: ScheduleMessageService.messageTimeUp. */
  #deliver({ level, offset }: Waiting): void {
    const { store } = this.#parts;
    const queueId = level - 1;
    const entry = store.queue(scheduleTopic, queueId)?.at(offset);
    const message = entry === undefined ? undefined : store.decode(store.bytesOf(entry));
    const topic = message?.properties.get(propertyNames.realTopic);
    if (message !== undefined && topic !== undefined) {
      const realQueueId = Number(message.properties.get(propertyNames.realQueueId));
      this.putNow({ ...copyOf(message), topic, queueId: realQueueId });
    }
    store.dropBefore(scheduleTopic, queueId, offset + 1);
  }
}

/** A stored message as it would come in again. */
export function copyOf(message: StoredMessage): Incoming {
  const { storedTopic, queueId, flag, storedSysFlag, bornTimestamp, bornHost, reconsumeTimes } = message;
  return {
    topic: storedTopic,
    queueId,
    flag,
    sysFlag: storedSysFlag,
    bornTimestamp,
    bornHost,
    reconsumeTimes,
    body: message.rawBody,
    properties: message.properties,
  };
}

/** Unit: bytes, with the two separators of each. */
function propertiesSize(properties: ReadonlyMap<string, string>): number {
  let size = 0;
  for (const [name, value] of properties) size += Buffer.byteLength(name) + Buffer.byteLength(value) + 2;
  return size;
}
