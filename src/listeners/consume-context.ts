// SPDX-License-Identifier: Apache-2.0
/** The context object a listener gets: one small allocation a call, its map and signal only when asked for. */
import type { MessageQueue } from '../model/message-queue.ts';
import type { ConsumeContext } from './listener.ts';

export class ConcurrentContext implements ConsumeContext {
  readonly queue: MessageQueue;
  readonly attempt: number;
  ackIndex: number;
  delayLevelWhenNextConsume = 0;
  readonly #signal: () => AbortSignal;
  #attributes: Map<string, unknown> | undefined;

  constructor(queue: MessageQueue, attempt: number, size: number, signal: () => AbortSignal) {
    this.queue = queue;
    this.attempt = attempt;
    this.ackIndex = size - 1;
    this.#signal = signal;
  }

  get attributes(): Map<string, unknown> {
    this.#attributes ??= new Map();
    return this.#attributes;
  }

  get signal(): AbortSignal {
    return this.#signal();
  }
}
