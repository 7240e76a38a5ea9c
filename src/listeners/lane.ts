// SPDX-License-Identifier: Apache-2.0
/** What must one orderly lane deliver, and in which order? A lane is what is handled one batch after the other: a queue, or one sharding key of it. */
import type { Ticket } from '../flow/process-queue.ts';
import type { MessageExt } from '../model/message.ts';

export interface LaneEntry {
  readonly ticket: Ticket;
  readonly message: MessageExt;
  /** Monotonic ms; minus infinity where nobody asks. */
  readonly arrivedAt: number;
  /** How often its delivery failed here; the broker does not know of it. */
  readonly failures: number;
}

/**
 * `ready`: it has something to deliver and is in the line. `running`: with the listener. `returning`: messages of it are
 * on their way to the dead letters. `resting`: its listener asked for a pause. `gathering`: what it has waits for a batch to
 * fill. `idle`: none of these.
 */
export type LaneState = 'idle' | 'gathering' | 'ready' | 'running' | 'returning' | 'resting';

/** Served places kept before they are cut off in one go. */
const longestTail = 256;

/** Invariant: everything to be delivered again lies before everything that waits. */
export class Lane {
  readonly key: string;
  state: LaneState = 'idle';
  /** In `returning`: messages whose fate is not known yet, and the pause that follows if one of them comes back. Unit of the latter: ms. */
  returning = 0;
  restMs = 0;
  #again: LaneEntry[] = [];
  #uncommitted: LaneEntry[] = [];
  readonly #waiting: LaneEntry[] = [];
  #head = 0;

  constructor(key: string) {
    this.key = key;
  }

  /** The first to be delivered. */
  get first(): LaneEntry | undefined {
    return this.#again[0] ?? this.#waiting[this.#head];
  }

  get repeats(): boolean {
    return this.#again.length > 0;
  }

  /** Messages that were not delivered before. */
  get waitingCount(): number {
    return this.#waiting.length - this.#head;
  }

  get hasUncommitted(): boolean {
    return this.#uncommitted.length > 0;
  }

  /** The first of those that stay unfinished when nothing more rests or is committed. */
  get firstHeld(): LaneEntry | undefined {
    if (this.#uncommitted.length > 0) return this.#uncommitted[0];
    if (this.state === 'resting') return this.first;
    return this.state === 'returning' ? this.#again[0] : undefined;
  }

  add(entry: LaneEntry): void {
    this.#waiting.push(entry);
  }

  /** Up to `max` of those before `limit`, first what is to be repeated: never mixed with what comes for the first time. */
  take(max: number, limit: Ticket): LaneEntry[] {
    const { repeats } = this;
    const taken: LaneEntry[] = [];
    for (let next = this.first; next !== undefined && taken.length < max; next = this.first) {
      if (next.ticket >= limit || this.repeats !== repeats) break;
      taken.push(next);
      if (repeats) this.#again.shift();
      else this.#head++;
    }
    if (this.#head > longestTail || this.#head === this.#waiting.length) {
      this.#waiting.splice(0, this.#head);
      this.#head = 0;
    }
    return taken;
  }

  /** They come once more, before everything else. */
  repeat(entries: readonly LaneEntry[]): void {
    this.#again = [...entries, ...this.#again].sort((a, b) => a.ticket - b.ticket);
  }

  /** Handled, but neither finished nor repeated before {@link takeUncommitted}. */
  keep(entries: readonly LaneEntry[]): void {
    this.#uncommitted.push(...entries);
  }

  takeUncommitted(): readonly LaneEntry[] {
    const taken = this.#uncommitted;
    this.#uncommitted = [];
    return taken;
  }

  /** The messages are of a former epoch. */
  clear(): void {
    this.#again = [];
    this.#uncommitted = [];
    this.#waiting.length = 0;
    this.#head = 0;
    this.returning = 0;
  }
}
