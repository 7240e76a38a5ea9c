// SPDX-License-Identifier: Apache-2.0
/** How is one queue pulled over the wire, and what does each answer mean for it? The hot path: no promise, no timer. */
import { type RocketmqError, toRocketmqError } from '../errors/errors.ts';
import type { Clock } from '../model/clock.ts';
import type { MessageQueue } from '../model/message-queue.ts';
import { type QueueOffset, zeroOffset } from '../model/queue-offset.ts';
import { ResponseCode } from '../protocol/codes.ts';
import { readReply } from '../protocol/define-request.ts';
import type { Frame } from '../protocol/frame.ts';
import { bodyCrcMatches, type RecordBatch, readRecords } from '../protocol/message-record.ts';
import {
  type PreparedPull,
  preparePull,
  pullMessage,
  pullSysFlag,
} from '../protocol/requests/pull-message.ts';
import { errorOfResponse } from '../protocol/response-error.ts';
import type { StoredMessage } from '../protocol/stored-message.ts';
import type { Caller, CallOutcome, OnOutcome } from './call.ts';
import { crcMismatch, outOfPlace } from './pull-errors.ts';

/** What the broker said to one pull. Source: PullResult, protocol.md section 3. */
export type PullAnswer =
  | {
      readonly kind: 'found';
      /** What passed the second tag check; may be empty. */
      readonly messages: readonly StoredMessage[];
      /** Stored size of those. Unit: bytes. */
      readonly bytes: number;
      readonly nextOffset: QueueOffset;
    }
  | {
      /** The good messages before the first unreadable one; `nextOffset` is that one's. */
      readonly kind: 'damaged';
      readonly messages: readonly StoredMessage[];
      readonly nextOffset: QueueOffset;
      readonly error: RocketmqError;
    }
  | {
      readonly kind: 'none';
      readonly nextOffset: QueueOffset;
      /** The offset advanced, or the broker held the poll: asking again at once is no hot loop. */
      readonly mayRepeat: boolean;
    }
  | ({ readonly kind: 'moved' } & Correction)
  | { readonly kind: 'failed'; readonly error: RocketmqError };

/** Where code 21 sends a queue, and the broker's word for why. */
export interface Correction {
  readonly correctTo: QueueOffset;
  readonly reason: string;
}

export interface PullCallsOptions {
  readonly queue: MessageQueue;
  readonly consumerGroup: string;
  readonly clock: Clock;
  /** Messages asked for at once. */
  readonly batchSize: number;
  /** How long the broker may hold an empty poll. Unit: ms. */
  readonly suspendMs: number;
  /** Unit: ms. */
  readonly timeoutMs: number;
  /** Largest decompressed body. Unit: bytes. */
  readonly maxBodySize: number;
  /** The line to the broker of the queue now; throws RMQ_BROKER_NOT_FOUND when no route names one. */
  readonly caller: () => Caller;
  /** Version of the subscription the broker filters by; it answers 25 to a newer one than it knows. */
  readonly subVersion: () => number;
  /** Tags wanted, undefined for all: brokers filter by hash, so it is checked again here. */
  readonly tags: () => ReadonlySet<string> | undefined;
}

/** An answer that came sooner than this and brought nothing was not held. Unit: ms. */
const heldFloor = 500;

const offsetReset = 'OFFSET_RESET';

export class PullCalls {
  readonly #options: PullCallsOptions;
  readonly #what: string;
  #prepared: PreparedPull | undefined;
  /** The pull that was made while there was no connection, if it was the last. */
  #waiting: { readonly caller: Caller; readonly onOutcome: OnOutcome } | undefined;
  #preparedFor = -1;

  constructor(options: PullCallsOptions) {
    this.#options = options;
    const { topic, queueId, brokerName } = options.queue;
    this.#what = `pull from ${topic}-${queueId}@${brokerName}`;
  }

  /** Writes one pull; the answer comes exactly once, never inside this call. */
  pull(offset: QueueOffset, commit: QueueOffset | undefined, onAnswer: (answer: PullAnswer) => void): void {
    const { clock, timeoutMs } = this.#options;
    const sentAt = clock.now();
    try {
      const caller = this.#options.caller();
      const prepared = this.#prepare();
      const sysFlag = pullSysFlag({ commitOffset: commit !== undefined, suspend: true, subscription: false });
      const onOutcome: OnOutcome = outcome =>
        onAnswer(this.#answerOf(outcome, offset, clock.now() - sentAt, caller.address));
      this.#waiting = caller.isOpen ? undefined : { caller, onOutcome };
      caller.call(
        opaque => prepared(opaque, offset, sysFlag, commit ?? zeroOffset),
        timeoutMs,
        this.#what,
        onOutcome,
      );
    } catch (thrown) {
      const error = toRocketmqError(thrown);
      setImmediate(() => onAnswer({ kind: 'failed', error }));
    }
  }

  /** A pull that still waits for a connection is not written any more, nor answered. */
  withdraw(): void {
    this.#waiting?.caller.cancel(this.#waiting.onOutcome);
    this.#waiting = undefined;
  }

  #prepare(): PreparedPull {
    const subVersion = this.#options.subVersion();
    if (this.#prepared !== undefined && this.#preparedFor === subVersion) return this.#prepared;
    const { queue, consumerGroup, batchSize, suspendMs } = this.#options;
    const prepared = preparePull({
      consumerGroup,
      topic: queue.topic,
      queueId: queue.queueId,
      maxMsgNums: batchSize,
      suspendTimeoutMillis: suspendMs,
      subVersion,
      expressionType: 'TAG',
      bname: queue.brokerName,
    });
    this.#prepared = prepared;
    this.#preparedFor = subVersion;
    return prepared;
  }

  #answerOf(outcome: CallOutcome, offset: QueueOffset, heldMs: number, address: string): PullAnswer {
    if (outcome.kind === 'failed') return outcome;
    try {
      return this.#read(outcome.frame, offset, heldMs, address);
    } catch (thrown) {
      return { kind: 'failed', error: toRocketmqError(thrown, 'RMQ_BAD_BODY') };
    }
  }

  #read(frame: Frame, offset: QueueOffset, heldMs: number, address: string): PullAnswer {
    switch (frame.code) {
      case ResponseCode.SUCCESS:
        return this.#found(frame, offset);
      case ResponseCode.PULL_NOT_FOUND:
      case ResponseCode.PULL_RETRY_IMMEDIATELY: {
        const { nextBeginOffset } = readReply(pullMessage, frame);
        return {
          kind: 'none',
          nextOffset: nextBeginOffset,
          mayRepeat: nextBeginOffset > offset || heldMs >= heldFloor,
        };
      }
      case ResponseCode.PULL_OFFSET_MOVED:
        return { kind: 'moved', ...correctionOf(frame, offset) };
      default:
        return { kind: 'failed', error: errorOfResponse(this.#what, frame, address) };
    }
  }

  #found(frame: Frame, offset: QueueOffset): PullAnswer {
    const { queue, maxBodySize } = this.#options;
    const { nextBeginOffset } = readReply(pullMessage, frame);
    const batch = readRecords(frame.body, { brokerName: queue.brokerName, maxBodySize });
    const { messages, error, badOffset } = readable(batch, offset, nextBeginOffset);
    const wanted = this.#wanted(messages, offset);
    const last = messages.at(-1);
    if (error !== undefined) {
      const nextOffset = badOffset ?? (last === undefined ? offset : after(last));
      return { kind: 'damaged', messages: wanted, nextOffset, error };
    }
    const nextOffset =
      last !== undefined && nextBeginOffset <= last.queueOffset ? after(last) : nextBeginOffset;
    return { kind: 'found', messages: wanted, bytes: storedSize(wanted), nextOffset };
  }

  /** A pull from the middle of an inner batch brings the whole batch; a hash collision brings other tags. */
  #wanted(messages: readonly StoredMessage[], offset: QueueOffset): readonly StoredMessage[] {
    const tags = this.#options.tags();
    const [first] = messages;
    if (tags === undefined && (first === undefined || first.queueOffset >= offset)) return messages;
    return messages.filter(
      message =>
        message.queueOffset >= offset &&
        (tags === undefined || (message.tags !== undefined && tags.has(message.tags))),
    );
  }
}

interface Readable {
  readonly messages: readonly StoredMessage[];
  readonly error: RocketmqError | undefined;
  readonly badOffset: QueueOffset | undefined;
}

/** The messages before the first that stands in a wrong place, cannot be decoded, or has another body than was stored. */
function readable(batch: RecordBatch, offset: QueueOffset, nextBeginOffset: QueueOffset): Readable {
  const stray = firstMisplaced(batch.messages, offset, nextBeginOffset);
  const misplaced = stray < 0 ? undefined : batch.messages[stray];
  if (misplaced === undefined) return sound(batch, offset);
  const before = sound({ messages: beforeStray(batch.messages, stray, offset), damage: undefined }, offset);
  if (before.error !== undefined) return before;
  return {
    messages: before.messages,
    error: outOfPlace(misplaced, offset, nextBeginOffset),
    badOffset: undefined,
  };
}

/**
 * Offsets rise within an answer, from the one asked for to below its next offset; one that does not was changed on disk
 * or on the way, and believing it would carry the commit point past messages nobody has seen. -1 when all are in place.
 */
function firstMisplaced(
  messages: readonly StoredMessage[],
  offset: QueueOffset,
  nextBeginOffset: QueueOffset,
): number {
  const end = nextBeginOffset > offset ? nextBeginOffset : Number.POSITIVE_INFINITY;
  let last = -1;
  return messages.findIndex((message, i) => {
    const at = message.queueOffset;
    if (at <= last || at >= end) return true;
    last = at;
    return at < offset && !reaches(messages, i, offset);
  });
}

/** Only an inner batch may begin before what was asked for, and then it has that too. */
function reaches(messages: readonly StoredMessage[], i: number, offset: QueueOffset): boolean {
  const message = messages[i];
  if (message?.innerBatch === undefined) return false;
  return messages[i + offset - message.queueOffset]?.innerBatch === message.innerBatch;
}

/** Where two messages dispute an offset, either may be the changed one: only what comes before both is certain. */
function beforeStray(
  messages: readonly StoredMessage[],
  stray: number,
  offset: QueueOffset,
): readonly StoredMessage[] {
  const claimed = messages[stray]?.queueOffset ?? 0;
  const before = messages.slice(0, stray);
  return claimed < offset ? before : before.filter(message => message.queueOffset < claimed);
}

function sound({ messages, damage }: RecordBatch, offset: QueueOffset): Readable {
  const bad = firstChanged(messages);
  const broken = bad < 0 ? undefined : messages[bad];
  if (broken !== undefined) {
    const badOffset = broken.queueOffset as QueueOffset; // checked when the record was read
    return { messages: messages.slice(0, bad), error: crcMismatch(broken), badOffset };
  }
  if (damage === undefined) return { messages, error: undefined, badOffset: undefined };
  const last = messages.at(-1);
  const expected = last === undefined ? offset : after(last);
  const believable = damage.queueOffset === expected ? expected : undefined;
  return { messages, error: damage.error, badOffset: believable };
}

/** Index of the first message with a changed body, -1 when all are as stored. An inner batch has one body for all its messages. */
function firstChanged(messages: readonly StoredMessage[]): number {
  let checked: StoredMessage | undefined;
  return messages.findIndex(message => {
    const { innerBatch } = message;
    if (innerBatch !== undefined && innerBatch === checked) return false;
    checked = innerBatch;
    return !bodyCrcMatches(message);
  });
}

function storedSize(messages: readonly StoredMessage[]): number {
  let bytes = 0;
  for (const { storeSize } of messages) bytes += storeSize;
  return bytes;
}

function after(message: StoredMessage): QueueOffset {
  return (message.queueOffset + 1) as QueueOffset; // one past a checked offset
}

/**
 * A reset is followed as told. An offset past the end means the topic was made anew: whatever the answer says, its
 * first message is the next one, so nothing is skipped. One before the beginning goes to the first that is left.
 */
function correctionOf(frame: Frame, offset: QueueOffset): Correction {
  const { nextBeginOffset, minOffset, maxOffset } = readReply(pullMessage, frame);
  const reason = frame.remark ?? 'PULL_OFFSET_MOVED';
  if (!reason.includes(offsetReset) && offset > maxOffset) {
    return { correctTo: Math.max(0, minOffset) as QueueOffset, reason }; // a bound may be -1, an offset not
  }
  return { correctTo: nextBeginOffset, reason };
}
