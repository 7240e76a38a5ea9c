// SPDX-License-Identifier: Apache-2.0
/** Was this queue there when its topic was first asked for? One that came later is read from its beginning (design.md G5). */
import { type MessageQueue, type QueueKey, queueKey } from '../../model/message-queue.ts';

export class QueueOrigins {
  readonly #first = new Map<string, ReadonlySet<QueueKey>>();

  /** The first answer about a topic counts; `[]`: no name server knew it. */
  note(topic: string, queues: readonly MessageQueue[]): void {
    if (!this.#first.has(topic)) this.#first.set(topic, new Set(queues.map(queueKey)));
  }

  /** The topic is no longer subscribed: a later subscribe begins anew. */
  forget(topic: string): void {
    this.#first.delete(topic);
  }

  /** These were deleted with their topic: ones of that name that come later are others. */
  forgetQueues(queues: readonly MessageQueue[]): void {
    for (const queue of queues) {
      const first = this.#first.get(queue.topic);
      if (first !== undefined) this.#first.set(queue.topic, without(first, queueKey(queue)));
    }
  }

  appearedLater(queue: MessageQueue): boolean {
    const first = this.#first.get(queue.topic);
    return first !== undefined && !first.has(queueKey(queue));
  }
}

function without(keys: ReadonlySet<QueueKey>, key: QueueKey): ReadonlySet<QueueKey> {
  const left = new Set(keys);
  left.delete(key);
  return left;
}
