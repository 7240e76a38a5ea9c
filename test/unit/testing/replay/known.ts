// SPDX-License-Identifier: Apache-2.0
/** Are the differences that were found those that are listed, no more and no fewer? */
import { type KnownDifference, knownDifferences, type Said } from './differences.ts';
import type { Difference } from './facts.ts';

export interface Judgement {
  /** Found and not listed. */
  readonly unlisted: Readonly<Record<string, Difference>>;
  /** Listed and not found: the list is too long. */
  readonly unseen: readonly string[];
}

export const asListed: Judgement = { unlisted: {}, unseen: [] };

/** What was found in one exchange with a broker of that version, against the list. */
export function judge(
  version: string,
  sample: string,
  found: Readonly<Record<string, Difference>>,
  list: readonly KnownDifference[] = knownDifferences,
): Judgement {
  const listed = list
    .filter(({ versions, samples }) => versions.includes(version) && samples.includes(sample))
    .flatMap(({ differs }) => Object.entries(differs))
    .map(([place, [recorded, embedded]]) => ({ place, recorded, embedded }));
  const entries = Object.entries(found);
  const matches = (known: (typeof listed)[number], [path, seen]: (typeof entries)[number]): boolean =>
    fits(known.place, path) && says(known.recorded, seen.recorded) && says(known.embedded, seen.embedded);
  return {
    unlisted: Object.fromEntries(entries.filter(entry => !listed.some(known => matches(known, entry)))),
    unseen: listed.filter(known => !entries.some(entry => matches(known, entry))).map(({ place }) => place),
  };
}

/** `*` stands for a number or a name. */
function fits(place: string, path: string): boolean {
  const parts = place.split('*').map(part => part.replace(/[.[\]]/g, '\\$&'));
  return new RegExp(`^${parts.join('\\w+')}$`).test(path);
}

function says(said: Said, text: string): boolean {
  return typeof said === 'string' ? said === text : said.test(text);
}
