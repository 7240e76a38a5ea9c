// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { queueRace } from '../support/races/queue-race.ts';
import { histogramOf } from '../support/races/race-kit.ts';

/** A small number of what `npm run evidence -- races` runs. */
const runs = 300;

describe('a queue between a broker and a listener that do as they like', () => {
  it('pulls, delivers and commits only what it may, and is given up with everything committed or told', async () => {
    const { total, missing, unlisted } = await histogramOf(queueRace, { runs, seed: 20_261_123 });
    expect({ total, missing, unlisted }).toEqual({ total: runs, missing: [], unlisted: [] });
  });
});
