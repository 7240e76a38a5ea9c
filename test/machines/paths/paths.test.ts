// SPDX-License-Identifier: Apache-2.0
// Every machine is walked along all its paths: each configuration, everything that can happen there, and every answer of its guards.
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { machinesUnder } from '../../../visualizations/files.ts';
import { explore } from './kit/explore.ts';
import { Replayer, wordsOf } from './kit/replay.ts';
import { plans } from './plans.ts';

const machines = await machinesUnder(join(import.meta.dirname, '../../../src/machines'));

describe('the plans', () => {
  it('there is one for each machine, with a rule at least, and none for a machine that is gone', () => {
    expect([...plans.keys()].sort()).toEqual(machines.map(({ name }) => name));
    expect([...plans].filter(([, { rules }]) => rules.length === 0).map(([name]) => name)).toEqual([]);
  });
});

describe.each(machines)('all paths of $name', ({ name, machine }) => {
  const plan = plans.get(name) ?? { rules: [] };
  const found = explore(machine, plan);

  it.each(plan.rules)('keep the rule: it $sentence', ({ sentence }) => {
    const breaches = found.breaches.filter(({ steps, begin }) =>
      (steps.at(-1)?.to ?? begin).broken.includes(sentence),
    );
    expect(breaches.slice(0, 3).map(wordsOf)).toEqual([]);
    expect(found.idleRules, 'nothing the rule is about ever happens').not.toContain(sentence);
  });

  it('are gone by a living actor as they were worked out, and leave nothing', async () => {
    const replayer = new Replayer(machine, plan);
    const problems: string[] = [];
    for (const path of found.paths) {
      const differing = await replayer.replay(path);
      if (differing.length > 0) problems.push([...differing, wordsOf(path)].join('\n'));
    }
    expect(problems.slice(0, 3)).toEqual([]);
    expect(replayer.coverage.missed()).toEqual([]);
  });
});
