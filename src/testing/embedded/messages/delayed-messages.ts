// SPDX-License-Identifier: Apache-2.0
/** When does a delayed message become visible? It waits in its level's queue; one timer waits for the next of all levels. */
import type { Clock } from '../../../model/clock.ts';

/** A message in the schedule topic. */
export interface Waiting {
  /** 1 for the first level. */
  readonly level: number;
  /** Its offset in the level's queue. */
  readonly offset: number;
  /** On the clock's monotonic side. Unit: ms. */
  readonly due: number;
}

/** Messages of one level have one pause, so each level is a queue in the order of their times. */
export class DelayedMessages {
  /** How many levels there are. */
  readonly levels: number;
  readonly #pauses: readonly number[];
  readonly #waiting: readonly Waiting[][];
  readonly #clock: Clock;
  readonly #deliver: (message: Waiting) => void;
  #timer: unknown;
  /** When the timer fires; infinity without one. */
  #armedFor = Number.POSITIVE_INFINITY;
  #isRunning = true;

  /** @param pauses of the levels, first to last. Unit: ms */
  constructor(pauses: readonly number[], clock: Clock, deliver: (message: Waiting) => void) {
    this.#pauses = pauses;
    this.levels = pauses.length;
    this.#waiting = pauses.map(() => []);
    this.#clock = clock;
    this.#deliver = deliver;
  }

  /** A message was stored in a level's queue just now. */
  add(level: number, offset: number): void {
    const pause = this.#pauses[level - 1] ?? 0;
    this.#waiting[level - 1]?.push({ level, offset, due: this.#clock.now() + pause });
    this.#arm();
  }

  /** No timer is left; what waits, waits. */
  halt(): void {
    this.#isRunning = false;
    this.#disarm();
  }

  /** What became due meanwhile is delivered now. */
  resume(): void {
    this.#isRunning = true;
    this.#deliverDue();
  }

  #deliverDue(): void {
    this.#disarm();
    const now = this.#clock.now();
    const due = this.#waiting.flatMap(level => level.splice(0, countDue(level, now)));
    for (const message of due.sort((a, b) => a.due - b.due)) this.#deliver(message);
    this.#arm();
  }

  #arm(): void {
    if (!this.#isRunning) return;
    const due = Math.min(...this.#waiting.map(([first]) => first?.due ?? Number.POSITIVE_INFINITY));
    if (due >= this.#armedFor) return;
    this.#disarm();
    this.#armedFor = due;
    this.#timer = this.#clock.setTimeout(() => this.#deliverDue(), due - this.#clock.now());
  }

  #disarm(): void {
    if (this.#timer !== undefined) this.#clock.clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#armedFor = Number.POSITIVE_INFINITY;
  }
}

function countDue(level: readonly Waiting[], now: number): number {
  const count = level.findIndex(({ due }) => due > now);
  return count < 0 ? level.length : count;
}
