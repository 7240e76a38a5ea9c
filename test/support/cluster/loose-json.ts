// SPDX-License-Identifier: Apache-2.0
// How the JSON that fastjson writes is read: keys may be bare integers, and even whole objects. (protocol.md §5.1)

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** A key that is an object becomes its JSON text with sorted members: {"brokerName":"b","queueId":0,"topic":"T"}. */
export function parseLooseJson(text: string): Json {
  const reader = new LooseReader(text);
  const value = reader.value();
  reader.end();
  return value;
}

class LooseReader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  value(): Json {
    switch (this.#peek()) {
      case '{':
        return this.#object();
      case '[':
        return this.#array();
      case '"':
        return this.#string();
      default:
        return this.#literal();
    }
  }

  end(): void {
    if (this.#peek() !== '') {
      this.#fail('the end');
    }
  }

  #object(): Json {
    const members: [string, Json][] = [];
    this.#expect('{');
    while (this.#peek() !== '}') {
      const key = this.#key();
      this.#expect(':');
      members.push([key, this.value()]);
      this.#comma('}');
    }
    this.#expect('}');
    return Object.fromEntries(members);
  }

  #key(): string {
    const key = this.value();
    if (typeof key === 'object' && key !== null) {
      return JSON.stringify(Object.fromEntries(Object.entries(key).sort(([a], [b]) => (a < b ? -1 : 1))));
    }
    return String(key);
  }

  #array(): Json {
    const items: Json[] = [];
    this.#expect('[');
    while (this.#peek() !== ']') {
      items.push(this.value());
      this.#comma(']');
    }
    this.#expect(']');
    return items;
  }

  #string(): string {
    const match = this.#match(/"(?:[^"\\]|\\.)*"/y);
    const value: unknown = JSON.parse(match);
    return String(value);
  }

  #literal(): Json {
    const word = this.#match(/[-+.\w]+/y);
    const value: unknown = JSON.parse(word);
    return typeof value === 'number' || typeof value === 'boolean' ? value : null;
  }

  #comma(close: string): void {
    if (this.#peek() === ',') {
      this.#at += 1;
    } else if (this.#peek() !== close) {
      this.#fail(`, or ${close}`);
    }
  }

  #expect(char: string): void {
    if (this.#peek() !== char) {
      this.#fail(char);
    }
    this.#at += 1;
  }

  #match(pattern: RegExp): string {
    this.#peek();
    pattern.lastIndex = this.#at;
    const match = pattern.exec(this.#text)?.[0];
    if (match === undefined) {
      return this.#fail('a value');
    }
    this.#at += match.length;
    return match;
  }

  /** The next character that is not white space; '' at the end. */
  #peek(): string {
    while (/\s/.test(this.#text.charAt(this.#at))) {
      this.#at += 1;
    }
    return this.#text.charAt(this.#at);
  }

  #fail(wanted: string): never {
    throw new SyntaxError(`expected ${wanted} at ${this.#at}: ${this.#text.slice(this.#at, this.#at + 40)}`);
  }
}
