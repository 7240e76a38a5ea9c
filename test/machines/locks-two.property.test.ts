// SPDX-License-Identifier: Apache-2.0
/** May two members commit, or deliver, at the same time? Long histories; how a lock changes hands is in the race. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { stepsOf } from '../support/locks-kit.ts';
import { type NetKind, netWeights, TwoMembers } from '../support/races/locks-race.ts';

describe.each(['fence', 'orderly'] as const)('two members and their locks (%s)', kind => {
  it('never both commit or deliver, through freezes, cut connections, restarts of the broker, and late requests', async () => {
    const seen = new Set<string>();
    const steps = stepsOf<NetKind>(netWeights);
    await fc.assert(
      fc.asyncProperty(steps, async history => {
        const world = new TwoMembers(kind);
        for (const step of history) await world.take(step.kind, step.dice);
        await world.end();
        expect(world.problems).toEqual([]);
        for (const each of world.seen) seen.add(each);
      }),
      { numRuns: 60, seed: 1 },
    );
    expect(['lock.granted', 'lock.lost', 'may commit', 'woken'].filter(each => !seen.has(each))).toEqual([]);
  });
});
