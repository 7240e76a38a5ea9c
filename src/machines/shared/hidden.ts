// SPDX-License-Identifier: Apache-2.0
/** How does an actor hold sockets, secrets and callbacks without showing them in its snapshot? */
import { inspect } from 'node:util';

/** A value that JSON, `console.log` and the inspector see nothing of. */
export class Hidden<T> {
  readonly #value: T;

  constructor(value: T) {
    this.#value = value;
  }

  get(): T {
    return this.#value;
  }

  toJSON(): undefined {
    return undefined;
  }

  [inspect.custom](): string {
    return '[hidden]';
  }
}
