// SPDX-License-Identifier: Apache-2.0
/**
 * Is the tree fit to be committed? Runs every static check side by side and says what failed, with its output.
 * `npm run check` runs all, `npm run check -- types layers` only those named.
 */
import { spawn } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { delimiter, join } from 'node:path';

interface Step {
  readonly name: string;
  /** One shell line; programs of node_modules/.bin are found. */
  readonly command: string;
}

/** The longest first: they decide the total. */
const steps: readonly Step[] = [
  { name: 'typed-lint', command: 'eslint . --max-warnings 0' },
  {
    name: 'package', // its types are checked by the step of that name
    command:
      'rm -rf dist && tsc -p tsconfig.build.json --noCheck && publint --strict && attw --pack . --profile esm-only',
  },
  {
    name: 'types', // what it found out about unchanged files is kept for the next time
    command: 'tsc --noEmit -p . --incremental --tsBuildInfoFile node_modules/.cache/types.tsbuildinfo',
  },
  { name: 'unused', command: 'knip' },
  { name: 'layers', command: 'depcruise src test scripts visualizations --config .dependency-cruiser.cjs' },
  { name: 'pictures', command: 'npm run --silent visualize -- --check' },
  { name: 'visits', command: 'npm run --silent coverage -- --check' },
  { name: 'docs', command: 'npm run --silent docs:check' },
  { name: 'format', command: 'biome ci --colors=off .' },
];

interface Result {
  readonly step: Step;
  readonly passed: boolean;
  readonly output: string;
}

const root = join(import.meta.dirname, '..');
const path = [join(root, 'node_modules', '.bin'), process.env['PATH'] ?? ''].join(delimiter);

function run(step: Step): Promise<Result> {
  const startedAt = performance.now();
  const child = spawn(step.command, { cwd: root, shell: true, env: { ...process.env, PATH: path } });
  const chunks: string[] = [];
  child.stdout.setEncoding('utf8').on('data', (text: string) => chunks.push(text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => chunks.push(text));
  return new Promise(resolve => {
    child.on('error', error => chunks.push(error.message));
    child.on('close', code => {
      const passed = code === 0;
      console.log(`${passed ? 'ok    ' : 'FAILED'} ${step.name.padEnd(11)}${seconds(startedAt)}`);
      resolve({ step, passed, output: chunks.join('') });
    });
  });
}

/** All steps, never more at once than there are processors, but two: most of them wait for files now and then. */
async function runAll(wanted: readonly Step[]): Promise<readonly Result[]> {
  const waiting = [...wanted];
  const results: Result[] = [];
  const worker = async (): Promise<void> => {
    for (let step = waiting.shift(); step !== undefined; step = waiting.shift())
      results.push(await run(step));
  };
  await Promise.all(Array.from({ length: Math.max(2, availableParallelism()) }, worker));
  return results;
}

function seconds(since: number): string {
  return `${((performance.now() - since) / 1000).toFixed(1)} s`;
}

function chosen(names: readonly string[]): readonly Step[] {
  const unknown = names.find(name => !steps.some(step => step.name === name));
  if (unknown === undefined)
    return names.length === 0 ? steps : steps.filter(step => names.includes(step.name));
  console.error(`no check is called ${unknown}; there are ${steps.map(step => step.name).join(', ')}`);
  process.exit(2);
}

const wanted = chosen(process.argv.slice(2));
const startedAt = performance.now();
const failed = (await runAll(wanted)).filter(result => !result.passed);
for (const { step, output } of failed)
  console.log(`\n--- ${step.name}: ${step.command}\n${output.trimEnd()}`);
console.log(`\n${wanted.length - failed.length} of ${wanted.length} checks passed in ${seconds(startedAt)}`);
process.exitCode = failed.length === 0 ? 0 : 1;
