// SPDX-License-Identifier: Apache-2.0
/** Is the pause between tries long enough to spare the peer, and short enough to notice it soon? */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { backoffDelay } from '../../../src/transport/backoff.ts';

const almostOne = (): number => 1 - 2 ** -53;

it('it doubles from 200 ms up to 3 s', () => {
  const longest = [1, 2, 3, 4, 5, 6].map(attempt =>
    backoffDelay({ attempt, elapsedMs: 0, random: almostOne }),
  );
  expect(longest).toEqual([200, 400, 800, 1600, 3000, 3000]);
});

it('its cap is 10 s once the outage has lasted a minute', () => {
  const at = (elapsedMs: number): number => backoffDelay({ attempt: 30, elapsedMs, random: almostOne });
  expect([at(59_999), at(60_000)]).toEqual([3000, 10_000]);
});

it('it is spread over the whole step, and never below 50 ms, whatever chance says', () => {
  expect(backoffDelay({ attempt: 3, elapsedMs: 0, random: () => 0.5 })).toBe(400);
  expect(backoffDelay({ attempt: 3, elapsedMs: 0, random: () => 0 })).toBe(50);
  fc.assert(
    fc.property(
      fc.nat(5000),
      fc.nat(10_000_000),
      fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      (attempt, elapsedMs, chance) => {
        const delay = backoffDelay({ attempt, elapsedMs, random: () => chance });
        return delay >= 50 && delay <= 10_000;
      },
    ),
  );
});
