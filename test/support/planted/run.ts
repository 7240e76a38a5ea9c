// SPDX-License-Identifier: Apache-2.0
/**
 * What do tests say with a bug planted, or without one? A process of its own, asked by harvest.ts for one job after the other: what
 * Vite has loaded once is loaded for all, and only the changed source is read anew. Each test is told as it ends, so that a hang hides nothing.
 */
import { join } from 'node:path';
import type { TestCase, TestModule, TestSpecification, Vitest } from 'vitest/node';
import { createVitest } from 'vitest/node';
import { bugs } from './bugs.ts';
import { type PlantedBug, root, sourceOf, withBug } from './planted-bug.ts';

/** A test file to be run. */
export interface Job {
  /** Path below test. */
  readonly file: string;
  /** Name of the bug to be planted; undefined: none. */
  readonly bug: string | undefined;
  /** Parts of the names of the tests that are wanted; none: all. */
  readonly names: readonly string[];
}

/** How one test ended, or a file that could not be loaded. */
export interface TestEnd {
  readonly test: string;
  readonly passed: boolean;
  /** Of one that failed: what it said, in a line. */
  readonly said: string;
}

/** What is told of a job: its tests, and last that it is over. */
export type Told = TestEnd | { readonly over: true };

/** Tests wait in their own time: this much of real time is for busy processors. Unit: ms. */
const testTimeout = 180_000;

let planted: PlantedBug | undefined;

function tell(told: Told): void {
  process.send?.(told);
}

/** Of a random test the cause says more than that it failed. */
function wordsOf(error: Spoken | undefined): string {
  return error === undefined
    ? ''
    : [firstLine(error.message), wordsOf(error.cause)].filter(Boolean).join(' ← ');
}

interface Spoken {
  readonly message: string;
  readonly cause?: Spoken;
}

const longestLine = 300;

function firstLine(text: string): string {
  return (text.split('\n', 1)[0] ?? '').slice(0, longestLine);
}

const teller = {
  onTestCaseResult(test: TestCase): void {
    const { state, errors } = test.result();
    if (state !== 'passed' && state !== 'failed') return;
    tell({ test: test.fullName, passed: state === 'passed', said: wordsOf(errors?.[0]) });
  },
  onTestModuleEnd(module: TestModule): void {
    for (const { message } of module.errors()) tell({ test: 'does not load', passed: false, said: message });
  },
};

const planter = {
  name: 'plants a bug',
  enforce: 'pre' as const,
  transform: (code: string, id: string): string | undefined =>
    planted !== undefined && id.split('?')[0] === sourceOf(planted) ? withBug(planted, code) : undefined,
};

function vitestInThreads(): Promise<Vitest> {
  return createVitest(
    'test',
    {
      ...{ config: false, root, watch: false, reporters: [teller] },
      ...{ pool: 'threads', maxWorkers: 1 }, // a thread that hangs ends with this process
      setupFiles: ['test/support/fixed-seed.ts', 'test/support/planted/no-shrinking.ts'],
      testTimeout,
    },
    { plugins: [planter] },
  );
}

function specificationOf(vitest: Vitest, { file, names }: Job): TestSpecification {
  const literally = names.map(name => name.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')); // within a regular expression
  const testNamePattern = literally.length === 0 ? {} : { testNamePattern: new RegExp(literally.join('|')) };
  return vitest.getRootProject().createSpecification(join(root, 'test', file), testNamePattern);
}

/** Takes the bug for planted, and has its source loaded anew. */
function plant(vitest: Vitest, bug: PlantedBug | undefined): void {
  const changed = bug ?? planted;
  planted = bug;
  if (changed !== undefined) vitest.invalidateFile(sourceOf(changed));
}

async function run(vitest: Vitest, job: Job): Promise<void> {
  plant(
    vitest,
    bugs.find(({ name }) => name === job.bug),
  );
  await vitest.runTestSpecifications([specificationOf(vitest, job)]);
  plant(vitest, undefined);
  tell({ over: true });
}

process.on('disconnect', () => process.exit()); // whoever wanted to know is gone
const vitest = await vitestInThreads();
await vitest.standalone();
process.on('message', job => void run(vitest, job as Job)); // sent by harvest.ts, one at a time
tell({ over: true });
