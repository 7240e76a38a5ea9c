// SPDX-License-Identifier: Apache-2.0
/** Which address is called for a broker or a topic's member list? */
import { RocketmqError } from '../../errors/errors.ts';
import { compareText } from '../../model/message-queue.ts';
import type { Address } from '../../model/route.ts';
import type { Switchboard } from '../../transport/switchboard.ts';
import type { RouteCache } from '../routes/route-cache.ts';

export class BrokerLocator {
  readonly #cache: RouteCache;
  readonly #switchboard: Switchboard;

  constructor(cache: RouteCache, switchboard: Switchboard) {
    this.#cache = cache;
    this.#switchboard = switchboard;
  }

  /** @throws RocketmqError `RMQ_BROKER_NOT_FOUND` when no route names a master of this broker */
  master(brokerName: string): Address {
    const address = this.#cache.addressOf(brokerName);
    if (address !== undefined) return address;
    throw new RocketmqError('RMQ_BROKER_NOT_FOUND', `no route names a master of ${brokerName}`, {
      context: { brokerName },
    });
  }

  /**
   * Asks one broker of the topic, the next one only when it fails. All members begin with the first in the order of
   * names that they are connected to, so they see the same list.
   */
  async askMembers<T>(topic: string, ask: (address: Address) => Promise<T>): Promise<T> {
    const addresses = this.#mastersOf(topic);
    let failure: unknown = new RocketmqError('RMQ_BROKER_NOT_FOUND', `no route names a master for ${topic}`, {
      context: { topic },
    });
    for (const address of addresses) {
      try {
        return await ask(address);
      } catch (thrown) {
        failure = thrown;
      }
    }
    throw failure;
  }

  #mastersOf(topic: string): readonly Address[] {
    const names = this.#cache.get(topic)?.brokers.map(({ brokerName }) => brokerName) ?? [];
    const masters = names
      .sort(compareText)
      .map(name => this.#cache.addressOf(name))
      .filter(address => address !== undefined);
    const open = masters.filter(address => this.#switchboard.isOpen(address));
    return [...open, ...masters.filter(address => !open.includes(address))];
  }
}
