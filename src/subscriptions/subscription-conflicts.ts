// SPDX-License-Identifier: Apache-2.0
/** In what do two members' subscriptions differ? And which differences were seen lately? */
import { isRetryTopic } from '../model/names.ts';
import { type Selector, type SubscriptionData, tagsOf } from '../model/subscription.ts';

/**
 * One topic that is not subscribed alike. Members of a group must agree: a broker keeps one subscription for each topic of
 * a group, that of whoever changed last, and filters for all members by it.
 */
export interface SubscriptionConflict {
  readonly topic: string;
  /**
   * `type`: tags here, SQL92 there. `expression`: other tags, or another SQL92 expression. `onlyOurs`, `onlyTheirs`: one
   * side does not subscribe to the topic at all.
   */
  readonly kind: 'type' | 'expression' | 'onlyOurs' | 'onlyTheirs';
  /** undefined: not subscribed. */
  readonly ours: Selector | undefined;
  readonly theirs: Selector | undefined;
}

/** A difference that was seen, and when. */
export interface RecordedConflict extends SubscriptionConflict {
  /** Unit: ms since 1970. */
  readonly at: number;
}

/** What is compared of a subscription. */
export type Compared = Pick<SubscriptionData, 'topic' | 'subString' | 'expressionType' | 'subVersion'>;

/**
 * The topics in which two lists differ, in the order of ours, then those of theirs alone. Tags are compared as sets; retry
 * topics are left out, for each consumer adds its own. A version of theirs that is older than ours for the same topic is no
 * difference: the broker takes ours with the next heartbeat.
 * @example compareSubscriptions(subscriptions.toDataList(), listOfTheBroker)
 */
export function compareSubscriptions(
  ours: readonly Compared[],
  theirs: readonly Compared[],
): readonly SubscriptionConflict[] {
  const here = byTopic(ours);
  const there = byTopic(theirs);
  const topics = new Set([...here.keys(), ...there.keys()]);
  return [...topics].flatMap(topic => {
    const kind = difference(here.get(topic), there.get(topic));
    if (kind === undefined) return [];
    return [{ topic, kind, ours: selectorOf(here.get(topic)), theirs: selectorOf(there.get(topic)) }];
  });
}

/** Whether two selectors take the same messages, as far as their text shows it. */
function selectAlike(one: Selector, other: Selector): boolean {
  if (one.type !== other.type) return false;
  if (one.type === 'SQL92') return one.expression.trim() === other.expression.trim();
  const tags = new Set(tagsOf(one.expression));
  const others = tagsOf(other.expression);
  return tags.size === others.length && others.every(tag => tags.has(tag));
}

function difference(
  ours: Compared | undefined,
  theirs: Compared | undefined,
): SubscriptionConflict['kind'] | undefined {
  const own = selectorOf(ours);
  const other = selectorOf(theirs);
  if (own === undefined) return 'onlyTheirs';
  if (other === undefined) return 'onlyOurs';
  if (selectAlike(own, other) || (theirs?.subVersion ?? 0) < (ours?.subVersion ?? 0)) return undefined;
  return own.type === other.type ? 'expression' : 'type';
}

function byTopic(list: readonly Compared[]): ReadonlyMap<string, Compared> {
  return new Map(list.filter(({ topic }) => !isRetryTopic(topic)).map(each => [each.topic, each]));
}

function selectorOf(data: Compared | undefined): Selector | undefined {
  return data === undefined ? undefined : { type: data.expressionType, expression: data.subString };
}

/** The newest differences, oldest first. */
export class ConflictHistory {
  readonly #limit: number;
  readonly #kept: RecordedConflict[] = [];

  constructor(limit: number) {
    this.#limit = limit;
  }

  note(conflicts: readonly SubscriptionConflict[], at: number): void {
    this.#kept.push(...conflicts.map(conflict => ({ ...conflict, at })));
    this.#kept.splice(0, Math.max(0, this.#kept.length - this.#limit));
  }

  list(): readonly RecordedConflict[] {
    return [...this.#kept];
  }

  clear(): void {
    this.#kept.length = 0;
  }
}
