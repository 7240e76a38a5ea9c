// SPDX-License-Identifier: Apache-2.0
/** What was not as expected, in words? */

/** Things of one kind that are told; the others are counted. */
const shown = 4;

export class Problems {
  readonly found: string[] = [];

  /** @param what makes the text only when it is needed */
  unless(holds: boolean, what: () => string): void {
    if (!holds) this.found.push(what());
  }

  /** There must be none of these. */
  none(things: readonly (string | number)[], what: string): void {
    this.unless(things.length === 0, () => `${what}, ${things.length}: ${some(things)}`);
  }
}

export function some(things: readonly (string | number)[]): string {
  return [...things.slice(0, shown), ...(things.length > shown ? ['…'] : [])].join(', ');
}

export function groupBy<Item, Key>(
  items: readonly Item[],
  keyOf: (item: Item) => Key,
): ReadonlyMap<Key, readonly Item[]> {
  const groups = new Map<Key, Item[]>();
  for (const item of items) {
    const group = groups.get(keyOf(item)) ?? [];
    groups.set(keyOf(item), group);
    group.push(item);
  }
  return groups;
}
