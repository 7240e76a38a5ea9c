// SPDX-License-Identifier: Apache-2.0
/** Which queues did the consumer hold at this line of a trace? From what it decided and told, see trace-follow.ts. */
import type { TracedQueue } from './trace-entries.ts';

/**
 * `leaving`: decided away, its last results and its last commit may still come; `returning`: decided back before that was
 * over, so it has to end and begin anew.
 */
export type Tenure = 'unheld' | 'held' | 'leaving' | 'returning';

const onDecision: Readonly<Record<Tenure, { readonly kept: Tenure; readonly left: Tenure }>> = {
  unheld: { kept: 'held', left: 'unheld' },
  held: { kept: 'held', left: 'leaving' },
  leaving: { kept: 'returning', left: 'leaving' },
  returning: { kept: 'returning', left: 'leaving' },
};

export class TraceTenures {
  readonly #tenures = new Map<string, Tenure>();
  #isFollowed = false;

  /** Whether anything was ever decided: a trace whose consumer was not followed says nothing of tenures. */
  get isFollowed(): boolean {
    return this.#isFollowed;
  }

  of(queue: TracedQueue): Tenure {
    return this.#tenures.get(keyOf(queue)) ?? 'unheld';
  }

  decided(queues: readonly TracedQueue[]): void {
    this.#isFollowed = true;
    const kept = new Set(queues.map(keyOf));
    for (const key of new Set([...this.#tenures.keys(), ...kept])) {
      const next = onDecision[this.#tenures.get(key) ?? 'unheld'];
      this.#tenures.set(key, kept.has(key) ? next.kept : next.left);
    }
  }

  revoked(queue: TracedQueue): void {
    this.#tenures.set(keyOf(queue), this.of(queue) === 'returning' ? 'held' : 'unheld');
  }
}

function keyOf({ topic, brokerName, queueId }: TracedQueue): string {
  return `${topic}@${brokerName}#${queueId}`;
}
