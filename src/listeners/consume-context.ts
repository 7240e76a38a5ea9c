// SPDX-License-Identifier: Apache-2.0
/** The context object a listener gets: one small allocation a call, its map and signal only when asked for. */
import type { MessageQueue } from '../model/message-queue.ts';
import type { ConsumeContext, MessageBatch } from './listener.ts';

/** Who made the call: what the context asks only when the listener asks it. */
export interface ContextOwner {
  readonly queue: MessageQueue;
  readonly signal: AbortSignal;
}

export class ConcurrentContext implements ConsumeContext {
  ackIndex: number;
  delayLevelWhenNextConsume = 0;
  readonly #owner: ContextOwner;
  readonly #messages: MessageBatch;
  #attributes: Map<string, unknown> | undefined = undefined;

  constructor(owner: ContextOwner, messages: MessageBatch) {
    this.ackIndex = messages.length - 1;
    this.#owner = owner;
    this.#messages = messages;
  }

  get queue(): MessageQueue {
    return this.#owner.queue;
  }

  get attempt(): number {
    return this.#messages[0].reconsumeTimes + 1;
  }

  get attributes(): Map<string, unknown> {
    this.#attributes ??= new Map();
    return this.#attributes;
  }

  get signal(): AbortSignal {
    return this.#owner.signal;
  }
}
