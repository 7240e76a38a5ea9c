// SPDX-License-Identifier: Apache-2.0
/**
 * How does a JSON body become values, and values a body? Every body is one shape, which reads and writes.
 * Reading ignores members it does not know; writing gives Java's text. Source: RemotingSerializable, protocol.md section 5.
 */
import Long from 'long';
import { ProtocolError, toRocketmqError } from '../errors/errors.ts';
import { isJsonArray, isJsonObject, JsonMap, type JsonValue, parseJson } from './json.ts';

/** One kind of JSON value. `path` names the place in the body for errors. */
export interface Shape<Value> {
  /** undefined when the member is absent. */
  read(json: JsonValue | undefined, path: string): Value;
  /** The JSON text; undefined leaves the member out. */
  write(value: Value): string | undefined;
}

/** A shape that may be absent. */
export interface OptionalShape<Value> extends Shape<Value | undefined> {
  readonly optional: true;
}

export type ShapeTable = Readonly<Record<string, Shape<unknown>>>;

type ValueOf<S> = S extends Shape<infer Value> ? Value : never;
type OptionalKeys<T extends ShapeTable> = {
  [K in keyof T]: T[K] extends { readonly optional: true } ? K : never;
}[keyof T];
type Simplify<T> = { [K in keyof T]: T[K] };

/** The values of a record, inferred from its table. */
export type RecordOf<T extends ShapeTable> = Simplify<
  { readonly [K in Exclude<keyof T, OptionalKeys<T>>]: ValueOf<T[K]> } & {
    readonly [K in OptionalKeys<T>]?: ValueOf<T[K]>;
  }
>;

/** The value a shape stands for. */
export type ShapeOf<S> = ValueOf<S>;

/**
 * Reads a body.
 * @param what names it in errors, e.g. `route of orders`
 * @throws ProtocolError `RMQ_BAD_BODY` naming the member, or `RMQ_UNSAFE_OFFSET` for a number past 2^53-1
 */
export function readBody<Value>(shape: Shape<Value>, body: Buffer, what: string): Value {
  return shape.read(parseText(body, what), what);
}

/** Writes a body as Java would. */
export function writeBody<Value>(shape: Shape<Value>, value: Value): Buffer {
  return Buffer.from(shape.write(value) ?? 'null', 'utf8');
}

function parseText(text: Buffer | string, what: string): JsonValue {
  try {
    return parseJson(text);
  } catch (error) {
    const cause = toRocketmqError(error);
    throw new ProtocolError('RMQ_BAD_BODY', `${what}: ${cause.message}`, { cause });
  }
}

function refuse(path: string, json: JsonValue | undefined, expected: string): never {
  const found = json === undefined ? 'missing' : `not ${expected}`;
  throw new ProtocolError('RMQ_BAD_BODY', `${path} is ${found}`, { context: { path } });
}

/** Text. */
export const string: Shape<string> = {
  read: (json, path) => (typeof json === 'string' ? json : refuse(path, json, 'text')),
  write: value => JSON.stringify(value),
};

/** A whole number; one past 2^53-1 is refused, never rounded. Digits in quotes are taken, as Java does. */
export const integer: Shape<number> = {
  read: (json, path) => {
    const value = typeof json === 'string' && /^-?\d{1,15}$/.test(json) ? Number(json) : json;
    if (Long.isLong(value)) {
      throw new ProtocolError('RMQ_UNSAFE_OFFSET', `${path} is ${value.toString()}, past 2^53-1`, {
        context: { path },
      });
    }
    return Number.isSafeInteger(value) ? (value as number) : refuse(path, json, 'a whole number'); // a safe integer is a number
  },
  write: String,
};

/** A number with a fraction: Java always writes one. */
export const double: Shape<number> = {
  read: (json, path) => (typeof json === 'number' ? json : refuse(path, json, 'a number')),
  write: value => (Number.isInteger(value) ? value.toFixed(1) : String(value)),
};

export const boolean: Shape<boolean> = {
  read: (json, path) => (typeof json === 'boolean' ? json : refuse(path, json, 'true or false')),
  write: String,
};

/** One of a closed set of names, in Java's order: as Java does, its number is taken too. */
export function oneOf<const Name extends string>(...names: readonly Name[]): Shape<Name> {
  return {
    read: (json, path) =>
      names.find((name, ordinal) => name === json || ordinal === json) ??
      refuse(path, json, `one of ${names.join(', ')}`),
    write: value => JSON.stringify(value),
  };
}

/** A member that may be absent or null; undefined is not written. */
export function maybe<Value>(shape: Shape<Value>): OptionalShape<Value> {
  return {
    optional: true,
    read: (json, path) => (json === undefined || json === null ? undefined : shape.read(json, path)),
    write: value => (value === undefined ? undefined : shape.write(value)),
  };
}

/** A member that has this value when absent or null. It is always written. */
export function withDefault<Value>(shape: Shape<Value>, otherwise: Value): Shape<Value> {
  return {
    read: (json, path) => (json === undefined || json === null ? otherwise : shape.read(json, path)),
    write: value => shape.write(value),
  };
}

export function list<Value>(shape: Shape<Value>): Shape<readonly Value[]> {
  return {
    read: (json, path) =>
      isJsonArray(json)
        ? json.map((item, i) => shape.read(item, `${path}[${i}]`))
        : refuse(path, json, 'a list'),
    write: values => `[${values.map(value => shape.write(value)).join(',')}]`,
  };
}

/** An object with known members, written in the table's order (Java's: alphabetical). */
export function record<const T extends ShapeTable>(table: T): Shape<RecordOf<T>> {
  const members = Object.entries(table);
  return {
    read: (json, path) => {
      if (!isJsonObject(json)) return refuse(path, json, 'an object');
      const read = members.map(([name, shape]) => [name, shape.read(json[name], `${path}.${name}`)] as const);
      return Object.fromEntries(read.filter(([, value]) => value !== undefined)) as RecordOf<T>; // the table is the type's source
    },
    write: value => {
      const values: Readonly<Record<string, unknown>> = value;
      return objectText(members.map(([name, shape]) => [JSON.stringify(name), shape.write(values[name])]));
    },
  };
}

/** A map with names as keys. */
export function mapOf<Value>(shape: Shape<Value>): Shape<ReadonlyMap<string, Value>> {
  return {
    read: (json, path) =>
      isJsonObject(json)
        ? new Map(Object.entries(json).map(([key, value]) => [key, shape.read(value, `${path}.${key}`)]))
        : refuse(path, json, 'an object'),
    write: map => objectText([...map].map(([key, value]) => [JSON.stringify(key), shape.write(value)])),
  };
}

/**
 * A map with objects as keys, as pairs. The keys are written bare, which every Java decoder takes; quoted ones, which
 * older ones write too, are read as well. protocol.md section 5.1.
 */
export function pairsOf<Key, Value>(
  keyShape: Shape<Key>,
  shape: Shape<Value>,
): Shape<readonly (readonly [Key, Value])[]> {
  return {
    read: (json, path) =>
      entriesOf(json, path).map(([key, value], i) => [
        keyShape.read(typeof key === 'string' ? parseText(key, `${path} key ${i}`) : key, `${path} key ${i}`),
        shape.read(value, `${path} value ${i}`),
      ]),
    write: pairs => objectText(pairs.map(([key, value]) => [keyShape.write(key), shape.write(value)])),
  };
}

function entriesOf(json: JsonValue | undefined, path: string): readonly (readonly [JsonValue, JsonValue])[] {
  if (json instanceof JsonMap) return json.entries;
  return isJsonObject(json) ? Object.entries(json) : refuse(path, json, 'an object');
}

function objectText(members: readonly (readonly [string | undefined, string | undefined])[]): string {
  const present = members.filter(([, text]) => text !== undefined);
  return `{${present.map(([key, text]) => `${key}:${text}`).join(',')}}`;
}
