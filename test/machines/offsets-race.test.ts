// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { offsetsRace } from '../support/races/offsets-race.ts';
import { histogramOf } from '../support/races/race-kit.ts';

/** A small number of what `npm run evidence -- races` runs. */
const runs = 300;

describe('offsets before brokers that answer late, refuse and hang', () => {
  it('never go back or past what is done, one commit at a time, and every flush is answered truly and in time', async () => {
    const { total, missing, unlisted } = await histogramOf(offsetsRace, { runs, seed: 20_261_123 });
    expect({ total, missing, unlisted }).toEqual({ total: runs, missing: [], unlisted: [] });
  });
});
