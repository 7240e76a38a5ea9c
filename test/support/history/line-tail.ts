// SPDX-License-Identifier: Apache-2.0
/** What was added to a file that others write to, since one looked last? Files of long runs are asked for again and again. */
import { closeSync, existsSync, fstatSync, openSync, readSync } from 'node:fs';

export class LineTail {
  readonly #file: string;
  #position = 0;
  #rest = '';

  /** @param file need not be there yet */
  constructor(file: string) {
    this.#file = file;
  }

  /** The lines that were completed since the last call; a writer may be in the middle of the last. */
  next(): readonly string[] {
    const lines = (this.#rest + this.#added()).split('\n');
    this.#rest = lines.pop() ?? '';
    return lines;
  }

  #added(): string {
    if (!existsSync(this.#file)) return '';
    const descriptor = openSync(this.#file, 'r');
    try {
      const bytes = Buffer.alloc(Math.max(0, fstatSync(descriptor).size - this.#position));
      const length = readSync(descriptor, bytes, 0, bytes.length, this.#position);
      this.#position += length;
      return bytes.toString('latin1', 0, length);
    } finally {
      closeSync(descriptor);
    }
  }
}
