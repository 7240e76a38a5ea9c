// SPDX-License-Identifier: Apache-2.0
/** After a sleep nothing is committed or delivered on what was known before it: the pulse is what notices the sleep. */
import { describe, expect, it, vi } from 'vitest';
import { Pulse, type TimeGap } from '../../../src/machines/shared/pulse.ts';
import { TestClock } from '../../../src/testing/test-clock.ts';

function beating() {
  const clock = new TestClock();
  const gaps: TimeGap[] = [];
  const pulse = new Pulse({ clock, onGap: gap => gaps.push(gap) });
  pulse.start();
  return { clock, gaps, pulse };
}

describe('a pulse', () => {
  it('stays fresh while its ticks come in time', async () => {
    const { clock, gaps, pulse } = beating();
    await clock.advance(60_000);
    expect(pulse.isFresh()).toBe(true);
    expect(gaps).toEqual([]);
    expect(clock.pending).toBe(1);
  });

  it('is not fresh right after the process was stopped, before any timer has fired', () => {
    const { clock, gaps, pulse } = beating();
    clock.jump(130_000);
    expect(pulse.isFresh()).toBe(false);
    expect(gaps).toEqual([{ monotonicMs: 130_000, wallMs: 130_000 }]);
  });

  it('is not fresh after the machine was suspended, when only wall time went on', () => {
    const { clock, gaps, pulse } = beating();
    clock.jumpWall(10_001);
    expect(pulse.isFresh()).toBe(false);
    expect(gaps).toEqual([{ monotonicMs: 0, wallMs: 10_001 }]);
  });

  it('finds a gap by itself on the next tick when nobody asks', async () => {
    const { clock, gaps, pulse } = beating();
    clock.jump(20_000);
    await clock.flush();
    expect(gaps).toHaveLength(1);
    expect(pulse.isFresh()).toBe(false);
  });

  it('counts a silence of exactly the limit as none', () => {
    const { clock, pulse } = beating();
    clock.jump(10_000);
    expect(pulse.isFresh()).toBe(true);
    clock.jump(1);
    expect(pulse.isFresh()).toBe(false);
  });

  it('takes a wall clock set back for no gap', async () => {
    const { clock, gaps, pulse } = beating();
    clock.jumpWall(-3_600_000);
    expect(pulse.isFresh()).toBe(true);
    await clock.advance(5000);
    expect(pulse.isFresh()).toBe(true);
    expect(gaps).toEqual([]);
  });

  it('sees a stop even when the wall clock was set back meanwhile', () => {
    const { clock, pulse } = beating();
    clock.jump(20_000);
    clock.jumpWall(-15_000);
    expect(pulse.isFresh()).toBe(false);
  });

  it('does not add up small steps of the wall clock over many ticks', async () => {
    const { clock, gaps } = beating();
    for (let step = 0; step < 10; step++) {
      clock.jumpWall(2000);
      await clock.advance(1000);
    }
    expect(gaps).toEqual([]);
  });

  it('tells one gap once, however often it is asked and ticks', async () => {
    const { clock, gaps, pulse } = beating();
    clock.jump(20_000);
    for (let i = 0; i < 5; i++) pulse.isFresh();
    await clock.advance(30_000);
    expect(pulse.isFresh()).toBe(false);
    expect(gaps).toHaveLength(1);
  });

  it('is fresh again after confirm, and tells the next gap too', () => {
    const { clock, gaps, pulse } = beating();
    clock.jump(20_000);
    pulse.isFresh();
    expect(pulse.confirm()).toBe(true);
    expect(pulse.isFresh()).toBe(true);
    clock.jump(20_001);
    expect(pulse.isFresh()).toBe(false);
    expect(gaps).toHaveLength(2);
  });

  it('refuses to confirm answers that were got before a second sleep, and tells that one as well', () => {
    const { clock, gaps, pulse } = beating();
    clock.jump(20_000);
    pulse.isFresh();
    clock.jump(20_000);
    expect(pulse.confirm()).toBe(false);
    expect(pulse.isFresh()).toBe(false);
    expect(gaps).toHaveLength(2);
    expect(pulse.confirm()).toBe(true);
  });

  it('leaves no timer and sees no gap once stopped, but does not forget one that was not confirmed', () => {
    const { clock, gaps, pulse } = beating();
    pulse.start();
    expect(clock.pending).toBe(1);
    clock.jump(20_000);
    pulse.isFresh();
    pulse.stop();
    expect(clock.pending).toBe(0);
    clock.jump(60_000);
    expect(pulse.isFresh()).toBe(false);
    expect(gaps).toHaveLength(1);
    expect(pulse.confirm()).toBe(true);
    clock.jump(60_000);
    expect(pulse.isFresh()).toBe(true);
  });

  it('survives a receiver that throws, and stays not fresh', () => {
    const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
    const clock = new TestClock();
    const pulse = new Pulse({
      clock,
      tickEvery: 100,
      gapMs: 500,
      onGap: () => {
        throw new Error('nobody home');
      },
    });
    pulse.start();
    clock.jump(501);
    expect(pulse.isFresh()).toBe(false);
    expect(warned).toHaveBeenCalledTimes(1);
    warned.mockRestore();
  });

  it('reads the monotonic clock at most once in a millisecond of wall time', () => {
    const clock = new TestClock();
    const now = vi.spyOn(clock, 'now');
    const pulse = new Pulse({ clock, onGap: () => {} });
    pulse.start();
    now.mockClear();
    for (let i = 0; i < 1000; i++) pulse.isFresh();
    expect(now).toHaveBeenCalledTimes(1);
  });
});
