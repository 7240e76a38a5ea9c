// SPDX-License-Identifier: Apache-2.0
/** What holds in whatever order answers, commands, time and failures come? Invariants are read from the wire, not from the chart. */
import { describe, expect, it } from 'vitest';
import { consumerRace } from '../support/races/consumer-race.ts';
import { Histogram } from '../support/races/race-kit.ts';

/** A small number of what `npm run evidence -- races` runs, too small for the rare ways to end. */
const runs = 160;
const frequent = [
  ...['stopped clean', 'stopped, messages abandoned', 'stopped, persisting failed'],
  ...['stopped, releasing failed', 'stopped by a command', 'hard stop', 'still running'],
];

describe('whatever comes in whatever order', () => {
  it('a consumer keeps its word, stops in order and in time or at once, leaves nothing, and ends in all the ways it can', async () => {
    const histogram = new Histogram({ ends: frequent });
    let committed = 0;
    await consumerRace.run({ runs, seed: 20_261_123 }, race => {
      histogram.add(race);
      if (race.committed === true) committed++;
    });
    expect(committed, histogram.toString()).toBeGreaterThan(10);
    expect(histogram.missing, histogram.toString()).toEqual([]);
  }, 300_000);
});
