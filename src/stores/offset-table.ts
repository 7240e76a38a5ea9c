// SPDX-License-Identifier: Apache-2.0
/** Which queues have an offset in memory, and which commit line belongs to each? */
import { type MessageQueue, type QueueKey, queueKey } from '../model/message-queue.ts';
import type { QueueOffset } from '../model/queue-offset.ts';
import { storeFull } from './commit-errors.ts';
import { type CommitGate, CommitLine } from './commit-line.ts';
import type { QueuePosition } from './offset-store.ts';

export interface OffsetEntry {
  readonly queue: MessageQueue;
  readonly line: CommitLine;
}

/** The memory of an offset store: one commit line a queue, at most `maxEntries`. */
export class OffsetTable {
  readonly #mayCommit: CommitGate;
  readonly #maxEntries: number;
  readonly #entries = new Map<QueueKey, OffsetEntry>();

  constructor(maxEntries: number, mayCommit: CommitGate) {
    this.#maxEntries = maxEntries;
    this.#mayCommit = mayCommit;
  }

  get size(): number {
    return this.#entries.size;
  }

  get(queue: MessageQueue): OffsetEntry | undefined {
    return this.#entries.get(queueKey(queue));
  }

  /** The line of a queue, made when first asked for. Throws RMQ_STORE_FULL when there is no room for it. */
  line(queue: MessageQueue): CommitLine {
    const key = queueKey(queue);
    const known = this.#entries.get(key);
    if (known !== undefined) return known.line;
    if (this.#entries.size >= this.#maxEntries) throw storeFull(key, this.#maxEntries);
    const line = new CommitLine(this.#mayCommit);
    this.#entries.set(key, { queue, line });
    return line;
  }

  /** An owned queue whose point is not known yet starts with what is stored; a known point is never overwritten. */
  remember(queue: MessageQueue, stored: QueueOffset): void {
    const line = this.get(queue)?.line;
    if (line !== undefined && line.point === undefined) line.reset(stored, true);
  }

  /** Entries that have a point, of these queues or of all. */
  withPoint(queues?: readonly MessageQueue[]): readonly OffsetEntry[] {
    const entries =
      queues === undefined ? [...this.#entries.values()] : queues.flatMap(queue => this.get(queue) ?? []);
    return entries.filter(entry => entry.line.point !== undefined);
  }

  /** Points that the store has not confirmed. */
  unsettled(): readonly QueuePosition[] {
    const found: QueuePosition[] = [];
    for (const { queue, line } of this.#entries.values()) {
      const offset = line.point;
      if (offset !== undefined && !line.isSettled) found.push({ queue, offset });
    }
    return found;
  }

  /** Forgets a queue; whoever still holds its line can no longer commit through it. */
  remove(queue: MessageQueue): void {
    this.get(queue)?.line.close();
    this.#entries.delete(queueKey(queue));
  }

  points(topic: string | undefined): ReadonlyMap<QueueKey, QueueOffset> {
    const table = new Map<QueueKey, QueueOffset>();
    for (const [key, { queue, line }] of this.#entries) {
      const offset = line.point;
      if (offset !== undefined && (topic === undefined || queue.topic === topic)) table.set(key, offset);
    }
    return table;
  }
}
