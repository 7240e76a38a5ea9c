// SPDX-License-Identifier: Apache-2.0
/** When is the user's onQueuesRevoked called? Once for all queues of one reason whose listeners ended in the same turn. */
import type { RevokeHook } from '../../config/revoke-hook.ts';
import type { MessageQueue } from '../../model/message-queue.ts';
import type { RevokeReason } from '../../model/revoke-reason.ts';

interface Gathering {
  readonly queues: MessageQueue[];
  readonly signals: AbortSignal[];
  readonly outcome: Promise<void>;
}

export class RevokeCalls {
  readonly #hook: RevokeHook;
  readonly #gathering = new Map<RevokeReason, Gathering>();

  constructor(hook: RevokeHook) {
    this.#hook = hook;
  }

  /** Settles as the call does that this queue was part of. */
  async tell(
    queue: MessageQueue,
    { reason, signal }: { readonly reason: RevokeReason; readonly signal: AbortSignal },
  ): Promise<void> {
    const gathering = this.#gathering.get(reason) ?? this.#begin(reason);
    gathering.queues.push(queue);
    gathering.signals.push(signal);
    await gathering.outcome;
  }

  #begin(reason: RevokeReason): Gathering {
    const queues: MessageQueue[] = [];
    const signals: AbortSignal[] = [];
    const outcome = Promise.resolve().then(async () => {
      this.#gathering.delete(reason);
      await this.#hook(queues, { reason, signal: AbortSignal.any(signals) });
    });
    const gathering = { queues, signals, outcome };
    this.#gathering.set(reason, gathering);
    return gathering;
  }
}
