// SPDX-License-Identifier: Apache-2.0
/** How much do several queues hold together, and who is told when there is room again? */

/** Called once for each time that it waited. */
export interface RoomWaiter {
  roomGiven(): void;
}

/** Unit: messages, and bytes of frames kept in memory. */
interface Amount {
  readonly count: number;
  readonly bytes: number;
}

/** Full when a figure is above its limit, not at it. */
export class FlowPool {
  readonly #limits: Amount;
  #count = 0;
  #bytes = 0;
  /** In the order they came. */
  readonly #waiting = new Set<RoomWaiter>();

  constructor(limits: Amount) {
    this.#limits = limits;
  }

  get count(): number {
    return this.#count;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get hasWaiting(): boolean {
    return this.#waiting.size > 0;
  }

  /** Which of the limits would be passed by so much more, if any. */
  passed(more: Amount): 'count' | 'bytes' | undefined {
    if (this.#count + more.count > this.#limits.count) return 'count';
    return this.#bytes + more.bytes > this.#limits.bytes ? 'bytes' : undefined;
  }

  add(count: number, bytes: number): void {
    this.#count += count;
    this.#bytes += bytes;
  }

  /** Gives room back; {@link wake} is for when everything is counted. */
  release(count: number, bytes: number): void {
    this.#count -= count;
    this.#bytes -= bytes;
  }

  wait(waiter: RoomWaiter): void {
    this.#waiting.add(waiter);
  }

  forget(waiter: RoomWaiter): void {
    this.#waiting.delete(waiter);
  }

  /** Tells those that wait, while there is room. One that waits again from inside its call is not told twice for the same room. */
  wake(): void {
    let untold = this.#waiting.size;
    for (const waiter of this.#waiting) {
      if (untold-- === 0 || this.passed(none) !== undefined) return;
      this.#waiting.delete(waiter);
      waiter.roomGiven();
    }
  }
}

const none: Amount = { count: 0, bytes: 0 };
