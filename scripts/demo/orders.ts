// SPDX-License-Identifier: Apache-2.0
/** Which orders are sent, which of them were handled, and how often? The shop's own book, apart from the cluster's. */
import { setTimeout as pause } from 'node:timers/promises';
import type { Message, MessageExt, Producer } from '../../src/index.ts';

const items = ['espresso', 'flat white', 'croissant', 'bagel', 'orange juice', 'lemon tart'] as const;

/** Tells the orders of this run from those of an earlier one in the same topic. */
const runProperty = 'run';

/** The order whose payment fails, twice. */
export const failingOrder = 'order-100';
export const failures = 2;

export class Orders {
  readonly #run = String(Date.now());
  readonly #topic: string;
  readonly #producer: Producer;
  readonly #handled = new Map<string, number>();
  #produced = 0;
  #repeated = 0;

  constructor(topic: string, producer: Producer) {
    this.#topic = topic;
    this.#producer = producer;
  }

  get produced(): number {
    return this.#produced;
  }

  /** Different ones. */
  get consumed(): number {
    return this.#handled.size;
  }

  get repeated(): number {
    return this.#repeated;
  }

  /** The name of an order of this run; undefined: it is of another. */
  nameOf(message: MessageExt): string | undefined {
    return message.getProperty(runProperty) === this.#run ? message.keys[0] : undefined;
  }

  noteHandled(name: string): void {
    const times = (this.#handled.get(name) ?? 0) + 1;
    this.#handled.set(name, times);
    if (times > 1) this.#repeated++;
  }

  /** `count` orders, evenly over `ms`. */
  async sendSteadily(count: number, ms: number, signal: AbortSignal): Promise<void> {
    const begin = performance.now();
    for (let sent = 0; sent < count; ) {
      const due = Math.min(count, Math.ceil(((performance.now() - begin) / ms) * count));
      for (; sent < due; sent++) await this.#send([this.#next()]);
      await pause(15, undefined, { signal });
    }
  }

  /** `count` orders at once: a batch for each queue. */
  async sendRush(count: number, queues: number): Promise<void> {
    const batches = Array.from({ length: queues }, (_, index) =>
      Array.from({ length: Math.floor((count + index) / queues) }, () => this.#next()),
    );
    for (const batch of batches) await this.#send(batch);
  }

  async #send(messages: readonly Message[]): Promise<void> {
    const [only] = messages;
    if (only === undefined) return;
    await (messages.length === 1 ? this.#producer.send(only) : this.#producer.sendBatch(messages));
  }

  #next(): Message {
    const number = ++this.#produced;
    const name = `order-${String(number).padStart(3, '0')}`;
    const body = JSON.stringify({
      order: name,
      item: items[number % items.length],
      quantity: 1 + (number % 3),
    });
    return { topic: this.#topic, body, tags: 'paid', keys: name, properties: { [runProperty]: this.#run } };
  }
}
