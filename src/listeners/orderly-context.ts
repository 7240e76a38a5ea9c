// SPDX-License-Identifier: Apache-2.0
/** The context object an orderly listener gets, and the messages as it sees them: with the failures that only we know of. */
import type { MessageExt } from '../model/message.ts';
import type { MessageQueue } from '../model/message-queue.ts';
import type { ContextOwner } from './consume-context.ts';
import type { LaneEntry } from './lane.ts';
import type { MessageBatch, OrderlyContext } from './listener.ts';

export class OrderlyCallContext implements OrderlyContext {
  suspendTimeMillis = -1;
  autoCommit = true;
  readonly attempt: number;
  readonly #owner: ContextOwner;
  #attributes: Map<string, unknown> | undefined = undefined;

  constructor(owner: ContextOwner, messages: MessageBatch) {
    this.attempt = messages[0].reconsumeTimes + 1;
    this.#owner = owner;
  }

  get queue(): MessageQueue {
    return this.#owner.queue;
  }

  get attributes(): Map<string, unknown> {
    this.#attributes ??= new Map();
    return this.#attributes;
  }

  get signal(): AbortSignal {
    return this.#owner.signal;
  }
}

/** Java's bounds of the pause. Source: ConsumeMessageOrderlyService.submitConsumeRequestLater. Unit: ms. */
const shortestRest = 10;
const longestRest = 30_000;

/** How long the lane rests; a listener may write anything there, and what is no number counts as -1. Unit: ms. */
export function restOf({ suspendTimeMillis }: OrderlyContext, suspendMs: number): number {
  const asked =
    Number.isFinite(suspendTimeMillis) && suspendTimeMillis !== -1 ? suspendTimeMillis : suspendMs;
  return Math.min(longestRest, Math.max(shortestRest, asked));
}

/** The message with the deliveries that failed here counted in. Source: MessageExt.setReconsumeTimes of the Java client. */
export function shownMessage({ message, failures }: LaneEntry): MessageExt {
  if (failures === 0) return message;
  const reconsumeTimes = message.reconsumeTimes + failures;
  const shown: MessageExt = Object.create(message, {
    reconsumeTimes: { value: reconsumeTimes, enumerable: true },
  });
  return shown; // everything else is read through it from the message itself
}
