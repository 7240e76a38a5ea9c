// SPDX-License-Identifier: Apache-2.0
/** Is each planted bug noticed by what is named for it, and does that test pass without it? A few processes, and a time limit for each bug. */
import { type ChildProcess, fork } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { misplaced, type PlantedBug, root } from './planted-bug.ts';
import type { Job, TestEnd, Told } from './run.ts';

/** What the tests of one bug said. */
export interface Verdict {
  readonly bug: PlantedBug;
  /** A test of the name it is to be caught by failed: one that was ended by the time limit is no witness. */
  readonly isCaught: boolean;
  /** The tests that failed; of those that should notice it, if any did. */
  readonly by: readonly TestEnd[];
  /** The time limit ended it. */
  readonly hung: boolean;
  /** Unit: ms. */
  readonly took: number;
}

/** All verdicts, and what the same tests said without any bug. */
export interface Harvest {
  readonly verdicts: readonly Verdict[];
  /** Bugs whose text is not in the sources any more, as sentences. */
  readonly misplaced: readonly string[];
  readonly soundTests: number;
  /** Tests that fail without a bug, and bugs whose tests are not there or do not end, as sentences. */
  readonly unsound: readonly string[];
}

/** A bug's tests take seconds; this is for one that never ends, on busy processors. Unit: ms. */
const timeLimit = 300_000;

/** What became of one run of tests. */
export interface Outcome {
  readonly ends: readonly TestEnd[];
  readonly hung: boolean;
  readonly took: number;
}

/** A process that runs one job at a time, and is replaced when it hangs. */
class Runner {
  #child: ChildProcess | undefined;

  async run(job: Job): Promise<Outcome> {
    this.#child ??= await started();
    const child = this.#child;
    const startedAt = performance.now();
    const ends: TestEnd[] = [];
    const hung = !(await overWithin(
      child,
      told => ends.push(told),
      () => child.send(job),
    ));
    if (hung) this.stop();
    return { ends, hung, took: performance.now() - startedAt };
  }

  stop(): void {
    this.#child?.kill('SIGKILL');
    this.#child = undefined;
  }
}

async function started(): Promise<ChildProcess> {
  const { VITEST: _, VITEST_WORKER_ID: __, VITEST_POOL_ID: ___, ...env } = process.env; // may be asked from within a test
  const child = fork(join(import.meta.dirname, 'run.ts'), {
    ...{ cwd: root, env, execArgv: ['--import', 'tsx'], stdio: 'ignore' },
  });
  const isReady = await overWithin(
    child,
    () => {},
    () => {},
  );
  if (isReady) return child;
  child.kill('SIGKILL');
  throw new Error('the tests of planted bugs could not be started');
}

/** False when it did not say in time that it is over, or ended itself. */
function overWithin(child: ChildProcess, onEnd: (end: TestEnd) => void, begin: () => void): Promise<boolean> {
  return new Promise(resolve => {
    const done = (isOver: boolean): void => {
      clearTimeout(timer);
      child.off('message', onMessage).off('close', onClose);
      resolve(isOver);
    };
    const onMessage = (message: unknown): void => {
      const told = message as Told; // sent by run.ts
      if ('over' in told) done(true);
      else onEnd(told);
    };
    const onClose = (): void => done(false);
    const timer = setTimeout(onClose, timeLimit);
    child.on('message', onMessage).on('close', onClose);
    begin();
  });
}

function isWitness(bug: PlantedBug, { test }: TestEnd): boolean {
  return bug.caughtBy !== '' && test.includes(bug.caughtBy);
}

export function verdictOf(bug: PlantedBug, { ends, hung, took }: Outcome): Verdict {
  const failed = ends.filter(({ passed }) => !passed);
  const named = failed.filter(end => isWitness(bug, end));
  return { bug, isCaught: named.length > 0, by: named.length > 0 ? named : failed, hung, took };
}

export function unsoundOf(bugs: readonly PlantedBug[], { ends }: Outcome): readonly string[] {
  const missing = bugs.filter(bug => !ends.some(end => isWitness(bug, end)));
  return [
    ...ends.filter(({ passed }) => !passed).map(({ test, said }) => `without a bug: ${test}: ${said}`),
    ...missing.map(({ name, test, caughtBy }) => `${name}: no test of ${test} is called ${caughtBy}`),
  ];
}

/** No name yet: all tests of the file are run, and whoever fails may be named. */
function namesOf(bugs: readonly PlantedBug[]): readonly string[] {
  const names = bugs.map(({ caughtBy }) => caughtBy);
  return names.includes('') ? [] : names;
}

function byTestFile(bugs: readonly PlantedBug[]): ReadonlyMap<string, readonly PlantedBug[]> {
  const files = new Map<string, PlantedBug[]>();
  for (const bug of bugs) files.set(bug.test, [...(files.get(bug.test) ?? []), bug]);
  return files;
}

/** Plants them one after the other, as many at once as there are processors; `onVerdict` hears of each as it is known. */
export async function harvest(
  chosen: readonly PlantedBug[],
  onVerdict: (verdict: Verdict) => void,
): Promise<Harvest> {
  const verdicts: Verdict[] = [];
  const unsound: string[] = [];
  let soundTests = 0;
  const lost = misplaced(chosen);
  if (lost.length > 0) return { verdicts, misplaced: lost, soundTests, unsound };
  const jobs = [...byTestFile(chosen)].flatMap(([file, bugs]) => [
    async (runner: Runner): Promise<void> => {
      const outcome = await runner.run({ file, bug: undefined, names: namesOf(bugs) });
      soundTests += outcome.ends.length;
      unsound.push(...unsoundOf(bugs, outcome));
    },
    ...bugs.map(bug => async (runner: Runner): Promise<void> => {
      const verdict = verdictOf(bug, await runner.run({ file, bug: bug.name, names: namesOf([bug]) }));
      verdicts.push(verdict);
      onVerdict(verdict);
    }),
  ]);
  const lane = async (): Promise<void> => {
    const runner = new Runner();
    for (let job = jobs.shift(); job !== undefined; job = jobs.shift()) await job(runner);
    runner.stop();
  };
  await Promise.all(Array.from({ length: Math.max(2, availableParallelism()) }, lane));
  return { verdicts, misplaced: [], soundTests, unsound };
}
