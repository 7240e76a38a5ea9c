// SPDX-License-Identifier: Apache-2.0
/** What holds in whatever order answers, commands, time and failures come? Invariants are read from the wire, not from the chart. */
import { describe, expect, it } from 'vitest';
import { raceConsumers } from '../support/races/consumer-race.ts';

/** A small number of what `npm run evidence -- races` runs. */
const runs = 160;

describe('whatever comes in whatever order', () => {
  it('a consumer keeps its word, stops in order and in time or at once, leaves nothing, and ends in all the ways it can', async () => {
    const ends = new Map<string, number>();
    let committed = 0;
    await raceConsumers({ runs, seed: 20_261_123 }, race => {
      ends.set(race.end, (ends.get(race.end) ?? 0) + 1);
      if (race.committed) committed++;
    });
    const seen = JSON.stringify([...ends].sort());
    expect(committed, seen).toBeGreaterThan(10);
    const wanted = [
      ...['stopped clean', 'stopped, messages abandoned', 'stopped, persisting failed'],
      ...['stopped by a command', 'hard stop', 'still running'],
    ];
    expect(
      wanted.filter(end => !ends.has(end)),
      seen,
    ).toEqual([]);
  }, 300_000);
});
