// SPDX-License-Identifier: Apache-2.0
/** How many, and how many per second lately? */

/** Unit: ms. */
const windowMs = 1500;

export class Meter {
  readonly #now: () => number;
  readonly #recent: number[] = [];
  #count = 0;

  constructor(now: () => number) {
    this.#now = now;
  }

  get count(): number {
    return this.#count;
  }

  /** Over the last second and a half. Unit: per second. */
  get rate(): number {
    this.#forget();
    return Math.round((this.#recent.length * 1000) / windowMs);
  }

  add(): void {
    this.#count++;
    this.#recent.push(this.#now());
    this.#forget();
  }

  #forget(): void {
    const since = this.#now() - windowMs;
    while ((this.#recent[0] ?? since) < since) this.#recent.shift();
  }
}
