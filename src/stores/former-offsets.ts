// SPDX-License-Identifier: Apache-2.0
/** Which committed offsets belong to a topic that was deleted, though somebody still has them? Brokers of 4.9 keep them. */
import type { Clock } from '../model/clock.ts';
import { type MessageQueue, type QueueKey, queueKey } from '../model/message-queue.ts';
import type { QueueOffset } from '../model/queue-offset.ts';

/**
 * How long after the queue's return a committed offset is looked at with suspicion: until it has started. One that is
 * found later was committed for the new topic, by another member that had the queue meanwhile. Unit: ms.
 */
const suspicion = 60_000;

interface Former {
  readonly upTo: QueueOffset;
  /** When a route named the queue again. */
  readonly returnedAt: number | undefined;
}

export class FormerOffsets {
  readonly #clock: Clock;
  readonly #queues = new Map<QueueKey, Former>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The queue was deleted with its topic, and offsets up to this one may still be stored for it. */
  note(queue: MessageQueue, upTo: QueueOffset): void {
    const key = queueKey(queue);
    const known = this.#queues.get(key)?.upTo ?? upTo;
    this.#queues.set(key, { upTo: known > upTo ? known : upTo, returnedAt: undefined });
  }

  /** A route names these queues; says nothing of those that were never deleted. */
  noteReturn(queues: readonly MessageQueue[]): void {
    if (this.#queues.size === 0) return;
    for (const queue of queues) {
      const key = queueKey(queue);
      const former = this.#queues.get(key);
      if (former !== undefined && former.returnedAt === undefined)
        this.#queues.set(key, { ...former, returnedAt: this.#clock.now() });
    }
  }

  /** Was this committed for a queue of that name that is no more? */
  isFormer(queue: MessageQueue, committed: QueueOffset): boolean {
    const former = this.#queues.get(queueKey(queue));
    if (former === undefined || committed > former.upTo) return false;
    return this.#clock.now() - (former.returnedAt ?? this.#clock.now()) <= suspicion;
  }

  /** The queue has a place in the topic that is there now. */
  forget(queue: MessageQueue): void {
    this.#queues.delete(queueKey(queue));
  }
}
