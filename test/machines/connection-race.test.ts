// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { connectionRace } from '../support/races/connection-race.ts';
import { histogramOf } from '../support/races/race-kit.ts';

/** A small number of what `npm run evidence -- races` runs. */
const runs = 600;

describe('a connection to a peer that does as it likes', () => {
  it('has one socket at most, greets first, ends every call once, and leaves nothing', async () => {
    const { total, missing, unlisted } = await histogramOf(connectionRace, { runs, seed: 20_261_123 });
    expect({ total, missing, unlisted }).toEqual({ total: runs, missing: [], unlisted: [] });
  });
});
