// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { RateLimit } from '../../../src/flow/rate-limit.ts';
import { TestClock } from '../../../src/testing/test-clock.ts';

/** As many as may start now. */
function drain(rate: RateLimit): number {
  let started = 0;
  for (; !rate.isShort; started++) rate.spend(1);
  return started;
}

/** Starts whatever may start, as it may, for so long, each timer `late` ms late. How many started. */
async function startAll(rate: RateLimit, clock: TestClock, forMs: number, late = 0): Promise<number> {
  let started = 0;
  const go = (): void => {
    clock.jump(late);
    started += drain(rate);
    rate.whenDue(go);
  };
  const end = clock.now() + forMs;
  go();
  while (clock.now() < end) await clock.advance(Math.min(1000, end - clock.now()));
  rate.forget();
  return started;
}

describe('a rate limit', () => {
  it.each([
    [100, 10],
    [1000, 100],
    [19, 1],
    [1, 1],
  ])('of %i a second lets %i start at once after a quiet time, never more', async (perSecond, burst) => {
    const clock = new TestClock();
    const rate = new RateLimit(perSecond, clock);
    expect([rate.burst, drain(rate)]).toEqual([burst, burst]);
    await clock.advance(3_600_000);
    expect(drain(rate)).toBe(burst);
  });

  it.each([1, 7, 100, 333, 1000])(
    'of %i a second is kept over a minute to 1 %% beside the first burst',
    async perSecond => {
      const clock = new TestClock();
      const rate = new RateLimit(perSecond, clock);
      const started = await startAll(rate, clock, 60_000);
      expect(Math.abs(started - 60 * perSecond - rate.burst)).toBeLessThanOrEqual(
        Math.max(1, 0.6 * perSecond),
      );
    },
  );

  it.each([
    [5, 40],
    [10, 9],
    [100, 30],
  ])('of %i a second loses nothing to timers that come %i ms late', async (perSecond, late) => {
    const clock = new TestClock();
    const rate = new RateLimit(perSecond, clock);
    const started = await startAll(rate, clock, 60_000, late);
    expect(Math.abs(started - 60 * perSecond - rate.burst)).toBeLessThanOrEqual(Math.max(1, 0.6 * perSecond));
  });

  it('makes the next message wait for all of a call that started with one token', async () => {
    const clock = new TestClock();
    const rate = new RateLimit(10, clock);
    rate.spend(32);
    await clock.advance(3100);
    expect(rate.isShort).toBe(true);
    await clock.advance(100);
    expect(rate.isShort).toBe(false);
  });

  it('has one timer, however often it is asked, and none once it is forgotten', async () => {
    const clock = new TestClock();
    const rate = new RateLimit(10, clock);
    const calls: string[] = [];
    rate.spend(2);
    rate.whenDue(() => calls.push('first'));
    rate.whenDue(() => calls.push('second'));
    expect(clock.pending).toBe(1);
    await clock.advance(1000);
    expect([calls, clock.pending]).toEqual([['first'], 0]);
    rate.spend(20);
    rate.whenDue(() => calls.push('third'));
    rate.forget();
    expect(clock.pending).toBe(0);
    await clock.advance(10_000);
    expect(calls).toEqual(['first']);
  });

  it('calls nobody before a message may start, also when more was spent meanwhile', async () => {
    const clock = new TestClock();
    const rate = new RateLimit(10, clock);
    const calledAt: number[] = [];
    rate.spend(1);
    rate.whenDue(() => calledAt.push(clock.now()));
    rate.spend(4);
    await clock.advance(1000);
    expect(calledAt.map(at => Math.round(at / 100))).toEqual([4]);
  });
});
