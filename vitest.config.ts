// SPDX-License-Identifier: Apache-2.0
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Thousands of random histories: worth their seconds, but not at every keystroke. */
const paths = [
  'test/machines/paths/**/*.test.ts',
  'test/**/*.property.test.ts',
  'test/**/any-*.test.ts',
  'test/**/*-race.test.ts',
];
/** What needs the embedded cluster: sockets and real turns of the event loop. */
const embedded = [
  'test/unit/{scenarios,demo,docs,testing}/**/*.test.ts',
  'test/unit/inspect/web-socket-link.test.ts',
];

/** The longest, each with clusters of its own; the shorter ones fill the gaps behind them. */
const longest = ['on-5.5.0/promises', 'on-4.9.7/promises', 'on-5.5.0/scenarios', 'on-4.9.7/scenarios'];

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification): number => {
      const index = longest.findIndex(name => moduleId.includes(name));
      return index < 0 ? longest.length : index;
    };
    return (await super.sort(files)).sort((a, b) => rank(a) - rank(b));
  }
}

const setupFiles = ['test/support/fixed-seed.ts'];

// Four projects. The first three need nothing but Node; the last a real Apache RocketMQ (Java 17 and Maven).
export default defineConfig({
  test: {
    maxWorkers: '100%',
    sequence: { sequencer: LongestFirst },
    // XState's development build takes what children report during a custom action for a call within it.
    onConsoleLog: text => !text.includes('Custom actions should not call'),
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/{unit,machines,regressions}/**/*.test.ts'],
          exclude: [...paths, ...embedded],
          setupFiles,
          testTimeout: 20_000,
          isolate: false, // one set of modules for all files: half of the time went into loading them anew
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: { name: 'paths', include: paths, setupFiles, testTimeout: 60_000, sequence: { groupOrder: 1 } },
      },
      {
        test: {
          name: 'embedded',
          include: embedded,
          setupFiles,
          testTimeout: 60_000,
          sequence: { groupOrder: 2 },
        },
      },
      {
        test: {
          name: 'broker',
          include: ['test/conformance/**/*.test.ts'],
          testTimeout: 180_000,
          hookTimeout: 180_000,
          maxWorkers: 2, // mostly they wait; more clusters at once would want more memory than a laptop has
          sequence: { groupOrder: 3 }, // after the others: a cluster wants both processors
        },
      },
    ],
  },
});
