// SPDX-License-Identifier: Apache-2.0
/** How are messages sent as long as something lasts, when nobody knows beforehand how long? By our own small producer. */
import { setTimeout as pause } from 'node:timers/promises';
import { createProducer } from '../../../src/index.ts';
import type { Stage } from './stage.ts';

const tickMs = 20;

export class Load implements AsyncDisposable {
  /** Acknowledged so far: sequence numbers 0 to this, the last not included, once the load has ended. */
  sent = 0;
  readonly #ending = new AbortController();
  readonly #running: Promise<void>;

  constructor(stage: Stage, given: { readonly topic: string; readonly rate: number }) {
    this.#running = this.#run(stage, given);
    this.#running.catch(() => {}); // told by stop()
  }

  /** Ends it; resolves when every message sent is acknowledged, rejects when one was not. */
  async stop(): Promise<number> {
    this.#ending.abort();
    await this.#running;
    return this.sent;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop().catch(() => {});
  }

  async #run(
    { cluster, fresh }: Stage,
    { topic, rate }: { readonly topic: string; readonly rate: number },
  ): Promise<void> {
    await using producer = createProducer({ namesrvAddr: cluster.namesrvAddr, producerGroup: fresh('load') });
    await producer.start();
    const startedAt = performance.now();
    while (!this.#ending.signal.aborted) {
      const due = Math.floor(((performance.now() - startedAt) / 1000) * rate);
      const first = this.sent;
      const numbers = Array.from({ length: due - first }, (_, index) => first + index);
      await Promise.all(numbers.map(sequence => producer.send({ topic, body: bodyOf(sequence) })));
      this.sent = due;
      await pause(tickMs);
    }
  }
}

/** Ten digits that tell the message apart, filled up to 256 bytes. */
export function bodyOf(sequence: number): string {
  return `${String(sequence).padStart(10, '0')}|${'x'.repeat(245)}`;
}
