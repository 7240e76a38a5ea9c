// SPDX-License-Identifier: Apache-2.0
/** Who is in the group? A broker that was just reached again may have been restarted, and not have heard of all members yet. */
import type { Clock } from '../../model/clock.ts';
import type { Address } from '../../model/route.ts';
import { waitFor } from '../../stores/wait-for.ts';

/** So long after our own reconnect a list that lacks somebody is not believed: the others come back too. Unit: ms. */
const membersComeBackIn = 5000;
/** Before such a list is asked for again. Unit: ms. */
const pause = 1000;

export interface MemberListsOptions {
  readonly clock: Clock;
  /** 38 at this address. */
  readonly query: (address: Address, signal: AbortSignal) => Promise<readonly string[]>;
}

/**
 * Without it the first member that is back after a restart would find itself alone there and take the others' queues.
 * A list that only grew, or that comes later, is believed at once. design.md G3.
 */
export class MemberLists {
  readonly #clock: Clock;
  readonly #query: MemberListsOptions['query'];
  /** Addresses that were connected before, and the time of our newest reconnect. Monotonic ms. */
  readonly #reconnectedAt = new Map<Address, number>();
  readonly #last = new Map<Address, readonly string[]>();

  constructor({ clock, query }: MemberListsOptions) {
    this.#clock = clock;
    this.#query = query;
  }

  /** A new connection to this address has begun. */
  noteGreeted(address: Address): void {
    const isFirst = !this.#reconnectedAt.has(address);
    this.#reconnectedAt.set(address, isFirst ? Number.NEGATIVE_INFINITY : this.#clock.now());
  }

  /** Client ids as the broker at this address lists them. Rejects as the query does, and through the signal. */
  async ask(address: Address, signal: AbortSignal): Promise<readonly string[]> {
    for (;;) {
      const ids = await this.#query(address, signal);
      const doubtful = this.#isShorter(address, ids) ? this.#doubtfulFor(address) : 0;
      if (doubtful === 0) {
        this.#last.set(address, ids);
        return ids;
      }
      await waitFor(this.#clock, Math.min(pause, doubtful), { signal });
      signal.throwIfAborted();
    }
  }

  #isShorter(address: Address, ids: readonly string[]): boolean {
    return this.#last.get(address)?.some(id => !ids.includes(id)) === true;
  }

  /** Unit: ms. */
  #doubtfulFor(address: Address): number {
    const reconnectedAt = this.#reconnectedAt.get(address) ?? Number.NEGATIVE_INFINITY;
    return Math.max(0, reconnectedAt + membersComeBackIn - this.#clock.now());
  }
}
