// SPDX-License-Identifier: Apache-2.0
/** How is a point in time read: a Date, ms, or RocketMQ's yyyyMMddHHmmss in local time? */
import { describeValue } from './describe-value.ts';
import type { Kind } from './option.ts';
import type { Spot } from './report.ts';

/** The latest time a Date can hold. Unit: ms since 1970. */
const latest = 8_640_000_000_000_000;
/** Below this a number of ms lies before 1973: seconds were meant. */
const seldomBefore = 100_000_000_000;

export const timestamp: Kind<Date | number | string, number, 'none'> = {
  typeText: 'Date | number | string',
  unit: 'none',
  read: readTimestamp,
  fromText: text => (/^\s*\d{10,13}\s*$/.test(text) ? Number(text) : text),
  show: ms => new Date(ms).toISOString(),
};

function readTimestamp(value: unknown, spot: Spot): number | undefined {
  if (typeof value === 'string') return readDigits(value.trim(), spot);
  const ms = value instanceof Date ? value.getTime() : value;
  if (typeof ms !== 'number') {
    return spot.problem(`${describeValue(value)} is neither a Date, nor ms, nor yyyyMMddHHmmss`);
  }
  if (!Number.isInteger(ms) || ms < 0 || ms > latest)
    return spot.problem(`${ms} is no time in ms since 1970`);
  if (ms > 0 && ms < seldomBefore) {
    spot.warning(
      `${ms} is ${new Date(ms).toISOString()}`,
      `Times are in ms since 1970: ${ms} s is ${ms * 1000}.`,
    );
  }
  return ms;
}

function readDigits(text: string, spot: Spot): number | undefined {
  const parts = /^(\d{4})(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})$/.exec(text);
  if (parts === null) {
    return spot.problem(
      `${describeValue(text)} is not yyyyMMddHHmmss`,
      "Write '20261122153000' (local time), or pass a Date.",
    );
  }
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = parts.slice(1).map(Number);
  const daysInMonth = new Date(year, month, 0).getDate();
  if (month < 1 || month > 12 || day < 1 || day > daysInMonth || hour > 23 || minute > 59 || second > 59) {
    return spot.problem(`${describeValue(text)} is not in the calendar`);
  }
  const ms = new Date(year, month - 1, day, hour, minute, second).getTime();
  return ms < 0 || year < 1970 ? spot.problem(`${describeValue(text)} lies before 1970`) : ms;
}
