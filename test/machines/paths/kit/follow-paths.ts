// SPDX-License-Identifier: Apache-2.0
/** How does a machine get its path tests? One call: each configuration, everything that can happen there, every answer of its guards. */
import { appendFile } from 'node:fs/promises';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AnyStateMachine } from 'xstate';
import { ChartRace } from './chart-race.ts';
import { endOf, explore } from './explore.ts';
import type { PathPlan } from './path-plan.ts';
import { Replayer, wordsOf } from './replay.ts';

/**
 * Tests a machine along all its paths. New states and arrows are walked by themselves; only what they must keep is told.
 * @example followPaths(offsetsMachine, { rules: [{ sentence: 'persists nothing while held', never: ['enter persisting'], after: ['enter held'] }] });
 */
export function followPaths(machine: AnyStateMachine, plan: PathPlan): void {
  let walked: ReturnType<typeof explore> | undefined;
  const found = (): ReturnType<typeof explore> => {
    walked ??= explore(machine, plan);
    return walked;
  };

  describe(`all paths of ${machine.id}`, () => {
    for (const { sentence } of plan.rules) {
      it(`keep the rule: it ${sentence}`, () => {
        const breaches = found().breaches.filter(path => endOf(path).broken.includes(sentence));
        expect(breaches.slice(0, 3).map(wordsOf)).toEqual([]);
        expect(found().idleRules, 'nothing the rule is about ever happens').not.toContain(sentence);
      });
    }

    it('are gone by a living actor as they were worked out, take every arrow, and leave nothing', async () => {
      const replayer = new Replayer(machine, plan);
      const problems: string[] = [];
      for (const path of found().paths) {
        const differing = await replayer.replay(path);
        if (differing.length > 0) problems.push([...differing, wordsOf(path)].join('\n'));
      }
      expect(problems.slice(0, 3)).toEqual([]);
      expect(replayer.coverage.missed()).toEqual([]);
    });

    it(`keep the rules in ${races} histories that dice decide, late answers among them, and end in more ways than one`, async () => {
      const race = new ChartRace(machine, plan);
      const ends = new Map<string, number>();
      await fc.assert(
        fc.asyncProperty(histories, async dice => {
          const { problems, end } = await race.run(dice);
          ends.set(end, (ends.get(end) ?? 0) + 1);
          expect(problems).toEqual([]);
        }),
        { numRuns: races },
      );
      const tops = Object.keys(machine.root.states).length;
      expect(ends.size, JSON.stringify([...ends])).toBeGreaterThanOrEqual(
        Math.min(2, tops, machine.root.type === 'parallel' ? 1 : 2),
      );
      await tellRaces(machine.id, ends);
    });
  });
}

/** Some are short, or charts that end soon would always be seen at their end. */
const histories = fc.oneof(
  fc.array(fc.nat(), { maxLength: 4 }),
  fc.array(fc.nat(), { minLength: 5, maxLength: 80, size: 'max' }),
);

/** RACES=1000: that many for each machine. RACES_FILE: where how they ended is written down, a line a machine. */
const races = Number(process.env['RACES'] ?? 60);

async function tellRaces(machine: string, ends: ReadonlyMap<string, number>): Promise<void> {
  const file = process.env['RACES_FILE'];
  if (file === undefined) return;
  await appendFile(file, `${JSON.stringify({ machine, ends: Object.fromEntries(ends) })}\n`);
}
