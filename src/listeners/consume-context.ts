// SPDX-License-Identifier: Apache-2.0
/** The context object a listener gets: one small allocation a call, its map and signal only when asked for. */
import type { Epoch } from '../flow/owned-queue.ts';
import type { MessageQueue } from '../model/message-queue.ts';
import { type QueueOffset, queueOffset } from '../model/queue-offset.ts';
import type { CallSignals } from './call-signals.ts';
import type { ConsumeContext, ContextOffsetStore, DeliveryContext, MessageBatch } from './listener.ts';

/** Who made the call: what the context asks only when the listener asks it. */
export interface ContextOwner {
  readonly queue: MessageQueue;
  readonly signals: CallSignals;
  /** What the broker is known to have of this queue. */
  readonly committed: QueueOffset | undefined;
  /** Offsets may be committed up to there, as far as messages of that epoch are done. */
  approve(upTo: QueueOffset, epoch: Epoch): void;
}

/** What both orders have in common. */
export class CallContext implements DeliveryContext {
  readonly #owner: ContextOwner;
  readonly #messages: MessageBatch;
  readonly #epoch: Epoch;
  #attributes: Map<string, unknown> | undefined = undefined;
  /** `ended`: nobody asked for it before the call had ended. */
  #abort: AbortController | 'ended' | undefined = undefined;

  constructor(owner: ContextOwner, messages: MessageBatch, epoch: Epoch) {
    this.#owner = owner;
    this.#messages = messages;
    this.#epoch = epoch;
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
    if (this.#abort === undefined) this.#abort = this.#owner.signals.open();
    else if (this.#abort === 'ended') this.#abort = this.#owner.signals.ofEndedCall();
    return this.#abort.signal;
  }

  get offsetStore(): ContextOffsetStore {
    const owner = this.#owner;
    return {
      commitOffset: offset => this.commit(offset),
      get committed() {
        return owner.committed;
      },
    };
  }

  commit(offset?: number): void {
    const last = this.#messages.at(-1) ?? this.#messages[0];
    this.#owner.approve(queueOffset(offset ?? last.queueOffset + 1), this.#epoch);
  }

  /** The call has ended; its signal is not aborted any more. */
  end(): void {
    if (this.#abort === undefined) this.#abort = 'ended';
    else if (this.#abort !== 'ended') this.#owner.signals.close(this.#abort);
  }

  /** The call runs too long. */
  expire(error: Error): void {
    if (this.#abort === 'ended') return;
    this.#abort ??= this.#owner.signals.open();
    this.#owner.signals.close(this.#abort);
    this.#abort.abort(error);
  }
}

export class ConcurrentContext extends CallContext implements ConsumeContext {
  ackIndex: number;
  delayLevelWhenNextConsume = 0;

  constructor(owner: ContextOwner, messages: MessageBatch, epoch: Epoch) {
    super(owner, messages, epoch);
    this.ackIndex = messages.length - 1;
  }
}
