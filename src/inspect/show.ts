// SPDX-License-Identifier: Apache-2.0
/** What of events and contexts may leave the process for a picture? Small plain facts; never bodies, sockets, secrets, references. */
import { isPlain, isSecretKey } from '../observability/redact.ts';

const deepest = 4;
const mostItems = 20;
const longestText = 200;

/**
 * A copy for showing: at most 4 deep, 20 members an object or list, 200 characters a text. Secrets are hidden by
 * name, bytes become their number, actors their id, other objects what their toJSON says or their class's name.
 * Getters of plain objects are read; what throws is shown as such.
 */
export function shown(value: unknown): unknown {
  return show(value, 0);
}

function show(value: unknown, depth: number): unknown {
  switch (typeof value) {
    case 'string':
      return value.length > longestText ? `${value.slice(0, longestText)}…` : value;
    case 'number':
      return Number.isFinite(value) ? value : String(value); // JSON would say null
    case 'bigint':
    case 'symbol':
      return String(value);
    case 'function':
      return `(function ${value.name || 'inline'})`;
    case 'object':
      return value === null ? null : showObject(value, depth);
    case 'boolean':
    case 'undefined':
      return value;
  }
}

function showObject(value: object, depth: number): unknown {
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return `(${value.byteLength} bytes)`;
  if (value instanceof Error) return showError(value);
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? '(no date)' : value.toISOString();
  if (isActor(value)) return `(actor ${value.id})`;
  if (depth >= deepest) return '(…)';
  if (Array.isArray(value)) return showList(value, value.length, depth);
  if (value instanceof Set) return showList([...first(value)], value.size, depth);
  if (value instanceof Map) return showEntries([...first(value)], value.size, depth);
  return isPlain(value) ? showPlain(value, depth) : showInstance(value, depth);
}

function showList(items: readonly unknown[], size: number, depth: number): readonly unknown[] {
  const few = items.slice(0, mostItems).map(item => show(item, depth + 1));
  return size > mostItems ? [...few, `(${size - mostItems} more)`] : few;
}

function showPlain(value: object, depth: number): unknown {
  const keys = Object.keys(value);
  const entries = keys.slice(0, mostItems).map((key): [string, unknown] => [key, read(value, key)]);
  return showEntries(entries, keys.length, depth);
}

function showEntries(
  entries: readonly (readonly [unknown, unknown])[],
  size: number,
  depth: number,
): unknown {
  const few = entries.map(([key, member]): [string, unknown] => {
    const name = typeof key === 'string' ? key : String(show(key, deepest));
    return [name, isSecretKey(name) ? '(hidden)' : show(member, depth + 1)];
  });
  if (size > mostItems) few.push(['…', `(${size - mostItems} more)`]);
  return Object.fromEntries(few);
}

function showInstance(value: object, depth: number): unknown {
  const name = className(value);
  if (!hasToJson(value)) return `(${name})`;
  try {
    const json = value.toJSON();
    return json === undefined ? `(${name})` : show(json, depth + 1);
  } catch {
    return `(${name})`;
  }
}

/** Of an error its code, text and hint: our errors carry no secrets, and others' contexts are unknown. */
function showError(error: Error): unknown {
  const code = 'code' in error && typeof error.code === 'string' ? { code: error.code } : {};
  return { name: error.name, ...code, message: show(error.message, deepest) };
}

function read(value: object, key: string): unknown {
  try {
    return Reflect.get(value, key);
  } catch {
    return '(throws)';
  }
}

function first<T>(items: Iterable<T>): readonly T[] {
  const few: T[] = [];
  for (const item of items) {
    if (few.length === mostItems) break;
    few.push(item);
  }
  return few;
}

function isActor(value: object): value is { readonly id: string } {
  return 'sessionId' in value && 'send' in value && 'id' in value && typeof value.id === 'string';
}

function className(value: object): string {
  const made: unknown = value.constructor;
  return typeof made === 'function' && made.name !== '' ? made.name : 'object';
}

function hasToJson(value: object): value is { toJSON(): unknown } {
  return 'toJSON' in value && typeof value.toJSON === 'function';
}
