// SPDX-License-Identifier: Apache-2.0
/** Was anything lost, repeated or made up? Judges what the consumers wrote against what was sent and what the broker holds. */
import type { Delivery } from './deliveries.ts';

export interface HistoryInput {
  /** The sequence numbers that the producer was told are stored: `from` included, `to` not. */
  readonly sent: { readonly from: number; readonly to: number };
  /** By member. */
  readonly deliveries: Iterable<readonly Delivery[]>;
  /** What the broker holds; gives `lostOffsets`. */
  readonly stored?: readonly { readonly queue: string; readonly min: number; readonly max: number }[];
}

export interface HistoryVerdict {
  /** Listener calls per message that ended well. */
  readonly done: number;
  /** Those that did not. */
  readonly failed: number;
  /** Sent and never done, by sequence number. */
  readonly lost: readonly number[];
  /** Stored and never given to a listener: `queue offset`. Unlike `lost` it also sees a lost copy of a message stored twice. */
  readonly lostOffsets: readonly string[];
  /** How many times too often a sequence number was done. A producer that repeats a send is a cause too. */
  readonly repeatedByValue: number;
  /** How many times too often one stored message was done. Only consumers are a cause. */
  readonly repeatedByOffset: number;
  /** Done, but never sent. */
  readonly neverSent: readonly number[];
}

/** A verdict over the whole run. */
export function checkHistory({ sent, deliveries, stored = [] }: HistoryInput): HistoryVerdict {
  const timesBySequence = new Map<number, number>();
  const timesByOffset = new Map<string, Map<number, number>>();
  const given = new Map<string, Set<number>>();
  let done = 0;
  let failed = 0;
  for (const ofMember of deliveries) {
    for (const { queue, offset, sequence, isDone } of ofMember) {
      given.set(queue, (given.get(queue) ?? new Set()).add(offset));
      if (!isDone) {
        failed += 1;
        continue;
      }
      done += 1;
      increase(timesBySequence, sequence);
      increase(mapIn(timesByOffset, queue), offset);
    }
  }
  const isSent = (sequence: number): boolean => sequence >= sent.from && sequence < sent.to;
  return {
    done,
    failed,
    lost: range(sent.from, sent.to).filter(sequence => !timesBySequence.has(sequence)),
    lostOffsets: stored.flatMap(({ queue, min, max }) =>
      range(min, max)
        .filter(offset => given.get(queue)?.has(offset) !== true)
        .map(offset => `${queue} ${offset}`),
    ),
    repeatedByValue: done - timesBySequence.size,
    repeatedByOffset: done - total([...timesByOffset.values()].map(times => times.size)),
    neverSent: [...timesBySequence.keys()].filter(sequence => !isSent(sequence)),
  };
}

function range(from: number, to: number): number[] {
  return Array.from({ length: Math.max(0, to - from) }, (_, index) => from + index);
}

function total(numbers: readonly number[]): number {
  return numbers.reduce((sum, each) => sum + each, 0);
}

function increase<Key>(times: Map<Key, number>, key: Key): void {
  times.set(key, (times.get(key) ?? 0) + 1);
}

function mapIn<Key>(maps: Map<Key, Map<number, number>>, key: Key): Map<number, number> {
  const found = maps.get(key) ?? new Map<number, number>();
  maps.set(key, found);
  return found;
}
