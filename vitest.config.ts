import { defineConfig } from 'vitest/config';

// Two projects: what needs nothing but Node (seconds), and what needs a real Apache RocketMQ (Java 17 and Maven).
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/{unit,machines,issues}/**/*.test.ts'],
          testTimeout: 20_000,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          name: 'broker',
          include: ['test/conformance/**/*.test.ts'],
          testTimeout: 180_000,
          hookTimeout: 180_000,
          fileParallelism: false,
          sequence: { groupOrder: 1 }, // after the others: a cluster wants both processors
        },
      },
    ],
  },
});
