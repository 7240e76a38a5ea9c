// SPDX-License-Identifier: Apache-2.0
/** Which lanes wait for a batch to fill, and which of them has waited longest? */
import type { Ticket } from '../flow/process-queue.ts';
import type { Lane } from './lane.ts';

interface Place {
  readonly lane: Lane;
  /** Of the lane's first message; tickets are given in the order of arrival. */
  readonly ticket: Ticket;
}

/** A lane leaves by its state: places that no longer hold are dropped when they come first. */
export class GatheringLanes {
  readonly #places: Place[] = [];

  /** Where the oldest message is. */
  get first(): Lane | undefined {
    let [place] = this.#places;
    while (place !== undefined && !holds(place)) {
      this.#places.shift();
      [place] = this.#places;
    }
    return place?.lane;
  }

  add(lane: Lane): void {
    const ticket = lane.first?.ticket ?? 0;
    let from = 0;
    let to = this.#places.length;
    while (from < to) {
      const middle = (from + to) >> 1;
      if ((this.#places[middle]?.ticket ?? 0) < ticket) from = middle + 1;
      else to = middle;
    }
    this.#places.splice(from, 0, { lane, ticket });
  }

  clear(): void {
    this.#places.length = 0;
  }
}

function holds({ lane, ticket }: Place): boolean {
  return lane.state === 'gathering' && lane.first?.ticket === ticket;
}
