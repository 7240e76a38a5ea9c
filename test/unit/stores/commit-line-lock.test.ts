// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { queueOffset } from '../../../src/model/queue-offset.ts';
import { ValueLine } from './value-line.ts';

describe('a line whose queue has a lock', () => {
  it('hands nothing over while the lock is not known to be ours, and catches up afterwards', () => {
    const lock = { isOurs: true };
    const line = new ValueLine(() => true);
    line.line.requireLock(() => lock.isOurs);
    line.line.reset(queueOffset(10), true);
    line.line.advance(queueOffset(12));
    lock.isOurs = false;
    expect([line.take(0), line.takeOneway(0), line.takeFinal(0)]).toEqual([undefined, undefined, undefined]);
    expect([line.line.point, line.line.isSettled]).toEqual([12, false]);
    lock.isOurs = true;
    expect(line.take(0)).toBe(12);
  });
});

describe('a carrier that may still land', () => {
  it('is one without an outcome, however old; a one-way one only for a moment', () => {
    const line = new ValueLine(() => true);
    line.line.reset(queueOffset(10), true);
    expect(line.line.mayStillLand(0)).toBe(false);
    line.line.advance(queueOffset(11));
    line.takeOneway(0);
    expect([line.line.mayStillLand(99), line.line.mayStillLand(100)]).toEqual([true, false]);
    line.line.advance(queueOffset(12));
    line.take(2000);
    expect(line.line.mayStillLand(60_000)).toBe(true);
    line.settled(12, true);
    expect(line.line.mayStillLand(60_000)).toBe(false);
  });

  it('is also one that was overtaken and not heard of since', () => {
    const line = new ValueLine(() => true);
    line.line.reset(queueOffset(10), true);
    line.line.advance(queueOffset(11));
    line.take(0);
    line.line.advance(queueOffset(12));
    line.take(1000);
    line.settled(12, true);
    expect(line.line.mayStillLand(1000)).toBe(true);
    line.settled(11, true);
    expect(line.line.mayStillLand(1000)).toBe(false);
  });
});
