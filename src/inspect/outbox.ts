// SPDX-License-Identifier: Apache-2.0
/** What is waiting to be shown, in which order, and what is left out when too much happens? */
import type { AnyMachineSnapshot, EventObject } from 'xstate';
import type { MachineActor } from './live-actors.ts';

/** One thing to show. A state is kept as XState's snapshot, which does not change, and written out when it is sent. */
export type Shot =
  | { readonly what: 'actor'; readonly actor: MachineActor }
  | {
      readonly what: 'event';
      readonly actor: MachineActor;
      readonly event: EventObject;
      readonly sourceId: string | undefined;
    }
  | {
      readonly what: 'state';
      readonly actor: MachineActor;
      readonly event: EventObject;
      readonly snapshot: AnyMachineSnapshot;
    };

/**
 * Two kinds of news are treated differently when there is more than the limit: an actor that came, or a state that
 * changed, is always kept (a chart changes rarely); events, and snapshots that only differ in their context, are
 * left out. Of the latter the newest of each actor is kept anyway, and sent at the end.
 */
export class Outbox {
  readonly #limit: number;
  #shots: Shot[] = [];
  #latest = new Map<string, Shot>();
  #dropped = 0;

  /** @param limit events at most between two sendings */
  constructor(limit: number) {
    this.#limit = limit;
  }

  get dropped(): number {
    return this.#dropped;
  }

  addActor(actor: MachineActor): void {
    this.#shots.push({ what: 'actor', actor });
  }

  addEvent(shot: Extract<Shot, { what: 'event' }>): void {
    if (this.#shots.length >= this.#limit) this.#dropped += 1;
    else this.#shots.push(shot);
  }

  /** The state of an actor changed. */
  addChange(shot: Extract<Shot, { what: 'state' }>): void {
    this.#latest.delete(shot.actor.sessionId);
    this.#shots.push(shot);
  }

  /** It is where it was; its context may differ. */
  addContext(shot: Extract<Shot, { what: 'state' }>): void {
    this.#latest.set(shot.actor.sessionId, shot);
  }

  take(): readonly Shot[] {
    const shots = [...this.#shots, ...this.#latest.values()];
    this.clear();
    return shots;
  }

  clear(): void {
    this.#shots = [];
    this.#latest = new Map();
  }
}
