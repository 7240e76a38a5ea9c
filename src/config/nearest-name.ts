// SPDX-License-Identifier: Apache-2.0
/** Which known name was probably meant by an unknown one? */

/** The known name with the fewest edits, when they are few for its length; case and underscores count for nothing. */
export function nearestName(unknown: string, known: readonly string[]): string | undefined {
  const written = plain(unknown);
  if (written.length > 64) return undefined; // no option is that long, and the distance costs length × length
  const ranked = known
    .map(name => ({ name, edits: editDistance(written, plain(name)) }))
    .filter(({ name, edits }) => edits <= name.length * 0.3)
    .sort((a, b) => a.edits - b.edits);
  return ranked[0]?.name;
}

function plain(name: string): string {
  return name.replace(/[_-]/g, '').toLowerCase();
}

/** How many insertions, deletions and replacements of one character make `b` of `a` (Levenshtein). */
export function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
