// SPDX-License-Identifier: Apache-2.0
/** Where does a member write down what it was given? In a file of its own, a line a message; nothing is kept in memory. */
import { closeSync, openSync, writeSync } from 'node:fs';

const blockSize = 64 * 1024;
const longestLine = 512;
const flushPeriodMs = 100;

/** Lines go into one block that is used again and again: the memory of the member is a figure of its own. */
export class DeliveryLog {
  #file;
  #block = Buffer.allocUnsafe(blockSize);
  #length = 0;
  #timer;

  /** @param {string | undefined} file none: nothing is written  @param {boolean} inBlocks instead of line by line */
  constructor(file, inBlocks) {
    if (file === undefined) return;
    this.#file = openSync(file, 'a');
    if (inBlocks) this.#timer = setInterval(() => this.#flush(), flushPeriodMs).unref();
  }

  /**
   * @param {{ queue: object, at: number, call: number, key?: string }} given the call: its queue, when it began, its number,
   *   the sharding key of its messages
   * @param {'begun' | 'ok' | 'failed'} outcome
   * @param {number | string} until when it ended
   */
  write({ queue, at, call, key = '' }, message, sequence, outcome, until) {
    if (this.#file === undefined) return;
    const place = `${queue.topic}@${queue.brokerName}`;
    const { queueOffset, reconsumeTimes, topic } = message;
    const end = typeof until === 'number' ? until.toFixed(3) : until;
    const line = `${queue.queueId} ${queueOffset} ${sequence} ${at.toFixed(3)} ${place} ${reconsumeTimes} ${outcome} ${topic} ${end} ${call} ${key}\n`;
    this.#length += this.#block.latin1Write(line, this.#length);
    if (this.#timer === undefined || this.#length > blockSize - longestLine) this.#flush();
  }

  close() {
    if (this.#file === undefined) return;
    clearInterval(this.#timer);
    this.#flush();
    closeSync(this.#file);
    this.#file = undefined;
  }

  #flush() {
    if (this.#length === 0) return;
    writeSync(this.#file, this.#block, 0, this.#length);
    this.#length = 0;
  }
}
