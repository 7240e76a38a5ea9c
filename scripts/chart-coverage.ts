// SPDX-License-Identifier: Apache-2.0
/**
 * `npm run coverage`: walks every machine along all its paths and draws how often each state was visited and each arrow taken;
 * with `--check` it only says what is out of date.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { explore } from '../test/machines/paths/kit/explore.ts';
import { Replayer } from '../test/machines/paths/kit/replay.ts';
import type { ChartCoverage } from '../test/support/chart-coverage.ts';
import { type Chart, chartOf, nodesOf } from '../visualizations/chart.ts';
import { machinesUnder } from '../visualizations/files.ts';
import { stateDiagram } from '../visualizations/mermaid.ts';
import { drifts, write } from '../visualizations/pictures.ts';

const root = join(import.meta.dirname, '..');
const folder = join(root, 'visualizations/visits');
/** From so many visits on, a state has that colour: the more, the darker. */
const colours = [
  { from: 0, name: 'never', fill: '#f8c8c8' },
  { from: 1, name: 'few', fill: '#e8f5e9' },
  { from: 10, name: 'some', fill: '#c3e6c5' },
  { from: 100, name: 'many', fill: '#8fce94' },
  { from: 1000, name: 'most', fill: '#57a85e' },
];
/** Every path needs no rule: what is counted are visits. */
const plan = { rules: [] };

const rows: string[] = [];
const missed: string[] = [];
const pictures = new Map<string, string>();
for (const { name, machine } of await machinesUnder(join(root, 'src/machines'))) {
  const atOnce = machine.root.type === 'parallel' ? 1 : 2;
  const { paths, configurations } = explore(machine, { ...plan, atOnce });
  const replayer = new Replayer(machine, plan);
  for (const path of paths) await replayer.replay(path);
  const { coverage } = replayer;
  const chart = chartOf(name, machine);
  const states = nodesOf(machine.root).map(({ id }) => id);
  const taken = coverage.taken();
  pictures.set(`${name}.mmd`, coloured(chart, states, coverage));
  const visited = states.filter(id => coverage.visits(id) > 0).length;
  const some = taken.filter(count => count > 0).length;
  rows.push(
    `| [${name}](${name}.mmd) | ${configurations.length} | ${paths.length} | ${visited} of ${states.length} | ${some} of ${taken.length} | ${Math.min(...taken)} |`,
  );
  missed.push(...coverage.missed());
  console.log(rows.at(-1));
}
const table = join(folder, 'README.md');
for (const each of missed) console.error(`never visited: ${each}`);
const isCheck = process.argv.includes('--check');
const found = isCheck ? (await drifts(folder, pictures)).map(({ file, why }) => `${file} is ${why}`) : [];
if (!isCheck) {
  await write(folder, pictures);
  await writeFile(table, page(rows));
} else if ((await readFile(table, 'utf8').catch(() => '')) !== page(rows))
  found.push('README.md is out of date');
for (const each of found) console.error(`visualizations/visits/${each}`);
if (found.length > 0) console.error('Run `npm run coverage` and commit the result.');
process.exitCode = missed.length + found.length === 0 ? 0 : 1;

/** The chart of a machine, its states coloured by visits, its arrows with how often they were taken. */
function coloured(chart: Chart, states: readonly string[], coverage: ChartCoverage): string {
  const taken = coverage.taken();
  const arrows = chart.arrows.map((arrow, i) => ({
    ...arrow,
    trigger: `${arrow.trigger} ×${taken[i] ?? 0}`,
  }));
  const classes = colours.map(({ name, fill }) => `  classDef ${name} fill:${fill},color:#000`);
  const painted = states
    .slice(1)
    .map(id => `  class ${id.replace(/[^A-Za-z0-9]/g, '_')} ${colourOf(coverage.visits(id))}`);
  return `${[stateDiagram({ ...chart, arrows }).trimEnd(), ...classes, ...painted].join('\n')}\n`;
}

function colourOf(visits: number): string {
  return colours.findLast(({ from }) => visits >= from)?.name ?? 'never';
}

function page(table: readonly string[]): string {
  return `# Which states and arrows do the path tests visit?

Written by \`npm run coverage\`, which fails when one is never visited. Each path of \`test/machines/paths\` is gone by a living actor whose
guards are answered both ways; what is counted are the states that were there when something happened, and the arrows that were taken
(\`always\`, \`after\`, done and error included). No arrow is excused as defensive.

In the charts a state is the darker the more often it was visited, and each arrow bears its count.

| machine | configurations | paths | states | arrows | least taken arrow |
|---|---|---|---|---|---|
${table.join('\n')}
`;
}
