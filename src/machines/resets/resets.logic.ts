// SPDX-License-Identifier: Apache-2.0
/** Which of the idle queues are looked at this time, and what does a look tell? Pure. */
import { queueKey } from '../../model/message-queue.ts';
import type { IdleQueue, Look, ResetsContext, Suspect } from './resets.types.ts';

/** Between two looks: with it a reset is followed well within 5 s. Unit: ms. */
const defaultInterval = 2500;
/** Looks at one broker at once: all queues of a usual topic. A reset of a whole topic shows in any one of its queues. */
const looksPerBroker = 4;
/** So many topics of one broker are looked at each time; with more of them, by turns. */
const topicsPerBroker = 32;
/** The same difference is told again after so many looks, half a minute. */
const roundsUntilNews = 12;
/** The net under the time limits of the port itself. Unit: ms. */
export const lookLimit = 30_000;

export function intervalOf({ interval = defaultInterval }: ResetsContext): number {
  return interval;
}

/** One queue of each topic first, then further ones while there are few; other ones each round. */
export function chosen(idle: readonly IdleQueue[], round: number): readonly IdleQueue[] {
  const brokers = groupedBy(idle, ({ queue }) => queue.brokerName);
  return [...brokers.values()].flatMap(queues => ofOneBroker(queues, round));
}

function ofOneBroker(idle: readonly IdleQueue[], round: number): readonly IdleQueue[] {
  const topics = turned([...groupedBy(idle, ({ queue }) => queue.topic).values()], round * topicsPerBroker);
  const most = Math.min(topicsPerBroker, Math.max(looksPerBroker, topics.length));
  const depth = Math.max(1, Math.floor(most / Math.max(1, topics.length)));
  return topics.flatMap(queues => turned(queues, round * depth).slice(0, depth)).slice(0, most);
}

function turned<Item>(items: readonly Item[], by: number): readonly Item[] {
  const at = by % Math.max(1, items.length);
  return [...items.slice(at), ...items.slice(0, at)];
}

function groupedBy<Item>(items: readonly Item[], keyOf: (item: Item) => string): Map<string, Item[]> {
  const groups = new Map<string, Item[]>();
  for (const item of items) {
    const group = groups.get(keyOf(item));
    if (group === undefined) groups.set(keyOf(item), [item]);
    else group.push(item);
  }
  return groups;
}

/**
 * Those whose broker has another offset than it was last given. One that was told lately and is still so is no news: what a
 * tool committed for the group, for example, no pull will tell.
 */
export function movedOf(
  { told, round }: Pick<ResetsContext, 'told' | 'round'>,
  looks: readonly Look[],
): readonly Look[] {
  return looks.filter(({ idle: { queue, committed }, stored }) => {
    if (stored === undefined || stored === committed) return false;
    const before = told.get(queueKey(queue));
    return before === undefined || before.stored !== stored || round - before.round >= roundsUntilNews;
  });
}

/** What was told, with what is told now. */
export function toldWith({ told, round }: ResetsContext, moved: readonly Look[]): ResetsContext['told'] {
  const recent = [...told].filter(([, before]) => round - before.round < roundsUntilNews);
  const news = moved.map(({ idle, stored }) => [queueKey(idle.queue), { stored, round }] as const);
  return new Map([...recent, ...news]);
}

/** Each topic of each broker once. */
export function suspectsOf(moved: readonly Look[]): readonly Suspect[] {
  const suspects = moved.map(({ idle: { queue } }) => ({ topic: queue.topic, brokerName: queue.brokerName }));
  return [...new Map(suspects.map(each => [`${each.topic} ${each.brokerName}`, each])).values()];
}
