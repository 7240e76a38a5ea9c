// SPDX-License-Identifier: Apache-2.0
/** How are messages sent as long as something lasts, when nobody knows beforehand how long? By our own small producer. */
import { setTimeout as pause } from 'node:timers/promises';
import { createProducer } from '../../../src/index.ts';
import type { Stage } from './stage.ts';

const tickMs = 20;
const againMs = 100;

export interface LoadOptions {
  readonly topic: string;
  /** Messages a second at most: what an outage kept back is not sent all at once afterwards. */
  readonly rate: number;
  /** The first sequence number. Default 0. */
  readonly from?: number;
}

export class Load implements AsyncDisposable {
  /** Acknowledged so far: sequence numbers from the first to this, the last not included, once the load has ended. */
  sent: number;
  readonly #ending = new AbortController();
  readonly #givingUp = new AbortController();
  readonly #running: Promise<void>;

  constructor(stage: Stage, given: LoadOptions) {
    this.sent = given.from ?? 0;
    this.#running = this.#run(stage, given);
    this.#running.catch(() => {}); // told by stop()
  }

  /** Ends it; resolves when every message sent is acknowledged. */
  async stop(): Promise<number> {
    this.#ending.abort();
    await this.#running;
    return this.sent;
  }

  /** Ends it, whatever is acknowledged. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#givingUp.abort();
    await this.stop().catch(() => {});
  }

  async #run({ cluster, fresh }: Stage, { topic, rate }: LoadOptions): Promise<void> {
    await using producer = createProducer({ namesrvAddr: cluster.namesrvAddr, producerGroup: fresh('load') });
    await producer.start();
    const send = async (sequence: number): Promise<void> => {
      const message = { topic, body: bodyOf(sequence) };
      for (;;) {
        try {
          await producer.send(message);
          return;
        } catch (error) {
          if (this.#givingUp.signal.aborted) throw error;
          await pause(againMs); // it was refused or not answered, and may be stored twice then
        }
      }
    };
    let before = performance.now();
    let owed = 0;
    while (!this.#ending.signal.aborted) {
      const now = performance.now();
      owed = Math.min(rate / 2, owed + ((now - before) / 1000) * rate);
      before = now;
      const first = this.sent;
      const numbers = Array.from({ length: Math.floor(owed) }, (_, index) => first + index);
      await Promise.all(numbers.map(send));
      owed -= numbers.length;
      this.sent += numbers.length;
      await pause(tickMs);
    }
  }
}

/** Ten digits that tell the message apart, filled up to 256 bytes. */
export function bodyOf(sequence: number): string {
  return `${String(sequence).padStart(10, '0')}|${'x'.repeat(245)}`;
}
