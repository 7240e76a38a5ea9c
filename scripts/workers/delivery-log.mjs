// SPDX-License-Identifier: Apache-2.0
/** Where does a member write down what it was given? In a file of its own, a line a message; nothing is kept in memory. */
import { closeSync, openSync, writeSync } from 'node:fs';

const blockSize = 64 * 1024;
const flushPeriodMs = 100;

export class DeliveryLog {
  #file;
  #block = '';
  #timer;

  /** @param {string | undefined} file none: nothing is written  @param {boolean} inBlocks instead of line by line */
  constructor(file, inBlocks) {
    if (file === undefined) return;
    this.#file = openSync(file, 'a');
    if (inBlocks) this.#timer = setInterval(() => this.#flush(), flushPeriodMs).unref();
  }

  write({ topic, brokerName, queueId }, { queueOffset, reconsumeTimes }, sequence, at, outcome) {
    if (this.#file === undefined) return;
    this.#block += `${queueId} ${queueOffset} ${sequence} ${at.toFixed(3)} ${topic}@${brokerName} ${reconsumeTimes} ${outcome}\n`;
    if (this.#timer === undefined || this.#block.length >= blockSize) this.#flush();
  }

  close() {
    if (this.#file === undefined) return;
    clearInterval(this.#timer);
    this.#flush();
    closeSync(this.#file);
    this.#file = undefined;
  }

  #flush() {
    if (this.#block === '') return;
    writeSync(this.#file, this.#block, undefined, 'latin1');
    this.#block = '';
  }
}
