// SPDX-License-Identifier: Apache-2.0
/** How can many runs use one cluster? Each makes fresh names of the scenario's own, and tells of what it saw in the latter. */

let runs = 0;

export class Names {
  readonly #suffix: string;

  constructor() {
    runs += 1;
    this.#suffix = `-${process.pid}-${runs}`;
  }

  /** What the cluster calls it; `%DLQ%billing` is of the fresh `billing`. */
  fresh(name: string): string {
    return `${name}${this.#suffix}`;
  }

  /** What the scenario calls it; a name that is not of this run stays. */
  own(name: string): string {
    return name.endsWith(this.#suffix) ? name.slice(0, -this.#suffix.length) : name;
  }
}
