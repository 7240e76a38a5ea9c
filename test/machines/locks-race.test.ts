// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { fencesRace, orderlyLocksRace } from '../support/races/locks-race.ts';
import { histogramOf } from '../support/races/race-kit.ts';

/** A small number of what `npm run evidence -- races` runs. */
const runs = 40;

describe.each([fencesRace, orderlyLocksRace])(
  '$name of two members behind a network that delays and breaks',
  race => {
    it('are never held by both, and get from one to the other', async () => {
      const { total, missing, unlisted } = await histogramOf(race, { runs, seed: 20_261_123 });
      expect({ total, missing, unlisted }).toEqual({ total: runs, missing: [], unlisted: [] });
    });
  },
);
