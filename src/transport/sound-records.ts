// SPDX-License-Identifier: Apache-2.0
/** Which messages of a pull answer are what was stored, and where does the first that is not lie? design.md G1. */
import type { ProtocolError } from '../errors/errors.ts';
import type { MessageQueue } from '../model/message-queue.ts';
import type { QueueOffset } from '../model/queue-offset.ts';
import { bodyCrcMatches, type RecordBatch } from '../protocol/message-record.ts';
import type { StoredMessage } from '../protocol/stored-message.ts';
import { crcMismatch, outOfPlace, unreadable } from './pull-errors.ts';

/** What was asked for, and what the broker says it answered. */
export interface AskedFor {
  readonly queue: MessageQueue;
  readonly offset: QueueOffset;
  readonly nextBeginOffset: QueueOffset;
  /** One message was asked for: it lies right before {@link nextBeginOffset}, whatever the broker's filter passed over. */
  readonly single: boolean;
}

/** The first message that cannot be read, or is not the one that was stored. */
export interface RecordFault {
  /** Never below what was asked for. */
  readonly queueOffset: QueueOffset;
  readonly error: ProtocolError;
}

export interface SoundRecords {
  /** All before the fault. */
  readonly messages: readonly StoredMessage[];
  readonly fault: RecordFault | undefined;
}

/** The messages before the first that stands in a wrong place, cannot be decoded, or has another body than was stored. */
export function soundRecords(batch: RecordBatch, asked: AskedFor): SoundRecords {
  const { messages } = batch;
  const stray = firstMisplaced(messages, asked);
  const misplaced = stray < 0 ? undefined : messages[stray];
  if (misplaced === undefined) return untilChanged(batch, asked);
  const { offset, nextBeginOffset: next, single } = asked;
  const before = untilChanged({ messages: beforeStray(messages, stray, offset), damage: undefined }, asked);
  if (before.fault !== undefined) return before;
  const isAlone = single && messages.length === 1 && batch.damage === undefined;
  const expected = nextAfter(before.messages, offset);
  const queueOffset = isAlone && next > expected ? oneBefore(next) : expected;
  return {
    messages: before.messages,
    fault: { queueOffset, error: outOfPlace(misplaced, { queueOffset, asked: offset, next }) },
  };
}

/** Stops at the first message whose body is not the one that was stored, or where the reading stopped. */
function untilChanged({ messages, damage }: RecordBatch, asked: AskedFor): SoundRecords {
  const bad = firstChanged(messages);
  const changed = bad < 0 ? undefined : messages[bad];
  if (changed !== undefined) {
    // The first message of an inner batch may lie before what was asked for.
    const queueOffset = Math.max(changed.queueOffset, asked.offset) as QueueOffset; // checked when the record was read
    return {
      messages: messages.slice(0, bad),
      fault: { queueOffset, error: crcMismatch(changed, queueOffset) },
    };
  }
  if (damage === undefined) return { messages, fault: undefined };
  const queueOffset = placeOf(damage.queueOffset, nextAfter(messages, asked.offset), asked);
  return { messages, fault: { queueOffset, error: unreadable(asked.queue, queueOffset, damage.error) } };
}

/** What a damaged record says of its own place counts only where the broker's word agrees; else it is the next one. */
function placeOf(claimed: number | undefined, expected: QueueOffset, asked: AskedFor): QueueOffset {
  const told = oneBefore(asked.nextBeginOffset);
  return asked.single && claimed === told && told > expected ? told : expected;
}

/**
 * Offsets rise within an answer, from the one asked for to below its next offset; one that does not was changed on disk
 * or on the way, and believing it would carry the commit point past messages nobody has seen. -1 when all are in place.
 */
function firstMisplaced(messages: readonly StoredMessage[], asked: AskedFor): number {
  const { offset, nextBeginOffset } = asked;
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

/** Where the message behind these lies, as far as they tell. */
function nextAfter(messages: readonly StoredMessage[], offset: QueueOffset): QueueOffset {
  const last = messages.at(-1);
  return last === undefined ? offset : after(last);
}

export function after(message: StoredMessage): QueueOffset {
  return (message.queueOffset + 1) as QueueOffset; // one past a checked offset
}

function oneBefore(offset: QueueOffset): QueueOffset {
  return Math.max(0, offset - 1) as QueueOffset; // one below a checked offset
}
