// SPDX-License-Identifier: Apache-2.0
/** In which line of a JSON text does each name of its object stand, and where does the text stop being JSON? */

interface Place {
  /** From 1. */
  readonly line: number;
  /** From 1. */
  readonly column: number;
}

export interface JsonPlaces {
  /** Name of the outermost object → its line. */
  readonly lines: ReadonlyMap<string, number>;
  /** Names that are there once more; JSON.parse would take the last one silently. */
  readonly repeated: readonly { readonly name: string; readonly line: number }[];
  /** Where reading ended: of a text that is not JSON, the first thing that cannot stand there. */
  readonly stuckAt: Place;
}

const space = /[ \t\r\n]*/y;
const token =
  /[{}[\],:]|"(?:[^"\\\p{Cc}]|\\(?:["\\/bfnrt]|u[\da-f]{4}))*"|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:e[+-]?\d+)?|true|false|null/iuy;

/** What may come next: a value, a name, or what follows one of them. */
type Expected = 'value' | 'name' | 'colon' | 'more';

/** One look over the text, without a call for each level: any depth does. */
export function placesOf(text: string): JsonPlaces {
  const lines = new Map<string, number>();
  const repeated: { name: string; line: number }[] = [];
  const open: ('{' | '[')[] = [];
  let expected: Expected = 'value';
  let fresh = false;
  let at = skipSpace(text, 0);
  for (let found = tokenAt(text, at); found !== undefined; found = tokenAt(text, at)) {
    const next = follow(found, expected, open, fresh);
    if (next === undefined) break;
    if (expected === 'name' && found.startsWith('"') && open.length === 1) {
      const name = JSON.parse(found) as string; // a whole string token
      const { line } = placeAt(text, at);
      if (lines.has(name)) repeated.push({ name, line });
      lines.set(name, line);
    }
    expected = next;
    fresh = found === '{' || found === '[';
    at = skipSpace(text, at + found.length);
    if (open.length === 0 && expected === 'more') break;
  }
  return { lines, repeated, stuckAt: placeAt(text, at) };
}

/** What is expected behind this token; undefined when it cannot stand here. `fresh`: its object or array has just begun. */
function follow(
  found: string,
  expected: Expected,
  open: ('{' | '[')[],
  fresh: boolean,
): Expected | undefined {
  const inside = open.at(-1);
  if (found === '}' || found === ']') {
    const mayEnd = expected === 'more' || (fresh && expected !== 'colon');
    if (!mayEnd || inside !== (found === '}' ? '{' : '[')) return undefined;
    open.pop();
    return 'more';
  }
  if (found === ',') return expected !== 'more' ? undefined : inside === '{' ? 'name' : 'value';
  if (found === ':') return expected === 'colon' ? 'value' : undefined;
  if (expected === 'name') return found.startsWith('"') ? 'colon' : undefined;
  if (expected !== 'value') return undefined;
  if (found !== '{' && found !== '[') return 'more';
  open.push(found);
  return found === '{' ? 'name' : 'value';
}

function tokenAt(text: string, at: number): string | undefined {
  token.lastIndex = at;
  return token.exec(text)?.[0];
}

function skipSpace(text: string, at: number): number {
  space.lastIndex = at;
  return at + (space.exec(text)?.[0].length ?? 0);
}

function placeAt(text: string, at: number): Place {
  const before = text.slice(0, at).split('\n');
  return { line: before.length, column: (before.at(-1) ?? '').length + 1 };
}
