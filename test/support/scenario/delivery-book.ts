// SPDX-License-Identifier: Apache-2.0
/** Which message was given to whom, and which are done? What the listeners of all members write down. */
import type { ScenarioDelivery } from './listener.ts';

export class DeliveryBook {
  readonly #all: ScenarioDelivery[] = [];
  readonly #done = new Map<string, Set<number>>();

  note(deliveries: readonly ScenarioDelivery[]): void {
    this.#all.push(...deliveries);
    for (const { group, topic, sequence, isDone } of deliveries) {
      if (isDone) this.#doneIn(group, topic).add(sequence);
    }
  }

  /** How many there were, in all. */
  get size(): number {
    return this.#all.length;
  }

  /** How many were given to one member. */
  countOf(member: string): number {
    return this.#all.filter(each => each.member === member).length;
  }

  /** What a group was given, in all or of a topic, in the order in which the listeners were called. */
  of(group: string, topic?: string): readonly ScenarioDelivery[] {
    return this.#all
      .filter(each => each.group === group && (topic ?? each.topic) === each.topic)
      .sort((a, b) => a.at - b.at);
  }

  /** The numbers of the messages that are done in a group. */
  done(group: string, topic: string): ReadonlySet<number> {
    return this.#doneIn(group, topic);
  }

  #doneIn(group: string, topic: string): Set<number> {
    const key = `${topic} ${group}`;
    const known = this.#done.get(key) ?? new Set();
    this.#done.set(key, known);
    return known;
  }
}
