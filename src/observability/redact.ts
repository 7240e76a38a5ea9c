// SPDX-License-Identifier: Apache-2.0
/** What of a log line's fields may be shown? Keys that name secrets are hidden, bytes and depth are cut. */

/** Lower case, without separators. accessKey is hidden too: in ACL setups it is half of the login. */
const secretKeys: ReadonlySet<string> = new Set([
  'secretkey',
  'accesskey',
  'securitytoken',
  'signature',
  'password',
  'passphrase',
  'credentials',
  'authorization',
  'privatekey',
  'tls',
  'pfx',
]);

const hidden = '(hidden)';
const deepest = 5;
const mostItems = 100;

/** A copy of the fields that may be logged. Errors stay themselves: ours never carry secrets. */
export function redact(fields: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return redactObject(fields, 0);
}

function redactObject(fields: object, depth: number): Readonly<Record<string, unknown>> {
  const entries = Object.entries(fields).slice(0, mostItems);
  return Object.fromEntries(
    entries.map(([key, value]) => [key, isSecretKey(key) ? hidden : redactValue(value, depth + 1)]),
  );
}

/** Whether a field of this name is never shown. */
export function isSecretKey(key: string): boolean {
  return secretKeys.has(key.replace(/[-_]/g, '').toLowerCase());
}

function redactValue(value: unknown, depth: number): unknown {
  if (typeof value === 'bigint') return String(value); // JSON has no bigint
  if (typeof value !== 'object' || value === null || value instanceof Error) return value;
  if (value instanceof Uint8Array) return `(${value.length} bytes)`;
  if (depth > deepest) return '(…)';
  if (Array.isArray(value)) return value.slice(0, mostItems).map(each => redactValue(each, depth + 1));
  return isPlain(value) ? redactObject(value, depth) : value;
}

/** An object written as a literal, and no instance of a class. */
export function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
