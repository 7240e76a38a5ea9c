// SPDX-License-Identifier: Apache-2.0
/** Which lanes does an owned queue have, which of them is next, and what of them can still be finished? */
import type { Epoch, OwnedQueue } from '../flow/owned-queue.ts';
import type { Ticket } from '../flow/process-queue.ts';
import type { MessageExt } from '../model/message.ts';
import type { Gathering } from './gathering.ts';
import { GatheringLanes } from './gathering-lanes.ts';
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
  readonly #gatheringLanes = new GatheringLanes();
  /** Undefined: nothing waits for a batch to fill. */
  #gathering: Gathering | undefined;
  #epoch: Epoch;
  #newestStarted: Ticket = -1;

  /** `keyOf`: messages with the same answer share a lane. */
  constructor(
    owned: OwnedQueue<MessageExt>,
    keyOf: (message: MessageExt) => string,
    gathering: Gathering | undefined,
  ) {
    this.#owned = owned;
    this.#keyOf = keyOf;
    this.#gathering = gathering;
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
    this.#gatheringLanes.clear();
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
      const arrivedAt = this.#gathering?.arrivalOf(ticket) ?? Number.NEGATIVE_INFINITY;
      lane.add({ ticket: ticket++, message, arrivedAt, failures: 0 });
      if (lane.state === 'idle') this.place(lane);
      else if (lane.state === 'gathering' && this.#isRipe(lane)) this.#makeReady(lane);
    }
  }

  /** An idle lane gets into the line, waits for its batch to fill, or is forgotten when nothing is left in it. */
  place(lane: Lane): void {
    if (lane.first === undefined) {
      if (!lane.hasUncommitted) this.#lanes.delete(lane.key);
    } else if (this.#isRipe(lane)) this.#makeReady(lane);
    else {
      lane.state = 'gathering';
      this.#gatheringLanes.add(lane);
    }
  }

  /** When the first message came in that waits for a batch to fill, and how long it still does. Unit: monotonic ms, ms. */
  get gathering(): { readonly since: number; readonly left: number } | undefined {
    const since = this.#gatheringLanes.first?.first?.arrivedAt;
    if (since === undefined || this.#gathering === undefined) return undefined;
    return { since, left: this.#gathering.left(since) };
  }

  /** Lanes whose messages have waited long enough get into the line. */
  ripen(): void {
    for (let { first } = this.#gatheringLanes; first !== undefined; { first } = this.#gatheringLanes) {
      if (!this.#isRipe(first)) return;
      this.#makeReady(first);
    }
  }

  /** Nothing waits for a batch to fill any more. */
  gatherNoMore(): void {
    this.#gathering = undefined;
    this.ripen();
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
    for (const { ticket } of entries) this.#owned.finish(this.#epoch, ticket);
  }

  /** What it has makes a batch, has waited long enough, or comes again. */
  #isRipe(lane: Lane): boolean {
    const gathering = this.#gathering;
    if (gathering === undefined || lane.repeats || lane.waitingCount >= gathering.size) return true;
    return lane.first !== undefined && gathering.left(lane.first.arrivedAt) === 0;
  }

  #makeReady(lane: Lane): void {
    lane.state = 'ready';
    this.#line.add(lane);
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
