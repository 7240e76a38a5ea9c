// SPDX-License-Identifier: Apache-2.0
/** Of what is the picture made that a trace gives: connections, requests under way, queues, deliveries? */
import type { FrameEntry, TracedQueue, TraceEntry } from './trace-entries.ts';

/** Request codes that the rules speak of. protocol.md section 2. */
export const codes = {
  pull: 11,
  queryOffset: 14,
  updateOffset: 15,
  heartbeat: 34,
  unregister: 35,
  sendBack: 36,
  lock: 41,
  unlock: 42,
  topicStats: 202,
} as const;
const commitFlag = 1;

export type Of<Kind> = Extract<TraceEntry, { readonly kind: Kind }>;

/** A request of our side that waits for its answer. */
export interface Sent {
  readonly line: number;
  readonly at: number;
  readonly entry: FrameEntry;
  readonly queue: QueueFacts | undefined;
}

export interface Connection {
  readonly id: number;
  readonly address: string;
  readonly openedAt: number;
  /** Groups whose heartbeat was answered here, and that were not unregistered since. */
  readonly groups: Set<string>;
  readonly pending: Map<number, Sent>;
  /** From when on the broker can be told something over it: its first answer to a heartbeat, a little later after an outage. Unit: ms. */
  reachableFrom: number;
}

export interface QueueFacts extends TracedQueue {
  readonly key: string;
  /** The pull that waits for its answer. */
  pull: Sent | undefined;
  /** Highest offset handed over as committed, and in which line. */
  committed: { readonly offset: number; readonly line: number } | undefined;
  /** Highest committed offset that the broker has acknowledged. */
  acknowledged: number;
  /** Offsets given to the listener, or only pulled, that are not done yet; with the line that brought them. */
  readonly unfinished: Map<number, { readonly line: number; readonly delivered: boolean }>;
  /** Handed back by an answer that came so late that nobody may have waited for it: done, or to come again. */
  readonly late: Set<number>;
  /** Where the contiguous row of done messages ends: the next offset. */
  doneUpTo: number;
  /** Line of the last request that committed something, one-way or not. */
  lastCarrier: number;
  /** Line of the last result that moved `doneUpTo`. */
  lastResult: number;
  /** Line of what last gave a reason to go on from another place: code 21, an answered 14, a reset or seek. */
  lastReason: number;
  /** Line in which it last said that it goes on from another place. */
  lastCorrected: number;
  /** The process did not run since this queue was last pulled: it need not be believed in any more. */
  isDoubted: boolean;
  /** How often it was given back or lost: what was begun before counts no more. */
  epoch: number;
}

export interface Delivery {
  readonly line: number;
  readonly entry: Of<'begin'>;
  /** Of its queue when it began. */
  readonly epoch: number;
}

/** Where a message stands. */
export interface Place {
  readonly queue: QueueFacts;
  readonly offset: number;
  readonly epoch: number;
}

/** The offset a request commits: a 15, or a pull with the commit flag. */
export function committedBy(entry: FrameEntry): number | undefined {
  const isCommit =
    entry.code === codes.updateOffset ||
    (entry.code === codes.pull && (Number(entry.fields['sysFlag']) & commitFlag) !== 0);
  return isCommit ? Number(entry.fields['commitOffset']) : undefined;
}

export function newQueue(key: string, queue: TracedQueue): QueueFacts {
  return {
    ...{ key, ...queue, pull: undefined, committed: undefined, acknowledged: -1, doneUpTo: -1, epoch: 0 },
    ...{ lastCarrier: 0, lastResult: 0, lastReason: 0, lastCorrected: 0, isDoubted: false },
    unfinished: new Map(),
    late: new Set(),
  };
}

/** The consumer groups of a heartbeat. */
export function groupsOf(heartbeat: FrameEntry): readonly string[] {
  const data: unknown = Object(heartbeat.body).consumerDataSet;
  return Array.isArray(data) ? data.map(consumer => String(Object(consumer).groupName)) : [];
}

const sendCodes = new Set([10, 310, 320]);

/** How a 36, or a send to the retry or dead-letter topic, names the message it hands back: by its place or by its id. */
export function namesHandedBack({ code, fields }: FrameEntry, brokerName: string): readonly string[] {
  if (code === codes.sendBack) return [`log ${brokerName} ${fields['offset']}`];
  if (!sendCodes.has(code) || !/^%(RETRY|DLQ)%/.test(fields['b'] ?? fields['topic'] ?? '')) return [];
  const words = (fields['i'] ?? fields['properties'] ?? '').replaceAll('\u0001', '\u0002').split('\u0002');
  return words.map(word => `id ${word}`);
}
