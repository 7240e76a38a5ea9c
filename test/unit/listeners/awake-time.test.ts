// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { AwakeTime } from '../../../src/listeners/awake-time.ts';

describe('the time at work', () => {
  it('begins with the first reading, whatever the clock says, and goes on with it', () => {
    const awake = new AwakeTime();
    expect([1e9, 1e9 + 300, 1e9 + 300, 1e9 + 1300].map(now => awake.read(now))).toEqual([0, 300, 300, 1300]);
  });

  it('counts no more than a second of a silence, and nothing of a clock that goes back', () => {
    const awake = new AwakeTime();
    expect([0, 3_600_000, 3_600_500, 3_600_000, 3_600_100].map(now => awake.read(now))).toEqual([
      0, 1000, 1500, 1500, 1600,
    ]);
  });
});
