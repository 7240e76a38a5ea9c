// SPDX-License-Identifier: Apache-2.0
/** Would the tests notice? Bugs are planted in machines and logic, one at a time and only while they are loaded. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { bugs } from '../../test/support/planted/bugs.ts';
import type { Harvest } from '../../test/support/planted/run.ts';
import type { Evidence } from './kit/stage.ts';

/** One chart, one piece of logic: found in seconds. */
const share = ['seek-commits-first', 'late-result-of-old-epoch'];

export const plantedBugs: Evidence = {
  name: 'planted-bugs',
  about:
    'bugs planted one at a time (unregister before persist, commit past an unfinished message, pull after revoke, fence ignored, …): each is caught by the invariant or test that is named for it, and the same tests pass without them',
  needsCluster: false,
  async run(stage, report) {
    const names = stage.pick({ full: bugs.map(({ name }) => name), share });
    const harvest = await planted(names);
    for (const { bug, what, isCaught, caughtBy } of harvest.verdicts) {
      stage.say(`${isCaught ? 'caught' : 'NOT CAUGHT'}  ${bug}: ${what} — by: ${caughtBy[0] ?? 'nobody'}`);
    }
    for (const problem of [...harvest.misplaced, ...harvest.soundFailures]) stage.say(problem);
    report.check('bugs whose text is not in the sources', harvest.misplaced.length, { is: 0 });
    report.check('bugs planted', harvest.verdicts.length, { is: names.length });
    report.check(
      'caught by what is named for them',
      harvest.verdicts.filter(({ isCaught }) => isCaught).length,
      {
        is: names.length,
      },
    );
    report.check('tests run without a bug', harvest.soundTests, { atLeast: 1 });
    report.check('of these failed', harvest.soundFailures.length, { is: 0 });
  },
};

/** In a process of its own: a test run inside a test run would share its globals. */
async function planted(names: readonly string[]): Promise<Harvest> {
  const root = join(import.meta.dirname, '../..');
  const run = join(root, 'test/support/planted/run.ts');
  const { VITEST: _, VITEST_WORKER_ID: __, VITEST_POOL_ID: ___, ...env } = process.env;
  const child = spawn(process.execPath, ['--import', 'tsx', run, ...names], { cwd: root, env });
  const chunks: string[] = [];
  child.stdout.setEncoding('utf8').on('data', (text: string) => chunks.push(text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => chunks.push(text));
  await new Promise(resolve => child.on('close', resolve));
  const line = chunks
    .join('')
    .split('\n')
    .findLast(each => each.startsWith('{"verdicts"') || each.startsWith('{"misplaced"'));
  if (line === undefined)
    throw new Error(`the planted bugs did not run to their end: ${chunks.join('').slice(-2000)}`);
  return JSON.parse(line) as Harvest; // written by run.ts
}
