// SPDX-License-Identifier: Apache-2.0
/** Which lanes does an owned queue have, which of them is next, and what of them can still be finished? */
import type { Epoch, OwnedQueue } from '../flow/owned-queue.ts';
import type { Ticket } from '../flow/process-queue.ts';
import type { MessageExt } from '../model/message.ts';
import { Lane, type LaneEntry } from './lane.ts';
import { LaneLine } from './lane-line.ts';

/** A lane's next batch: never empty. */
export interface NextBatch {
  readonly lane: Lane;
  readonly entries: readonly [LaneEntry, ...LaneEntry[]];
}

export class LaneBook {
  readonly #owned: OwnedQueue<MessageExt>;
  readonly #keyOf: (message: MessageExt) => string;
  /** Those with anything in them. */
  readonly #lanes = new Map<string, Lane>();
  readonly #line = new LaneLine();
  #epoch: Epoch;
  #newestStarted: Ticket = -1;

  /** `keyOf`: messages with the same answer share a lane. */
  constructor(owned: OwnedQueue<MessageExt>, keyOf: (message: MessageExt) => string) {
    this.#owned = owned;
    this.#keyOf = keyOf;
    this.#epoch = owned.epoch;
  }

  /** The one that everything in here belongs to. */
  get epoch(): Epoch {
    return this.#epoch;
  }

  /** The next message to be delivered. */
  get next(): LaneEntry | undefined {
    return this.#line.first?.first;
  }

  /** The first message that makes no sense to start when the queue is given up: behind all that was started, or behind one that stays unfinished. */
  get endOfGaps(): Ticket {
    let end = this.#newestStarted;
    for (const { firstHeld } of this.#lanes.values())
      if (firstHeld !== undefined) end = Math.min(end, firstHeld.ticket);
    return end;
  }

  /**
   * Lets go of what belongs to a former epoch; true if there was one. A lane that runs or rests does so to its end: it
   * is the lane of the queue or key, not of the epoch.
   */
  catchUp(): boolean {
    if (this.#epoch === this.#owned.epoch) return false;
    this.#epoch = this.#owned.epoch;
    this.#newestStarted = -1;
    this.#line.clear();
    for (const lane of this.#lanes.values()) {
      lane.clear();
      if (lane.state !== 'running' && lane.state !== 'resting') this.#lanes.delete(lane.key);
    }
    return true;
  }

  /** What has arrived goes to its lanes. */
  takeIn(): void {
    if (!this.#owned.hasWaiting) return;
    let ticket = this.#owned.nextTicket;
    for (const message of this.#owned.take(Number.POSITIVE_INFINITY)) {
      const lane = this.#laneOf(message);
      lane.add({ ticket: ticket++, message, failures: 0 });
      if (lane.state === 'idle') this.place(lane);
    }
  }

  /** An idle lane gets into the line, or is forgotten when nothing is left in it. */
  place(lane: Lane): void {
    if (lane.first !== undefined) {
      lane.state = 'ready';
      this.#line.add(lane);
    } else if (!lane.hasUncommitted) this.#lanes.delete(lane.key);
  }

  /** Takes up to `max` messages of the lane that is next, none from `limit` on; the lane runs from now on. */
  takeNext(max: number, limit: Ticket): NextBatch | undefined {
    const lane = this.#line.takeFirst();
    if (lane === undefined) return undefined;
    const [first, ...others] = lane.take(max, limit);
    if (first === undefined) {
      lane.state = 'idle';
      return undefined;
    }
    lane.state = 'running';
    this.#newestStarted = Math.max(this.#newestStarted, (others.at(-1) ?? first).ticket);
    return { lane, entries: [first, ...others] };
  }

  finish(entries: readonly LaneEntry[]): void {
    for (const { ticket, message } of entries) this.#owned.finish(this.#epoch, ticket, message.storeSize);
  }

  #laneOf(message: MessageExt): Lane {
    const key = this.#keyOf(message);
    const known = this.#lanes.get(key);
    if (known !== undefined) return known;
    const lane = new Lane(key);
    this.#lanes.set(key, lane);
    return lane;
  }
}
