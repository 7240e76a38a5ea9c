// SPDX-License-Identifier: Apache-2.0
/** What does a pull at this offset get, and what is it told? Source: DefaultMessageStore.getMessage. */
import type { MessageStore } from './message-store.ts';
import type { QueueIndex } from './queue-index.ts';
import type { TagFilter } from './tag-filter.ts';

/** In the broker's words, which it sends as the remark of its answer. Source: GetMessageStatus. */
export type ReadStatus =
  | 'FOUND'
  | 'NO_MATCHED_MESSAGE'
  | 'NO_MESSAGE_IN_QUEUE'
  | 'OFFSET_TOO_SMALL'
  | 'OFFSET_OVERFLOW_ONE'
  | 'OFFSET_OVERFLOW_BADLY'
  | 'OFFSET_RESET';

export interface ReadResult {
  readonly status: ReadStatus;
  readonly nextBeginOffset: number;
  readonly minOffset: number;
  readonly maxOffset: number;
  /** Records back to back, when found. */
  readonly body?: Buffer;
}

export interface ReadRequest {
  readonly topic: string;
  readonly queueId: number;
  readonly offset: number;
  readonly maxMsgNums: number;
  readonly filter: TagFilter;
}

/** Whatever is asked for: at most so much in one answer, but always one message. Source: MessageStoreConfig. */
const mostMessages = 32;
/** Unit: bytes. */
const mostBytes = 256 * 1024;
/** How many entries one pull looks at: 16000 bytes of a consume queue, 20 for each. */
const mostEntries = 800;

export function readQueue(store: MessageStore, request: ReadRequest): ReadResult {
  const { topic, queueId, offset } = request;
  const queue = store.queue(topic, queueId);
  const minOffset = queue?.minOffset ?? 0;
  const maxOffset = queue?.maxOffset ?? 0;
  const told = (status: ReadStatus, nextBeginOffset: number): ReadResult => ({
    status,
    nextBeginOffset,
    minOffset,
    maxOffset,
  });
  if (queue === undefined) return told('NO_MESSAGE_IN_QUEUE', 0);
  if (offset < minOffset) return told('OFFSET_TOO_SMALL', minOffset);
  if (offset === maxOffset) return told('OFFSET_OVERFLOW_ONE', offset);
  if (offset > maxOffset) return told('OFFSET_OVERFLOW_BADLY', maxOffset);
  const { records, next } = collect(store, queue, request);
  if (records.length === 0) return told('NO_MATCHED_MESSAGE', next);
  return { ...told('FOUND', next), body: Buffer.concat(records) };
}

function collect(
  store: MessageStore,
  queue: QueueIndex,
  { offset, maxMsgNums, filter }: ReadRequest,
): { readonly records: readonly Buffer[]; readonly next: number } {
  const end = Math.min(queue.maxOffset, offset + Math.max(mostEntries, maxMsgNums));
  const mostRecords = Math.min(maxMsgNums, mostMessages);
  const records: Buffer[] = [];
  let size = 0;
  let next = offset;
  for (; next < end; next++) {
    const entry = queue.at(next);
    if (entry === undefined) break;
    if (records.length > 0 && (records.length >= mostRecords || size + entry.size > mostBytes)) break;
    if (!filter(entry.tagsCode)) continue;
    records.push(store.pulledBytesOf(entry));
    size += entry.size;
  }
  return { records, next };
}

/** Which end of the messages stored at one time is meant. Source: BoundaryType. */
export type Boundary = 'LOWER' | 'UPPER';

/**
 * The offset of the first message stored at or after a time, or (UPPER) of the last one stored at or before it; past the
 * end LOWER is the next offset to be written. 0 for a queue without messages. Source: ConsumeQueue.getOffsetInQueueByTime.
 * @param timestamp unit: ms since 1970
 */
export function searchOffset(
  store: MessageStore,
  {
    topic,
    queueId,
    timestamp,
    boundary,
  }: {
    readonly topic: string;
    readonly queueId: number;
    readonly timestamp: number;
    readonly boundary: Boundary;
  },
): number {
  const queue = store.queue(topic, queueId);
  if (queue === undefined) return 0;
  const isBefore = (stored: number): boolean =>
    boundary === 'LOWER' ? stored < timestamp : stored <= timestamp;
  let low = queue.minOffset;
  let high = queue.maxOffset;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const entry = queue.at(middle);
    if (entry !== undefined && isBefore(store.storeTimestamp(entry))) low = middle + 1;
    else high = middle;
  }
  return boundary === 'LOWER' ? low : Math.max(queue.minOffset, low - 1);
}
