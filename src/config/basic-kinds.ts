// SPDX-License-Identifier: Apache-2.0
/** How are plain values read: numbers with a range, durations, sizes, words of a closed set, names? */
import { describeValue } from './describe-value.ts';
import type { Kind, Unit } from './option.ts';
import type { Spot } from './report.ts';

const bytesPerMib = 1024 * 1024;
const off = -1;

interface Range {
  readonly min: number;
  readonly max: number;
}

/** A whole number. */
export function count<U extends Unit>(unit: U, range: Range): Kind<number, number, U> {
  return {
    typeText: 'number',
    unit,
    range: `${range.min} to ${range.max}`,
    read: (value, spot) => readNumber(value, range, spot, () => undefined),
    fromText: numberFromText,
    show: String,
  };
}

/** A part of a whole, from 0 to 1. */
export const share: Kind<number, number, 'none'> = {
  typeText: 'number',
  unit: 'none',
  range: '0 to 1',
  read: (value, spot) => {
    if (typeof value === 'number' && value >= 0 && value <= 1) return value;
    const percent = typeof value === 'number' && value > 1 && value <= 100;
    return spot.problem(
      `${describeValue(value)} is not a number from 0 to 1`,
      percent ? `Write ${value / 100} for ${value} percent.` : undefined,
    );
  },
  fromText: numberFromText,
  show: String,
};

/**
 * A time span in whole ms. `seldomBelow`: values up to 120 are accepted with a warning when they were probably meant
 * as seconds.
 */
export function duration(range: Range & { readonly seldomBelow?: number }): Kind<number, number, 'ms'> {
  const read = (value: unknown, spot: Spot): number | undefined => {
    const ms = readNumber(value, range, spot, secondsHint);
    if (ms !== undefined && ms > 0 && ms <= 120 && ms < (range.seldomBelow ?? 0)) {
      spot.warning(`${ms} ms is very short`, secondsHint(ms));
    }
    return ms;
  };
  return {
    typeText: 'number',
    unit: 'ms',
    range: `${range.min} to ${range.max}`,
    read,
    fromText: numberFromText,
    show: ms => `${ms} ms`,
  };
}

/** A size the user gives in whole MiB; resolved to bytes. */
export function size(range: Range): Kind<number, number, 'MiB'> {
  return {
    typeText: 'number',
    unit: 'MiB',
    range: `${range.min} to ${range.max}`,
    read: (value, spot) => {
      const mib = readNumber(value, range, spot, bytesHint);
      return mib === undefined ? undefined : mib * bytesPerMib;
    },
    fromText: numberFromText,
    show: bytes => `${bytes / bytesPerMib} MiB`,
  };
}

/** -1 switches it off, as in Java. */
export function orOff<U extends Unit>(kind: Kind<number, number, U>): Kind<number, number, U> {
  return {
    ...kind,
    range: `-1 or ${kind.range}`,
    read: (value, spot) => (value === off ? off : kind.read(value, spot)),
    show: value => (value === off ? '-1 (off)' : kind.show(value)),
  };
}

/** One of RocketMQ's own words. */
export function oneOf<const W extends string>(words: readonly W[]): Kind<W, W, 'none'> {
  const accepted = words.map(word => `'${word}'`);
  return {
    typeText: accepted.join(' | '),
    unit: 'none',
    read: (value, spot) =>
      words.find(each => each === value) ??
      spot.problem(`${describeValue(value)} is not one of ${accepted.join(', ')}`, caseHint(value, words)),
    fromText: text => text,
    show: word => word,
  };
}

function caseHint(value: unknown, words: readonly string[]): string | undefined {
  if (typeof value !== 'string') return undefined;
  const written = value.trim().toUpperCase();
  const near = words.find(each => each.toUpperCase() === written);
  return near === undefined ? undefined : `Write '${near}'.`;
}

/** true or false; in an environment variable also 1 and 0, yes and no, on and off. */
export const yesOrNo: Kind<boolean, boolean, 'none'> = {
  typeText: 'boolean',
  unit: 'none',
  read: (value, spot) =>
    typeof value === 'boolean'
      ? value
      : spot.problem(`${describeValue(value)} is neither true nor false`, 'Write true or false.'),
  fromText: given => booleans[given.trim().toLowerCase()] ?? given,
  show: String,
};

const booleans: Readonly<Record<string, boolean | undefined>> = Object.assign(Object.create(null), {
  ...{ true: true, yes: true, on: true, 1: true },
  ...{ false: false, no: false, off: false, 0: false },
});

/** A string that a check accepts; the check answers what is wrong. */
export function text(
  check: (value: string) => { readonly problem: string; readonly hint?: string } | undefined,
): Kind<string, string, 'none'> {
  return {
    typeText: 'string',
    unit: 'none',
    read: (value, spot) => {
      if (typeof value !== 'string') return spot.problem(`${describeValue(value)} is not a string`);
      const wrong = check(value);
      return wrong === undefined
        ? value
        : spot.problem(`${describeValue(value)}: ${wrong.problem}`, wrong.hint);
    },
    fromText: given => given,
    show: value => value,
  };
}

function readNumber(
  value: unknown,
  { min, max }: Range,
  spot: Spot,
  unitHint: (value: number) => string | undefined,
): number | undefined {
  if (typeof value !== 'number')
    return spot.problem(`${describeValue(value)} is not a number`, numberHint(value));
  if (!Number.isInteger(value)) return spot.problem(`${value} is not a whole number`);
  if (value < min) return spot.problem(`${value} is below the least allowed, ${min}`, unitHint(value));
  if (value > max) return spot.problem(`${value} is above the most allowed, ${max}`, unitHint(value));
  return value;
}

/** '30', '30s', '5 min' and '16MB' were meant as something: say how it is written here. */
function numberHint(value: unknown): string | undefined {
  if (typeof value !== 'string') return undefined;
  const parts = /^\s*(\d{1,9})\s*([a-z]*)\s*$/i.exec(value);
  if (parts === null) return undefined;
  const amount = Number(parts[1]);
  const factor = factors[(parts[2] ?? '').toLowerCase()];
  return factor === undefined ? undefined : `Write ${amount * factor}.`;
}

/** What a written unit is in ms or MiB. */
const factors: Readonly<Record<string, number | undefined>> = Object.assign(Object.create(null), {
  '': 1,
  ms: 1,
  s: 1000,
  sec: 1000,
  seconds: 1000,
  m: 60_000,
  min: 60_000,
  minutes: 60_000,
  h: 3_600_000,
  mib: 1,
  mb: 1,
  gib: 1024,
  gb: 1024,
});

function secondsHint(value: number): string | undefined {
  return value > 0 && value <= 3600 ? `Durations are in ms: ${value} s is ${value * 1000}.` : undefined;
}

function bytesHint(value: number): string | undefined {
  return value >= bytesPerMib
    ? `Sizes are in MiB: ${value} bytes is ${Math.round(value / bytesPerMib)}.`
    : undefined;
}

/** Digits become a number; anything else stays text, for `read` to refuse with its own words. */
function numberFromText(given: string): unknown {
  return /^\s*-?\d{1,15}\s*$/.test(given) ? Number(given) : given;
}
