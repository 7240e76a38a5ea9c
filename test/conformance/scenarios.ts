// SPDX-License-Identifier: Apache-2.0
/** Does every scenario go on a real Apache RocketMQ as on the embedded cluster? The same data, the same runner. */
import { afterAll, describe, expect, test } from 'vitest';
import { scenarios } from '../scenarios/catalogue.ts';
import type { RocketmqVersion } from '../support/cluster/cluster.ts';
import { ClusterPool } from '../support/scenario/cluster-pool.ts';
import { startRealCluster } from '../support/scenario/real-cluster.ts';
import { runScenario, traceDirectory } from '../support/scenario/runner.ts';
import type { Scenario } from '../support/scenario/scenario.types.ts';

export function scenariosOn(version: RocketmqVersion): void {
  describe(`on Apache RocketMQ ${version}`, () => {
    const pool = new ClusterPool(startRealCluster(version));
    afterAll(() => pool.close());

    const goesAsExpected = async (scenario: Scenario): Promise<void> => {
      const cluster = await pool.cluster(scenario);
      const { problems } = await runScenario(scenario, cluster, { tracesTo: traceDirectory });
      expect(problems).toEqual([]);
    };

    // Those that leave the servers alone, side by side; then those that have a cluster for themselves.
    for (const scenario of scenarios.filter(({ cluster }) => cluster?.alone !== true)) {
      test.concurrent(scenario.name, () => goesAsExpected(scenario));
    }
    for (const scenario of scenarios.filter(({ cluster }) => cluster?.alone === true)) {
      test(scenario.name, () => goesAsExpected(scenario));
    }
  });
}
