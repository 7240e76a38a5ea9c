// SPDX-License-Identifier: Apache-2.0
/** `tsx test/support/planted/run.ts [name …]`: is each planted bug noticed, and nothing told where none is? The last line is JSON. */
import { join } from 'node:path';
import { startVitest } from 'vitest/node';
import { bugs } from './bugs.ts';
import { misplaced, type PlantedBug, planting, testOf } from './planted-bug.ts';

/** What the tests of one bug said. */
interface Verdict {
  readonly bug: string;
  readonly what: string;
  /** Names of the tests that failed; of those that should notice it, if any did. */
  readonly caughtBy: readonly string[];
  readonly isCaught: boolean;
}

/** All verdicts, and what failed without any bug. */
export interface Harvest {
  readonly verdicts: readonly Verdict[];
  readonly misplaced: readonly string[];
  readonly soundFailures: readonly string[];
  readonly soundTests: number;
}

const root = join(import.meta.dirname, '../../..');
const sound = 'sound';

async function harvest(chosen: readonly PlantedBug[]): Promise<Harvest> {
  const lost = misplaced(chosen);
  if (lost.length > 0) return { verdicts: [], misplaced: lost, soundFailures: [], soundTests: 0 };
  const common = { root, setupFiles: ['test/support/fixed-seed.ts'], testTimeout: 60_000 };
  const files = [...new Set(chosen.map(testOf))];
  const vitest = await startVitest('test', [], {
    config: false,
    root,
    watch: false,
    reporters: [{}],
    maxWorkers: 2,
    projects: [
      { test: { ...common, name: sound, include: files } },
      ...chosen.map(bug => ({
        plugins: [planting(bug)],
        test: { ...common, name: bug.name, include: [testOf(bug)], bail: 0 },
      })),
    ],
  });
  const failed = new Map<string, string[]>();
  let soundTests = 0;
  for (const module of vitest.state.getTestModules()) {
    const names = failed.get(module.project.name) ?? [];
    failed.set(module.project.name, names);
    for (const error of module.errors()) names.push(`${module.moduleId} does not load: ${error.message}`);
    for (const test of module.children.allTests()) {
      if (module.project.name === sound) soundTests++;
      if (test.result().state === 'failed') names.push(test.fullName);
    }
  }
  await vitest.close();
  return {
    misplaced: [],
    soundTests,
    soundFailures: failed.get(sound) ?? [],
    verdicts: chosen.map(bug => verdictOf(bug, failed.get(bug.name) ?? [])),
  };
}

function verdictOf({ name, what, caughtBy }: PlantedBug, failed: readonly string[]): Verdict {
  const named = failed.filter(test => test.includes(caughtBy));
  const isCaught = caughtBy !== '' && named.length > 0;
  return { bug: name, what, isCaught, caughtBy: isCaught ? named : failed };
}

const wanted = new Set(process.argv.slice(2));
const result = await harvest(bugs.filter(({ name }) => wanted.size === 0 || wanted.has(name)));
process.exitCode = 0; // vitest has set it: tests were to fail
console.log(`\n${JSON.stringify(result)}`);
