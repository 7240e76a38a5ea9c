// SPDX-License-Identifier: Apache-2.0
/** Is any queue of a topic still held, and who waits until none is? */
import type { MessageQueue } from '../../model/message-queue.ts';
import type { QueueWork } from '../queue/queue.types.ts';

export class HeldQueues {
  readonly #held = new Map<string, Set<QueueWork>>();
  readonly #waiting = new Map<string, (() => void)[]>();

  /** Counts the queue as held until its `release`. */
  count(queue: MessageQueue, work: QueueWork): QueueWork {
    const held = this.#held.get(queue.topic) ?? new Set();
    this.#held.set(queue.topic, held.add(work));
    return {
      ...work,
      release: () => {
        work.release();
        this.#released(queue.topic, work);
      },
    };
  }

  /** Resolves when no queue of the topic is held. */
  none(topic: string): Promise<void> {
    if (!this.#held.has(topic)) return Promise.resolve();
    return new Promise(resolve => {
      this.#waiting.set(topic, [...(this.#waiting.get(topic) ?? []), resolve]);
    });
  }

  #released(topic: string, work: QueueWork): void {
    const held = this.#held.get(topic);
    held?.delete(work);
    if (held === undefined || held.size > 0) return;
    this.#held.delete(topic);
    const waiting = this.#waiting.get(topic) ?? [];
    this.#waiting.delete(topic);
    for (const resolve of waiting) resolve();
  }
}
