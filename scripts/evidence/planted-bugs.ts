// SPDX-License-Identifier: Apache-2.0
/** Would the tests notice? Bugs are planted in machines and logic, one at a time and only while they are loaded. */
import { bugs, share } from '../../test/support/planted/bugs.ts';
import { harvest, type Verdict } from '../../test/support/planted/harvest.ts';
import { kinds, witnessOf } from '../../test/support/planted/planted-bug.ts';
import type { Report } from './kit/report.ts';
import type { Evidence } from './kit/stage.ts';

export const plantedBugs: Evidence = {
  name: 'planted-bugs',
  about:
    'about a hundred bugs planted one at a time (unregister before persist, commit past an unfinished message, pull after revoke, fence ignored, …): each is caught by the invariant or test that is named for it, and the same tests pass without them',
  needsCluster: false,
  async run(stage, report) {
    const chosen = stage.pick({ full: bugs, share });
    const { verdicts, misplaced, soundTests, unsound } = await harvest(chosen, verdict =>
      stage.say(lineOf(verdict)),
    );
    for (const problem of [...misplaced, ...unsound]) stage.say(problem);
    report.check('bugs whose text is not once in the sources', misplaced.length, { is: 0 });
    report.check('bugs planted', verdicts.length, { is: chosen.length });
    report.check('not caught by what is named for them', namesOf(verdicts.filter(each => !each.isCaught)), {
      is: '',
    });
    noteWitnesses(report, verdicts);
    report.note('tests that hung with a bug, and were ended', namesOf(verdicts.filter(({ hung }) => hung)));
    report.check('the same tests, run without a bug', soundTests, { atLeast: 1 });
    report.check('of these failed, or were not there', unsound.length, { is: 0 });
  },
};

function noteWitnesses(report: Report, verdicts: readonly Verdict[]): void {
  for (const kind of kinds) {
    const count = verdicts.filter(({ bug, isCaught }) => isCaught && witnessOf(bug) === kind).length;
    report.note(`caught by a ${kind}`, count);
  }
}

function namesOf(verdicts: readonly Verdict[]): string {
  return verdicts.map(({ bug }) => bug.name).join(', ');
}

function lineOf({ bug, isCaught, by: [first], hung, took }: Verdict): string {
  const outcome = isCaught ? 'caught' : 'NOT CAUGHT';
  const seconds = `${(took / 1000).toFixed(1)} s${hung ? ', hung' : ''}`;
  return `${outcome}  ${bug.name}: ${bug.what} (${seconds}) — by: ${first?.test ?? 'nobody'}: ${first?.said ?? ''}`;
}
