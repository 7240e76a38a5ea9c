// SPDX-License-Identifier: Apache-2.0
/** How is the same text in message after message decoded once? The last one is kept and compared byte by byte. */

/** Past this, decoding costs less than comparing. Unit: bytes. */
const longestKept = 64;

/** Remembers the last short text it decoded. Made for fields that repeat from message to message, such as the topic. */
export class TextCache {
  private bytes: Uint8Array | undefined;
  private at = 0;
  private length = -1;
  private last = '';

  /** The UTF-8 text of a part of a buffer. */
  text(bytes: Buffer, start: number, end: number): string {
    const length = end - start;
    if (length === this.length && this.isLast(bytes, start)) return this.last;
    const text = bytes.toString('utf8', start, end);
    if (length <= longestKept) {
      this.bytes = bytes;
      this.at = start;
      this.length = length;
      this.last = text;
    }
    return text;
  }

  private isLast(bytes: Uint8Array, start: number): boolean {
    const last = this.bytes;
    if (last === undefined) return false;
    for (let i = 0; i < this.length; i++) if (last[this.at + i] !== bytes[start + i]) return false;
    return true;
  }
}
