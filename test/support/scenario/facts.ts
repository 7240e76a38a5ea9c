// SPDX-License-Identifier: Apache-2.0
/** How is an event of a member compared with what a scenario expects of it? By the facts that are named, in the scenario's names. */
import type { ConsumerEvent } from '../../../src/index.ts';
import { RocketmqError } from '../../../src/index.ts';
import type { Facts } from './member.types.ts';
import type { Names } from './names.ts';

/** Whether everything that is named is equal. */
export function hasFacts(event: ConsumerEvent, facts: Facts | undefined, names: Names): boolean {
  return facts === undefined || isPartOf(facts, event, names);
}

/** An event for a reader: one line. */
export function eventText(event: ConsumerEvent, names: Names): string {
  return JSON.stringify(event, (_, value: unknown) => {
    if (value instanceof RocketmqError) return { code: value.code, message: value.message };
    return typeof value === 'string' ? names.own(value) : value;
  });
}

function isPartOf(facts: Facts, thing: unknown, names: Names): boolean {
  return Object.entries(facts).every(([name, expected]) => {
    const found: unknown = Object(thing)[name]; // an event is looked at as the data it is
    if (typeof expected === 'object') return isPartOf(expected, found, names);
    return typeof found === 'string' ? names.own(found) === expected : found === expected;
  });
}
