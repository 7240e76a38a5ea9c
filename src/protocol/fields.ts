// SPDX-License-Identifier: Apache-2.0
/** How is one header field written and read? On the wire every value is a string (protocol.md section 1.1). */
import { type QueueOffset, queueOffset, zeroOffset } from '../model/queue-offset.ts';

/** One kind of header field: its wire text and its value. */
export interface Field<Value> {
  /** What a legal text looks like, for error messages. */
  readonly expects: string;
  readonly optional: boolean;
  /** A topic or group, which a namespace changes on its way to the wire and back: model/namespace.ts. */
  readonly isName?: true;
  /** The value, or undefined when the text is none of this kind. */
  read(text: string): Value | undefined;
  write(value: Value): string;
}

/** A field that may be left out. */
export interface OptionalField<Value> extends Field<Value> {
  readonly optional: true;
}

/** A header: its fields by their wire names. */
export type FieldTable = Readonly<Record<string, Field<unknown>>>;

type ValueOf<F> = F extends Field<infer Value> ? Value : never;
type OptionalKeys<T extends FieldTable> = {
  [K in keyof T]: T[K] extends OptionalField<unknown> ? K : never;
}[keyof T];
type Simplify<T> = { [K in keyof T]: T[K] };

/** The values of a header, inferred from its table: an optional field is an optional member. */
export type ValuesOf<T extends FieldTable> = Simplify<
  { readonly [K in Exclude<keyof T, OptionalKeys<T>>]: ValueOf<T[K]> } & {
    readonly [K in OptionalKeys<T>]?: ValueOf<T[K]> | undefined;
  }
>;

function field<Value>(
  expects: string,
  read: (text: string) => Value | undefined,
  write: (value: Value) => string = String,
): Field<Value> & { readonly optional: false } {
  return { expects, optional: false, read, write };
}

/** Makes a field one that may be left out: an absent text reads as undefined, undefined is not written. */
export function optional<Value>(inner: Field<Value>): OptionalField<Value> {
  return { ...inner, optional: true };
}

const wholeNumber = /^-?\d{1,19}$/;

/** The number a decimal text stands for; past 2^53 it is no safe integer any more, which callers check. */
function readWhole(text: string): number {
  return wholeNumber.test(text) ? Number(text) : Number.NaN;
}

function within(low: number, high: number): (text: string) => number | undefined {
  return text => {
    const value = readWhole(text);
    return value >= low && value <= high ? value : undefined;
  };
}

/** A Java String. */
export const text = field<string>('text', value => value);

/** A Java String that names a topic or a group. */
export const name: Field<string> & { readonly optional: false } = { ...text, isName: true };

/** A Java int: a whole number of 32 bits. */
export const int32 = field<number>('a whole number of 32 bits', within(-(2 ** 31), 2 ** 31 - 1));

/** A Java long as a number; a value past 2^53-1 is refused, never rounded. */
export const int64 = field<number>(
  'a whole number of at most 2^53-1',
  within(Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER),
);

/** A position in a queue. */
export const offset = field<QueueOffset>('a queue offset', readText => {
  const value = readWhole(readText);
  return value >= 0 && Number.isSafeInteger(value) ? queueOffset(value) : undefined;
});

/** The end of a queue's range; brokers answer -1 for a queue that holds nothing yet, which reads as 0. */
export const bound = field<QueueOffset>('a queue offset, or -1 for an empty queue', readText =>
  readText === '-1' ? zeroOffset : offset.read(readText),
);

/** A Java boolean. As in Boolean.parseBoolean only `true`, in any case, is true. */
export const bool = field<boolean>('true or false', value => value.toLowerCase() === 'true');
