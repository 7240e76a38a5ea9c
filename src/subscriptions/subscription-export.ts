// SPDX-License-Identifier: Apache-2.0
/** What do exported subscriptions look like, and can a value be imported again? */
import { isRetryTopic } from '../model/names.ts';
import type { Selector, SubscriptionData } from '../model/subscription.ts';
import { checkedSelector, checkTopic, invalid } from './checked.ts';

/** One topic of an export. */
export interface ExportedSubscription {
  readonly topic: string;
  readonly selector: Selector;
  /** false: deactivated. */
  readonly active: boolean;
}

/** The subscriptions of a manager as plain JSON. */
export interface SubscriptionExport {
  /** Of this form. */
  readonly version: 1;
  /** Unit: ms since 1970. */
  readonly exportedAt: number;
  readonly subscriptions: readonly ExportedSubscription[];
}

/**
 * The topics of an export, each checked.
 * @throws SubscriptionError `RMQ_SUBSCRIPTION_INVALID`, naming the place
 */
export function readExport(value: unknown): readonly ExportedSubscription[] {
  const { version, subscriptions } = fieldsOf(value, 'an export of subscriptions');
  if (version !== 1) {
    const message = `an export of subscriptions has version 1, not ${JSON.stringify(version) ?? 'none'}`;
    throw invalid(message, { version }, 'data');
  }
  return readList(subscriptions, 'subscriptions', (each, place) => {
    const { topic, selector, active } = fieldsOf(each, place);
    if (typeof active !== 'boolean')
      throw invalid(`${place}.active is neither true nor false`, { place }, 'data');
    return { ...readTopic(topic, selector), active };
  });
}

/**
 * The topics of a heartbeat's list, each checked; a group's retry topic is left out.
 * @throws SubscriptionError `RMQ_SUBSCRIPTION_INVALID`, naming the place
 */
export function readDataList(value: readonly SubscriptionData[]): readonly ExportedSubscription[] {
  const all = readList(value, 'the list', (each, place) => {
    const { topic, subString, expressionType } = fieldsOf(each, place);
    return { ...readTopic(topic, { type: expressionType, expression: subString }), active: true };
  });
  return all.filter(({ topic }) => !isRetryTopic(topic));
}

function readTopic(topic: unknown, selector: unknown): Omit<ExportedSubscription, 'active'> {
  checkTopic(topic);
  const name = String(topic); // is a text: just checked
  return { topic: name, selector: checkedSelector(name, selector) };
}

function readList<Item extends { readonly topic: string }>(
  value: unknown,
  name: string,
  read: (each: unknown, place: string) => Item,
): readonly Item[] {
  if (!Array.isArray(value)) throw invalid(`${name} is not an array`, {}, 'data');
  const items = Array.from<unknown, Item>(value, (each, at) => read(each, `${name}[${at}]`));
  const seen = new Set<string>();
  for (const { topic } of items) {
    if (seen.has(topic)) throw invalid(`${topic} is in ${name} twice`, { topic }, 'data');
    seen.add(topic);
  }
  return items;
}

function fieldsOf(value: unknown, what: string): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) throw invalid(`${what} is not an object`, {}, 'data');
  return { ...value };
}
