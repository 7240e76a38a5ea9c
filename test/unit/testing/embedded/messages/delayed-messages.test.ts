// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { parseDelayLevels } from '../../../../../src/testing/embedded/messages/delay-levels.ts';
import { DelayedMessages } from '../../../../../src/testing/embedded/messages/delayed-messages.ts';
import { TestClock } from '../../../../../src/testing/test-clock.ts';

function waiting() {
  const clock = new TestClock();
  const delivered: string[] = [];
  const delayed = new DelayedMessages([1000, 5000, 10_000], clock, ({ level, offset }) => {
    delivered.push(`${clock.now()}: ${level}#${offset}`);
  });
  return { clock, delayed, delivered };
}

describe('delay levels', () => {
  it('are read with their units', () => {
    expect(parseDelayLevels('1s 2m 3h 4d')).toEqual([1000, 120_000, 10_800_000, 345_600_000]);
  });

  it.each(['', '1', 's', '1s  2s', '1x', '-1s', '1.5s'])('that cannot be read are refused: "%s"', text => {
    expect(() => parseDelayLevels(text)).toThrow(
      expect.objectContaining({
        code: 'RMQ_CONFIG_INVALID',
        message: expect.stringContaining('messageDelayLevel'),
      }),
    );
  });
});

describe('delayed messages', () => {
  it('are delivered at their own times, each once, with one timer for all', async () => {
    const { clock, delayed, delivered } = waiting();
    delayed.add(2, 0);
    delayed.add(1, 0);
    await clock.advance(500);
    delayed.add(1, 1);
    expect(clock.pending).toBe(1);
    await clock.advance(60_000);
    expect(delivered).toEqual(['1000: 1#0', '1500: 1#1', '5000: 2#0']);
    expect(clock.pending).toBe(0);
  });

  it('that became due together are delivered in the order of their times', async () => {
    const { clock, delayed, delivered } = waiting();
    delayed.add(2, 0);
    await clock.advance(4500);
    delayed.add(1, 0);
    delayed.add(3, 0);
    clock.jump(60_000);
    await clock.flush();
    expect(delivered).toEqual(['64500: 2#0', '64500: 1#0', '64500: 3#0']);
  });

  it('wait while the broker is down, without a timer, and those due meanwhile are delivered when it is back', async () => {
    const { clock, delayed, delivered } = waiting();
    delayed.add(1, 0);
    delayed.add(3, 0);
    delayed.halt();
    delayed.add(1, 1);
    expect(clock.pending).toBe(0);
    await clock.advance(5000);
    expect(delivered).toEqual([]);
    delayed.resume();
    expect(delivered).toEqual(['5000: 1#0', '5000: 1#1']);
    await clock.advance(5000);
    expect(delivered).toEqual(['5000: 1#0', '5000: 1#1', '10000: 3#0']);
  });
});
