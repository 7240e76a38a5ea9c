// SPDX-License-Identifier: Apache-2.0
/** What does a user's own offset store look like that keeps a JSON file? As small as one can be. */
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import type { CustomOffsetStore, MessageQueue, StoredOffset } from '../../../src/index.ts';

/** Queue ids of one topic at one broker; the retry topic is kept under its own name. */
export class JsonFile implements CustomOffsetStore {
  readonly path: string;
  writes = 0;

  constructor(path: string) {
    this.path = path;
  }

  table(): Record<string, number> {
    if (!existsSync(this.path)) return {};
    return JSON.parse(readFileSync(this.path, 'utf8')) as Record<string, number>; // written below only
  }

  read(queue: MessageQueue): number | undefined {
    return this.table()[keyOf(queue)];
  }

  write(positions: readonly StoredOffset[]): void {
    this.writes += 1;
    const news = Object.fromEntries(positions.map(({ queue, offset }) => [keyOf(queue), offset]));
    this.save({ ...this.table(), ...news });
  }

  /** Whole or not at all. */
  save(table: Readonly<Record<string, number>>): void {
    writeFileSync(`${this.path}.new`, JSON.stringify(table));
    renameSync(`${this.path}.new`, this.path);
  }
}

export function keyOf({ topic, queueId }: Pick<MessageQueue, 'topic' | 'queueId'>): string {
  return `${topic} ${queueId}`;
}
