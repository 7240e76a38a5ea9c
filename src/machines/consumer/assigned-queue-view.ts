// SPDX-License-Identifier: Apache-2.0
/** What may be seen of an owned queue? Live figures, read when asked for, and whether it was paused when this was made; no messages. */
import { type InspectOptions, inspect } from 'node:util';
import type { OwnedQueue } from '../../flow/owned-queue.ts';
import type { MessageExt } from '../../model/message.ts';
import type { MessageQueue } from '../../model/message-queue.ts';
import { masterId } from '../../model/route.ts';
import type { AssignedQueue } from './consumer.types.ts';

export class AssignedQueueView implements AssignedQueue {
  readonly queue: MessageQueue;
  readonly paused: boolean;
  readonly #owned: () => OwnedQueue<MessageExt> | undefined;
  readonly #committed: () => number | undefined;
  readonly #brokerId: () => number | undefined;

  constructor(
    queue: MessageQueue,
    owned: () => OwnedQueue<MessageExt> | undefined,
    committed: () => number | undefined,
    brokerId: () => number | undefined,
    paused: boolean,
  ) {
    this.queue = queue;
    this.#owned = owned;
    this.#committed = committed;
    this.#brokerId = brokerId;
    this.paused = paused;
  }

  get pulledTo(): number | undefined {
    return this.#owned()?.pulledTo;
  }

  get commitPoint(): number | undefined {
    return this.#owned()?.commitPoint;
  }

  get committed(): number | undefined {
    return this.#committed();
  }

  get brokerId(): number {
    return this.#brokerId() ?? masterId;
  }

  get held(): number {
    return this.#owned()?.count ?? 0;
  }

  get heldBytes(): number {
    return this.#owned()?.bytes ?? 0;
  }

  get running(): number {
    return this.#owned()?.runningCount ?? 0;
  }

  toJSON(): AssignedQueue {
    const { queue, pulledTo, commitPoint, committed, brokerId, held, heldBytes, running, paused } = this;
    return { queue, pulledTo, commitPoint, committed, brokerId, held, heldBytes, running, paused };
  }

  [inspect.custom](_depth: number, options: InspectOptions): string {
    return `AssignedQueue ${inspect(this.toJSON(), options)}`;
  }
}
