// SPDX-License-Identifier: Apache-2.0
/** Who are the replicas of a broker, and how is a master looked for that the route does not name any more? */
import type { Clock } from '../../model/clock.ts';
import { masterId } from '../../model/route.ts';
import type { Switchboard } from '../../transport/switchboard.ts';
import type { Replicas } from '../pull/pull-target.ts';
import type { RouteCache } from '../routes/route-cache.ts';

/** As the route cache has them when asked. */
export function replicasOf(brokerName: string, cache: RouteCache, switchboard: Switchboard): Replicas {
  return {
    brokerName,
    line: brokerId => {
      const address = cache.addressOf(brokerName, brokerId);
      return address === undefined ? undefined : switchboard.line(address);
    },
    slaves: () =>
      [...cache.addressesOf(brokerName).keys()].filter(id => id !== masterId).sort((a, b) => a - b),
  };
}

/** Name servers drop a dead master from the route at once, and the poll would find it again 30 s later. Unit: ms. */
const searchPause = 3000;

/** One search for all queues, however often they ask. */
export class MasterSearch {
  readonly #clock: Clock;
  readonly #search: () => void;
  #searchedAt = Number.NEGATIVE_INFINITY;

  constructor(clock: Clock, search: () => void) {
    this.#clock = clock;
    this.#search = search;
  }

  /** Asks for the routes, unless that was done a moment ago. */
  want(): void {
    const now = this.#clock.now();
    if (now - this.#searchedAt < searchPause) return;
    this.#searchedAt = now;
    this.#search();
  }
}
