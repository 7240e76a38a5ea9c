// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { histogramOf } from '../support/races/race-kit.ts';
import { sendBackRace } from '../support/races/send-back-race.ts';

/** A small number of what `npm run evidence -- races` runs. */
const runs = 400;

describe('failed messages before brokers that accept, refuse, hang and lose answers', () => {
  it('end each once: settled when somebody took them, delivered again after a pause when nobody did', async () => {
    const { total, missing, unlisted } = await histogramOf(sendBackRace, { runs, seed: 20_261_123 });
    expect({ total, missing, unlisted }).toEqual({ total: runs, missing: [], unlisted: [] });
  });
});
