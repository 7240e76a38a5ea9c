// SPDX-License-Identifier: Apache-2.0
/** Does anything go wrong when commands, answers, failures and time come in any order, and do histories end in all the ways they can? */
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectionRace } from '../../test/support/races/connection-race.ts';
import { consumerRace } from '../../test/support/races/consumer-race.ts';
import { fencesRace, orderlyLocksRace } from '../../test/support/races/locks-race.ts';
import { offsetsRace } from '../../test/support/races/offsets-race.ts';
import { queueRace } from '../../test/support/races/queue-race.ts';
import { Histogram, type Race } from '../../test/support/races/race-kit.ts';
import { rebalanceRace } from '../../test/support/races/rebalance-race.ts';
import { sendBackRace } from '../../test/support/races/send-back-race.ts';
import type { Report } from './kit/report.ts';
import type { Evidence, Stage } from './kit/stage.ts';

const seed = 20_261_123;
const wanted = 10_000;
/** Whole consumers, and the parts of one; all of them the real actors before fake ports. */
const races: readonly { readonly race: Race; readonly full: number; readonly share: number }[] = [
  { race: consumerRace, full: 4000, share: 40 },
  { race: queueRace, full: 1500, share: 40 },
  { race: rebalanceRace, full: 1500, share: 40 },
  { race: offsetsRace, full: 1500, share: 40 },
  { race: connectionRace, full: 1500, share: 40 },
  { race: sendBackRace, full: 1500, share: 40 },
  { race: fencesRace, full: 400, share: 5 },
  { race: orderlyLocksRace, full: 400, share: 5 },
];
/** A share is too small for the rare ones. */
const waysOfShare = ['stopped clean', 'hard stop', 'still running'];

const ofEachChart = 100;
/** Charts whose events, answers, failures and late answers are thrown like dice, whatever their guards would say. */
const charts = [
  ...['queue', 'rebalance', 'offsets', 'locks', 'broker-locks'],
  ...['connection', 'send-back', 'broker-returns'],
];

export const racesEvidence: Evidence = {
  name: 'races',
  about:
    '10,000 seeded schedules of commands, answers, failures, late answers and time, for whole consumers and for their queue, rebalance, offsets, locks, connection and send-back actors: no violation, and a histogram of how they end',
  needsCluster: false,
  async run(stage, report) {
    let schedules = 0;
    for (const { race, full, share } of races) {
      schedules += await raceAll(stage, report.part(race.name), race, stage.pick({ full, share }));
    }
    if (!stage.pick({ full: true, share: false })) return;
    report.check('schedules without a violation', schedules, { atLeast: wanted });
    await raceCharts(report.part('bare charts'));
  },
};

/** How many went well. */
async function raceAll(stage: Stage, report: Report, race: Race, runs: number): Promise<number> {
  const histogram = new Histogram(race);
  let problem = '';
  await race.run({ runs, seed }, histogram.add).catch((error: unknown) => {
    problem = error instanceof Error ? `${error.message}\n${String(error.cause)}` : String(error);
    stage.say(problem);
  });
  stage.say(`${race.name}: ${histogram.total} schedules`);
  const went = problem === '' ? histogram.total : 0;
  report.check('schedules without a violation', went, { is: runs });
  report.note('ended', histogram.toString());
  const { missing, unlisted } = histogram;
  const isWanted = (end: string): boolean => stage.pick({ full: true, share: waysOfShare.includes(end) });
  report.check('ways to end that never came', missing.filter(isWanted).join('; '), { is: '' });
  report.check('ways to end that nobody listed', unlisted.join('; '), { is: '' });
  return went;
}

/** Their rules stand in their path tests, which run them. */
async function raceCharts(report: Report): Promise<void> {
  const root = join(import.meta.dirname, '../..');
  const folder = await mkdtemp(join(tmpdir(), 'races-'));
  const file = join(folder, 'races.jsonl');
  const files = charts.map(name => `test/machines/paths/${name}.test.ts`);
  const env = { ...process.env, RACES: String(ofEachChart), RACES_FILE: file };
  const vitest = ['run', '--silent', '--project', 'paths', '--testTimeout', '600000', '-t', 'dice decide'];
  const child = spawn(join(root, 'node_modules/.bin/vitest'), [...vitest, ...files], {
    ...{ cwd: root, env, stdio: 'ignore' },
  });
  const code = await new Promise(resolve => child.on('close', resolve));
  report.check('all rules kept', code === 0, { is: true });
  const lines = (await readFile(file, 'utf8').catch(() => '')).split('\n').filter(line => line !== '');
  await rm(folder, { recursive: true, force: true });
  let schedules = 0;
  for (const line of lines) {
    const { machine, ends } = JSON.parse(line) as ChartEnds; // written by follow-paths.ts
    schedules += Object.values(ends).reduce((sum, times) => sum + times, 0);
    const counts = Object.entries(ends).map(([end, times]) => `${end} ${times}`);
    report.note(`${machine} ended`, counts.join(', '));
  }
  report.check('schedules without a violation', schedules, { is: charts.length * ofEachChart });
}

interface ChartEnds {
  readonly machine: string;
  readonly ends: Readonly<Record<string, number>>;
}
