// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { histogramOf } from '../support/races/race-kit.ts';
import { rebalanceRace } from '../support/races/rebalance-race.ts';

/** A small number of what `npm run evidence -- races` runs. */
const runs = 250;

describe('a member of a group that comes and goes', () => {
  it('holds what the lists of its round give it, one decision at a time, and in the end its share', async () => {
    const { total, missing, unlisted } = await histogramOf(rebalanceRace, { runs, seed: 20_261_123 });
    expect({ total, missing, unlisted }).toEqual({ total: runs, missing: [], unlisted: [] });
  });
});
