// SPDX-License-Identifier: Apache-2.0
/** Does every scenario go on the embedded cluster as on a real one? The same data, the same runner; time runs as fast as it can. */
import { describe, expect, test } from 'vitest';
import { scenarios } from '../../scenarios/catalogue.ts';
import { sizeOf } from '../../support/scenario/cluster-under-test.ts';
import { startEmbedded } from '../../support/scenario/embedded-cluster.ts';
import { runScenario } from '../../support/scenario/runner.ts';

describe('on the embedded cluster', () => {
  for (const scenario of scenarios) {
    test(scenario.name, async () => {
      await using cluster = await startEmbedded(sizeOf(scenario));
      const { problems } = await runScenario(scenario, cluster);
      expect(problems).toEqual([]);
    });
  }
});
