// SPDX-License-Identifier: Apache-2.0
/** Does another consumer of the group have our client id? A broker lists members by connection: ours would be there twice. */
import { ConsumerError } from '../../errors/errors.ts';
import type { Clock } from '../../model/clock.ts';
import type { Address } from '../../model/route.ts';

export interface TwinWatchOptions {
  readonly clock: Clock;
  readonly clientId: string;
  readonly tell: (error: ConsumerError) => void;
}

/** A connection of ours that broke unseen is listed as well, until the broker misses its heartbeats: 120 s, looked at every 10. Unit: ms. */
const oldConnectionsLast = 135_000;

export class TwinWatch {
  readonly #options: TwinWatchOptions;
  /** Since when, and whether it was told. Monotonic ms. */
  readonly #twice = new Map<Address, { readonly since: number; readonly isTold: boolean }>();

  constructor(options: TwinWatchOptions) {
    this.#options = options;
  }

  /** What the broker at this address answered. */
  noteMembers(address: Address, ids: readonly string[]): void {
    const { clock, clientId, tell } = this.#options;
    const count = ids.filter(id => id === clientId).length;
    if (count < 2) {
      this.#twice.delete(address);
      return;
    }
    const known = this.#twice.get(address);
    const since = known?.since ?? clock.now();
    const isDue = known?.isTold !== true && clock.now() - since >= oldConnectionsLast;
    this.#twice.set(address, { since, isTold: known?.isTold === true || isDue });
    if (!isDue) return;
    const message = `${count} consumers have the client id ${clientId} at ${address}`;
    tell(new ConsumerError('RMQ_DUPLICATE_CLIENT_ID', message, { context: { clientId, address, count } }));
  }
}
