// SPDX-License-Identifier: Apache-2.0
/** Does a command have to wait for one that came before it? Those that touch the same topic or queue keep their order, others go side by side. */
import { type QueueKey, queueKey } from '../../model/message-queue.ts';
import type { Work } from './commands.types.ts';
import type { SubscriptionCommand } from './work-command.ts';

/** After so long a command that waits for others, for a broker or a lock, holds up no more than it must. Unit: ms. */
export const patience = 5000;

/** What the commands before one are about. Pauses take no time, so nothing waits for them. */
export class Claims {
  /** Topics whose subscription changes; one change at a time. */
  readonly #changing = new Set<string>();
  /** Topics of which any queue is moved or committed. */
  readonly #touched = new Set<string>();
  /** Topics that are moved as a whole. */
  readonly #moving = new Set<string>();
  readonly #queues = new Set<QueueKey>();
  /** Topics with a change that lasts: only the next change of the same topic waits for it. */
  readonly #lasting = new Set<string>();
  #everything = false;

  add(work: Work): void {
    switch (work.type) {
      case 'consumer.subscribe':
      case 'consumer.updateSelector':
      case 'consumer.unsubscribe':
        this.#changing.add(work.topic);
        return;
      case 'queue.pause':
      case 'queue.resume':
        return;
      case 'queue.seek':
      case 'consumer.commit':
        if (work.queue === undefined) this.#everything = true;
        else this.#addQueue(work.queue.topic, queueKey(work.queue));
        return;
      case 'consumer.resetOffset':
        if (work.topic === undefined) this.#everything = true;
        else this.#addTopic(work.topic);
    }
  }

  /** Something that lasts is under way: a later seek takes the place of an earlier one by itself. */
  addLasting(work: Work): void {
    if (isChange(work)) this.#lasting.add(work.topic);
  }

  blocks(work: Work): boolean {
    switch (work.type) {
      case 'consumer.subscribe':
      case 'consumer.updateSelector':
      case 'consumer.unsubscribe':
        return (
          this.#changing.size > 0 ||
          this.#everything ||
          this.#touched.has(work.topic) ||
          this.#lasting.has(work.topic)
        );
      case 'queue.pause':
      case 'queue.resume':
        return this.#changing.has(work.queue?.topic ?? work.topic ?? '');
      case 'queue.seek':
      case 'consumer.commit':
        if (work.queue === undefined) return this.#blocksAll();
        return this.#blocksTopic(work.queue.topic) || this.#queues.has(queueKey(work.queue));
      case 'consumer.resetOffset':
        if (work.topic === undefined) return this.#blocksAll();
        return this.#blocksTopic(work.topic) || this.#touched.has(work.topic);
    }
  }

  #addQueue(topic: string, key: QueueKey): void {
    this.#touched.add(topic);
    this.#queues.add(key);
  }

  #addTopic(topic: string): void {
    this.#touched.add(topic);
    this.#moving.add(topic);
  }

  #blocksTopic(topic: string): boolean {
    return this.#everything || this.#changing.has(topic) || this.#moving.has(topic);
  }

  #blocksAll(): boolean {
    return this.#everything || this.#changing.size > 0 || this.#touched.size > 0;
  }
}

export function isChange(work: Work): work is SubscriptionCommand {
  const { type } = work;
  return (
    type === 'consumer.subscribe' || type === 'consumer.updateSelector' || type === 'consumer.unsubscribe'
  );
}
