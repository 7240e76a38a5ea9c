// SPDX-License-Identifier: Apache-2.0
/** How is a refused value named in a message? Shortly, without secrets, and whatever it is: never by throwing. */

const longest = 60;
/** Longer text is cut before it is searched: the search is quadratic. */
const longestSearched = 1000;
/** User and password in an address, as in `http://user:password@host`. */
const userInfo = /[^\s/;,@]+@/g;

export function describeValue(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return `'${shorten(value.slice(0, longestSearched).replace(userInfo, '***@'))}'`;
    case 'number':
    case 'boolean':
    case 'undefined':
      return String(value);
    case 'bigint':
      return 'a bigint';
    case 'symbol':
      return 'a symbol';
    case 'function':
      return 'a function';
    case 'object':
      return describeObject(value);
  }
}

/** The tests themselves throw on a revoked proxy. */
function describeObject(value: object | null): string {
  if (value === null) return 'null';
  try {
    if (Array.isArray(value)) return `an array of ${value.length}`;
    return value instanceof Date ? 'a date' : 'an object';
  } catch {
    return 'an object that cannot be read';
  }
}

export function isArray(value: unknown): value is readonly unknown[] {
  try {
    return Array.isArray(value);
  } catch {
    return false;
  }
}

/** Printable, and short enough for a line. */
export function shorten(text: string): string {
  const line = text.slice(0, longest).replace(/\p{Cc}/gu, '?');
  return text.length <= longest ? line : `${line}…`;
}
