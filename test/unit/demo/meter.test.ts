// SPDX-License-Identifier: Apache-2.0
/** Does the meter count, and forget? */
import { expect, it } from 'vitest';
import { rangesOf } from '../../../scripts/demo/figures.ts';
import { Meter } from '../../../scripts/demo/meter.ts';

it('a meter counts everything and rates the last second and a half', () => {
  let now = 0;
  const meter = new Meter(() => now);
  for (; now < 3000; now += 50) meter.add();
  expect([meter.count, meter.rate]).toEqual([60, 20]);
  now += 10_000;
  expect([meter.count, meter.rate]).toEqual([60, 0]);
});

it('queues in a row are written as a range', () => {
  expect(rangesOf(['0', '1', '2', '5', '7', '8'])).toBe('0–2 5 7–8');
  expect(rangesOf(['broker-a:0', 'broker-a:1'])).toBe('broker-a:0 broker-a:1');
  expect(rangesOf([])).toBe('');
});
