// SPDX-License-Identifier: Apache-2.0
import { defineConfig } from 'vitest/config';

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

const setupFiles = ['test/support/fixed-seed.ts'];

// Four projects. The first three need nothing but Node; the last a real Apache RocketMQ (Java 17 and Maven).
export default defineConfig({
  test: {
    maxWorkers: '100%',
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
          fileParallelism: false,
          sequence: { groupOrder: 3 }, // after the others: a cluster wants both processors
        },
      },
    ],
  },
});
