// SPDX-License-Identifier: Apache-2.0
/** Which version of a subscription has each broker accepted? It answers 25 to a pull that names a newer one. */
import type { Address } from '../model/route.ts';
import type { SubscriptionData } from '../model/subscription.ts';

export class ToldVersions {
  readonly #byAddress = new Map<Address, ReadonlyMap<string, number>>();

  /** The broker there accepted a heartbeat with these. Answers may come in another order than the heartbeats went. */
  note(address: Address, subscriptions: readonly SubscriptionData[]): void {
    const before = this.#byAddress.get(address);
    const now = subscriptions.map(
      ({ topic, subVersion }) => [topic, Math.max(subVersion, before?.get(topic) ?? 0)] as const,
    );
    this.#byAddress.set(address, new Map(now));
  }

  /** Whether the broker's last word is that it has exactly these. */
  isUpToDate(address: Address, subscriptions: readonly SubscriptionData[]): boolean {
    const told = this.#byAddress.get(address);
    return (
      told?.size === subscriptions.length &&
      subscriptions.every(({ topic, subVersion }) => (told.get(topic) ?? -1) >= subVersion)
    );
  }

  /** What a pull from there may name: the version wanted, or the one the broker has as long as that is older. */
  upTo(wanted: number, topic: string, address: Address): number {
    const told = this.#byAddress.get(address);
    if (told === undefined) return wanted; // not greeted yet: calls wait for that
    return Math.min(wanted, told.get(topic) ?? 0);
  }
}
