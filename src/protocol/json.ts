// SPDX-License-Identifier: Apache-2.0
/**
 * How is the JSON of RocketMQ read, which JSON.parse refuses or rounds? Java's fastjson writes integer keys without
 * quotes, objects as map keys, and whole numbers past 2^53. protocol.md section 5.1.
 */
import Long from 'long';
import { ProtocolError } from '../errors/errors.ts';

/** A parsed value. A whole number past 2^53 is a Long; a map with objects as keys is a JsonMap. */
export type JsonValue = null | boolean | number | string | Long | JsonArray | JsonObject | JsonMap;
export type JsonArray = readonly JsonValue[];
/** Has no prototype, so no name from outside means more than itself. */
export interface JsonObject {
  readonly [name: string]: JsonValue;
}

/** A map whose keys are objects, as fastjson writes every map keyed by message queue: `{{"queueId":0}:7}`. */
export class JsonMap {
  readonly entries: readonly (readonly [JsonValue, JsonValue])[];

  constructor(entries: readonly (readonly [JsonValue, JsonValue])[]) {
    this.entries = entries;
  }
}

export interface JsonLimits {
  /** Deepest nesting of objects and arrays. Default 32. */
  readonly depth?: number;
  /** Most values in one text, so that it cannot grow manyfold in memory. Default 1,000,000. */
  readonly values?: number;
}

export function isJsonObject(value: JsonValue | undefined): value is JsonObject {
  return (
    typeof value === 'object' &&
    value !== null &&
    !(isJsonArray(value) || value instanceof JsonMap || Long.isLong(value))
  );
}

export function isJsonArray(value: JsonValue | undefined): value is JsonArray {
  return Array.isArray(value);
}

/**
 * Parses JSON in every form RocketMQ writes. Cost is linear in the length of the text.
 * @throws ProtocolError `RMQ_BAD_JSON` naming the position
 */
export function parseJson(source: string | Buffer, limits: JsonLimits = {}): JsonValue {
  const parser = new JsonParser(typeof source === 'string' ? source : source.toString('utf8'), limits);
  return parser.parse();
}

const quote = 0x22;
const comma = 0x2c;
const colon = 0x3a;
const backslash = 0x5c;
const openArray = 0x5b;
const closeArray = 0x5d;
const openObject = 0x7b;
const closeObject = 0x7d;

const literals = [
  ['true', true],
  ['false', false],
  ['null', null],
] as const;

class JsonParser {
  readonly #text: string;
  readonly #maxDepth: number;
  #valuesLeft: number;
  #at = 0;

  constructor(text: string, limits: JsonLimits) {
    this.#text = text;
    this.#maxDepth = limits.depth ?? 32;
    this.#valuesLeft = limits.values ?? 1_000_000;
  }

  parse(): JsonValue {
    const value = this.#value(0);
    if (this.#peek() !== undefined) this.#fail('there is more after the end');
    return value;
  }

  #value(depth: number): JsonValue {
    if (--this.#valuesLeft < 0) this.#fail('too many values');
    switch (this.#peek()) {
      case openObject:
        return this.#object(depth + 1);
      case openArray:
        return this.#array(depth + 1);
      case quote:
        return this.#string();
      case undefined:
        return this.#fail('it ends too early');
      default:
        return this.#scalar();
    }
  }

  #array(depth: number): JsonArray {
    this.#enter(depth);
    const items: JsonValue[] = [];
    if (this.#takes(closeArray)) return items;
    do items.push(this.#value(depth));
    while (this.#takes(comma));
    this.#expect(closeArray);
    return items;
  }

  #object(depth: number): JsonObject | JsonMap {
    this.#enter(depth);
    const object: Record<string, JsonValue> = Object.create(null) as Record<string, JsonValue>; // a bare object has exactly this type
    if (this.#takes(closeObject)) return object;
    if (this.#peek() === openObject) return this.#map(depth);
    do {
      const key = this.#key();
      this.#expect(colon);
      object[key] = this.#value(depth);
    } while (this.#takes(comma));
    this.#expect(closeObject);
    return object;
  }

  #map(depth: number): JsonMap {
    const entries: [JsonValue, JsonValue][] = [];
    do {
      const key = this.#value(depth);
      this.#expect(colon);
      entries.push([key, this.#value(depth)]);
    } while (this.#takes(comma));
    this.#expect(closeObject);
    return new JsonMap(entries);
  }

  #key(): string {
    if (this.#peek() === quote) return this.#string();
    const number = this.#match(/-?\d+/y);
    return number ?? this.#fail('a name is missing');
  }

  #string(): string {
    const start = this.#at;
    let end = start + 1;
    let code = this.#text.charCodeAt(end);
    let plain = true;
    while (code !== quote) {
      if (Number.isNaN(code) || code < 0x20) this.#fail('a text does not end', end);
      if (code === backslash) {
        plain = false;
        end++;
      }
      code = this.#text.charCodeAt(++end);
    }
    this.#at = end + 1;
    return plain ? this.#text.slice(start + 1, end) : this.#unescape(start);
  }

  #unescape(start: number): string {
    try {
      return JSON.parse(this.#text.slice(start, this.#at)) as string; // begins with a quote: a string or an error
    } catch {
      return this.#fail('a text has a wrong escape', start);
    }
  }

  #scalar(): JsonValue {
    for (const [word, value] of literals) {
      if (this.#text.startsWith(word, this.#at)) {
        this.#at += word.length;
        return value;
      }
    }
    const number = this.#match(/-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][-+]?\d+)?/y);
    return number === undefined ? this.#fail('a value is missing') : readNumber(number);
  }

  #match(sticky: RegExp): string | undefined {
    sticky.lastIndex = this.#at;
    const found = sticky.exec(this.#text)?.[0];
    if (found !== undefined) this.#at += found.length;
    return found;
  }

  /** The next character that is no white space, without taking it. */
  #peek(): number | undefined {
    for (;;) {
      const code = this.#text.charCodeAt(this.#at);
      if (code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09) this.#at++;
      else return Number.isNaN(code) ? undefined : code;
    }
  }

  #takes(code: number): boolean {
    if (this.#peek() !== code) return false;
    this.#at++;
    return true;
  }

  #expect(code: number): void {
    if (!this.#takes(code)) this.#fail(`'${String.fromCharCode(code)}' is missing`);
  }

  #enter(depth: number): void {
    if (depth > this.#maxDepth) this.#fail(`it is nested deeper than ${this.#maxDepth}`);
    this.#at++;
  }

  #fail(problem: string, at = this.#at): never {
    throw new ProtocolError('RMQ_BAD_JSON', `JSON of ${this.#text.length} characters: ${problem} at ${at}`, {
      context: { at },
    });
  }
}

const longestSafe = 15;
const int64Digits = 19;

/** A number, or a Long where a number would be rounded. Past 64 bits only a rounded number is left. */
function readNumber(text: string): number | Long {
  const value = Number(text);
  if (text.length <= longestSafe || Number.isSafeInteger(value) || !/^-?\d+$/.test(text)) return value;
  if (text.length > int64Digits + 1) return value;
  const long = Long.fromString(text);
  return long.toString() === text ? long : value;
}
