// SPDX-License-Identifier: Apache-2.0
/** How are several topics kept busy with messages of several tags, each known by its body? */
import { setTimeout as pause } from 'node:timers/promises';
import { createProducer } from '../../../src/index.ts';
import type { Stage } from '../kit/stage.ts';

const tickMs = 25;
const againMs = 50;

export interface Sent {
  /** Its body: `topic/tag/7`. */
  readonly id: string;
  readonly topic: string;
  readonly tag: string;
  /** When the broker had it. `performance.now()`. */
  readonly at: number;
}

export interface LoadOptions {
  readonly topics: readonly string[];
  /** Taken in turn, in each topic. */
  readonly tags: readonly string[];
  /** Messages a second and topic. */
  readonly rate: number;
}

export class SteadyLoad implements AsyncDisposable {
  readonly sent: Sent[] = [];
  readonly #ending = new AbortController();
  readonly #running: Promise<void>;

  constructor(stage: Stage, options: LoadOptions) {
    this.#running = this.#run(stage, options);
    this.#running.catch(() => {}); // told by stop()
  }

  /** Ends it; resolves when all that was sent is acknowledged. */
  async stop(): Promise<void> {
    this.#ending.abort();
    await this.#running;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop().catch(() => {});
  }

  async #run({ cluster, fresh }: Stage, { topics, tags, rate }: LoadOptions): Promise<void> {
    await using producer = createProducer({ namesrvAddr: cluster.namesrvAddr, producerGroup: fresh('load') });
    await producer.start();
    const send = async (topic: string, number: number): Promise<void> => {
      const tag = tags[number % tags.length] ?? '';
      const id = `${topic}/${tag}/${number}`;
      for (;;) {
        try {
          await producer.send({ topic, tags: tag, body: id });
          this.sent.push({ id, topic, tag, at: performance.now() });
          return;
        } catch (error) {
          if (this.#ending.signal.aborted) throw error;
          await pause(againMs); // refused or not answered: it may be stored twice then
        }
      }
    };
    const begun = performance.now();
    for (let number = 0; !this.#ending.signal.aborted; ) {
      const due = Math.floor(((performance.now() - begun) / 1000) * rate);
      const numbers = Array.from({ length: Math.max(0, Math.min(due - number, rate)) }, (_, i) => number + i);
      number = Math.max(due, number + numbers.length);
      await Promise.all(topics.flatMap(topic => numbers.map(each => send(topic, each))));
      await pause(tickMs);
    }
  }
}
