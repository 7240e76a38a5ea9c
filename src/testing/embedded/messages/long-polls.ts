// SPDX-License-Identifier: Apache-2.0
/** Which pulls are held, and what ends the wait? A message that matches, or the scan every 5 s. Source: PullRequestHoldService. */
import type { Clock } from '../../../model/clock.ts';
import type { Peer } from '../broker.types.ts';
import type { QueueIndex } from './queue-index.ts';
import type { TagFilter } from './tag-filter.ts';

/** A pull that found nothing. */
export interface HeldPull {
  readonly group: string;
  readonly topic: string;
  readonly queueId: number;
  /** The offset it asked for. */
  readonly offset: number;
  /** How long it may be held. Unit: ms. */
  readonly suspendMs: number;
  /** What it wanted when it came: a later subscription does not change what wakes it. */
  readonly filter: TagFilter;
  readonly peer: Peer;
  /** Looks again and answers, whatever there is. */
  readonly answer: () => void;
}

interface Held extends HeldPull {
  /** On the clock's monotonic side. Unit: ms. */
  readonly deadline: number;
  /** Up to here no message matched. */
  checkedTo: number;
}

/** Between two looks at everything held: what waits longer than it asked for waits for the next. Unit: ms. */
const scanInterval = 5000;

/** Held pulls by queue; one timer while there are any. */
export class LongPolls {
  readonly #held = new Map<string, Held[]>();
  readonly #arrivals = new Set<string>();
  readonly #clock: Clock;
  readonly #queueOf: (topic: string, queueId: number) => QueueIndex | undefined;
  #timer: unknown;
  #isRunning = true;

  constructor(clock: Clock, queueOf: (topic: string, queueId: number) => QueueIndex | undefined) {
    this.#clock = clock;
    this.#queueOf = queueOf;
  }

  /** How many are held. */
  get size(): number {
    let count = 0;
    for (const held of this.#held.values()) count += held.length;
    return count;
  }

  hold(pull: HeldPull): void {
    if (!this.#isRunning) return;
    const key = keyOf(pull.topic, pull.queueId);
    const held = { ...pull, deadline: this.#clock.now() + pull.suspendMs, checkedTo: pull.offset };
    this.#held.set(key, [...(this.#held.get(key) ?? []), held]);
    if (this.#timer === undefined) this.#scanLater();
  }

  /**
   * A message came to a queue. Who waits for one like it is answered when this turn's work is done, so that messages
   * sent together are pulled together.
   */
  arrived(topic: string, queueId: number): void {
    const key = keyOf(topic, queueId);
    if (!this.#held.has(key)) return;
    if (this.#arrivals.size === 0) queueMicrotask(() => this.#lookAtArrivals());
    this.#arrivals.add(key);
  }

  /** What a group is to get has changed: all that is held for it is answered now. */
  wake(group: string): void {
    for (const key of [...this.#held.keys()]) this.#answerWhere(key, pull => pull.group === group);
  }

  /** All is forgotten and no timer is left. */
  halt(): void {
    this.#isRunning = false;
    this.#held.clear();
    this.#stopScanning();
  }

  resume(): void {
    this.#isRunning = true;
  }

  #lookAtArrivals(): void {
    const keys = [...this.#arrivals];
    this.#arrivals.clear();
    for (const key of keys) this.#answerWhere(key, pull => this.#hasMatch(pull));
  }

  #hasMatch(pull: Held): boolean {
    const queue = this.#queueOf(pull.topic, pull.queueId);
    if (queue === undefined) return false;
    for (; pull.checkedTo < queue.maxOffset; pull.checkedTo++) {
      const entry = queue.at(pull.checkedTo);
      if (entry !== undefined && pull.filter(entry.tagsCode)) return true;
    }
    return false;
  }

  /** Also tells those whom nothing matched how far the queue has gone. */
  #scan(): void {
    this.#timer = undefined;
    const now = this.#clock.now();
    for (const key of [...this.#held.keys()]) {
      this.#answerWhere(key, pull => now >= pull.deadline || this.#hasMore(pull));
    }
    if (this.#held.size > 0 && this.#timer === undefined) this.#scanLater();
  }

  #hasMore({ topic, queueId, offset }: Held): boolean {
    return (this.#queueOf(topic, queueId)?.maxOffset ?? 0) > offset;
  }

  /** Takes out whom the condition holds for, and whose connection is gone; answers the former. */
  #answerWhere(key: string, isDue: (pull: Held) => boolean): void {
    const open = (this.#held.get(key) ?? []).filter(({ peer }) => peer.isOpen);
    const due = open.filter(isDue);
    const left = open.filter(pull => !due.includes(pull));
    if (left.length > 0) this.#held.set(key, left);
    else this.#held.delete(key);
    if (this.#held.size === 0) this.#stopScanning();
    for (const pull of due) pull.answer();
  }

  #scanLater(): void {
    this.#timer = this.#clock.setTimeout(() => this.#scan(), scanInterval);
  }

  #stopScanning(): void {
    if (this.#timer !== undefined) this.#clock.clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}

function keyOf(topic: string, queueId: number): string {
  return `${topic}@${queueId}`;
}
