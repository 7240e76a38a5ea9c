// SPDX-License-Identifier: Apache-2.0
/** Which of the ready lanes is next? The one with the oldest message: the commit point waits for it. A binary heap. */
import type { Lane } from './lane.ts';

/** A lane in here must not change what it delivers first. */
export class LaneLine {
  readonly #heap: Lane[] = [];

  get first(): Lane | undefined {
    return this.#heap[0];
  }

  add(lane: Lane): void {
    let at = this.#heap.push(lane) - 1;
    for (let above = (at - 1) >> 1; at > 0 && this.#isBefore(at, above); above = (at - 1) >> 1) {
      this.#swap(at, above);
      at = above;
    }
  }

  takeFirst(): Lane | undefined {
    const first = this.#heap[0];
    const last = this.#heap.pop();
    if (first === undefined || last === undefined || first === last) return first;
    this.#heap[0] = last;
    for (let at = 0, below = this.#lesserChild(0); this.#isBefore(below, at); below = this.#lesserChild(at)) {
      this.#swap(at, below);
      at = below;
    }
    return first;
  }

  clear(): void {
    this.#heap.length = 0;
  }

  #lesserChild(at: number): number {
    const left = 2 * at + 1;
    return this.#isBefore(left + 1, left) ? left + 1 : left;
  }

  /** False where there is no lane. */
  #isBefore(one: number, other: number): boolean {
    const a = this.#heap[one]?.first;
    const b = this.#heap[other]?.first;
    return a !== undefined && (b === undefined || a.ticket < b.ticket);
  }

  #swap(one: number, other: number): void {
    const a = this.#heap[one];
    const b = this.#heap[other];
    if (a === undefined || b === undefined) return;
    this.#heap[one] = b;
    this.#heap[other] = a;
  }
}
