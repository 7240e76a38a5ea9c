// SPDX-License-Identifier: Apache-2.0
/** Does anything go wrong when commands, answers, failures and time come in any order, and do histories end in all the ways they can? */
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { raceConsumers } from '../../test/support/races/consumer-race.ts';
import type { Report } from './kit/report.ts';
import type { Evidence, Stage } from './kit/stage.ts';

const seed = 20_261_123;
const ofConsumers = 4000;
const ofEachChart = 750;
/** Charts whose events, answers, failures and late answers are thrown like dice. */
const charts = [
  ...['queue', 'rebalance', 'offsets', 'locks', 'broker-locks'],
  ...['connection', 'send-back', 'broker-returns'],
];
/** A consumer can end in all of these ways, and does. */
const waysToEnd = [
  ...['stopped clean', 'stopped, messages abandoned', 'stopped, persisting failed', 'start failed'],
  ...['stopped by a command', 'hard stop', 'still starting', 'still running'],
];
const waysOfShare = ['stopped clean', 'hard stop', 'still running'];

export const races: Evidence = {
  name: 'races',
  about:
    '10,000 seeded schedules of commands, answers, failures, late answers and time, for whole consumers and for the queue, rebalance, offsets, locks, connection and send-back charts: no violation, and a histogram of how they end',
  needsCluster: false,
  async run(stage, report) {
    await raceWhole(stage, report.part('consumer'));
    if (stage.pick({ full: true, share: false })) await raceCharts(report);
  },
};

async function raceWhole(stage: Stage, report: Report): Promise<void> {
  const runs = stage.pick({ full: ofConsumers, share: 40 });
  const ends = new Map<string, number>();
  let count = 0;
  let problem = '';
  const onEnd = ({ end }: { readonly end: string }): void => {
    count += 1;
    ends.set(end, (ends.get(end) ?? 0) + 1);
    if (count % 500 === 0) stage.say(`${count} consumers`);
  };
  await raceConsumers({ runs, seed }, onEnd).catch((error: unknown) => {
    problem = String(error);
    stage.say(problem);
  });
  report.check('schedules without a violation', problem === '' ? count : 0, { is: runs });
  for (const [end, times] of [...ends].sort(([, a], [, b]) => b - a)) report.note(`ended: ${end}`, times);
  const missing = stage.pick({ full: waysToEnd, share: waysOfShare }).filter(end => !ends.has(end));
  report.check('ways to end that never came', missing.join('; '), { is: '' });
}

/** Their rules stand in their path tests, which run them. */
async function raceCharts(report: Report): Promise<void> {
  const root = join(import.meta.dirname, '../..');
  const folder = await mkdtemp(join(tmpdir(), 'races-'));
  const file = join(folder, 'races.jsonl');
  const files = charts.map(name => `test/machines/paths/${name}.test.ts`);
  const env = { ...process.env, RACES: String(ofEachChart), RACES_FILE: file };
  const args = [
    'run',
    '--silent',
    '--project',
    'paths',
    '--testTimeout',
    '600000',
    '-t',
    'dice decide',
    ...files,
  ];
  const child = spawn(join(root, 'node_modules/.bin/vitest'), args, { cwd: root, env, stdio: 'ignore' });
  const code = await new Promise(resolve => child.on('close', resolve));
  report.check('charts: all rules kept', code === 0, { is: true });
  const lines = (await readFile(file, 'utf8').catch(() => '')).split('\n').filter(line => line !== '');
  await rm(folder, { recursive: true, force: true });
  let schedules = 0;
  for (const line of lines) {
    const { machine, ends } = JSON.parse(line) as ChartEnds; // written by follow-paths.ts
    schedules += Object.values(ends).reduce((sum, times) => sum + times, 0);
    report.note(
      `${machine} ended`,
      Object.entries(ends)
        .map(([end, times]) => `${end} ${times}`)
        .join(', '),
    );
  }
  report.check('charts: schedules without a violation', schedules, { is: charts.length * ofEachChart });
}

interface ChartEnds {
  readonly machine: string;
  readonly ends: Readonly<Record<string, number>>;
}
