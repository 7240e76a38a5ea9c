// SPDX-License-Identifier: Apache-2.0
/** Does the embedded cluster do what Apache RocketMQ does? Every scenario on it, on 5.5.0 and on 4.9.7, side by side. */
import { scenarios } from '../../test/scenarios/catalogue.ts';
import { ClusterPool } from '../../test/support/scenario/cluster-pool.ts';
import type { StartCluster } from '../../test/support/scenario/cluster-under-test.ts';
import { startEmbedded } from '../../test/support/scenario/embedded-cluster.ts';
import { startRealCluster } from '../../test/support/scenario/real-cluster.ts';
import { runScenario, traceDirectory } from '../../test/support/scenario/runner.ts';
import type { Scenario } from '../../test/support/scenario/scenario.types.ts';
import type { Report } from './kit/report.ts';
import type { Evidence, Stage } from './kit/stage.ts';

interface Outcome {
  readonly holds: boolean;
  /** For the table: `pass 0.3 s`. */
  readonly text: string;
}

const kinds: Readonly<Record<string, StartCluster>> = {
  embedded: startEmbedded,
  '5.5.0': startRealCluster('5.5.0'),
  '4.9.7': startRealCluster('4.9.7'),
};

export const scenariosEvidence: Evidence = {
  name: 'scenarios',
  about: 'the same scenarios, event by event, on the embedded cluster, 5.5.0 and 4.9.7',
  needsCluster: false, // it starts its own
  async run(stage, report) {
    // In small only the embedded one: test/conformance/scenarios.ts runs them on the others.
    const names = stage.pick({ full: Object.keys(kinds), share: ['embedded'] });
    const columns = new Map<string, ReadonlyMap<string, Outcome>>();
    for (const name of names) columns.set(name, await runAll(stage, name));
    for (const scenario of scenarios) addRow(report, scenario, columns);
    report.check('scenarios', scenarios.length, { atLeast: 20 });
  },
};

/** By the name of the scenario. */
async function runAll(stage: Stage, name: string): Promise<ReadonlyMap<string, Outcome>> {
  const start = kinds[name];
  if (start === undefined) throw new Error(`there is no cluster ${name}`);
  const pool = new ClusterPool(start);
  const outcomes = new Map<string, Outcome>();
  try {
    for (const scenario of scenarios) {
      const cluster = await pool.cluster(scenario);
      const startedAt = performance.now();
      const { problems, sent, delivered } = await runScenario(scenario, cluster, {
        tracesTo: traceDirectory,
      });
      const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
      const holds = problems.length === 0;
      outcomes.set(scenario.name, { holds, text: `${holds ? 'pass' : 'FAIL'} ${seconds.padStart(4)} s` });
      stage.say(
        `${name}: ${holds ? 'pass' : 'FAIL'} (${sent} sent, ${delivered} delivered) ${scenario.name}`,
      );
      for (const problem of problems) stage.say(`  ${problem}`);
    }
  } finally {
    await pool.close();
  }
  return outcomes;
}

function addRow(
  report: Report,
  { name }: Scenario,
  columns: ReadonlyMap<string, ReadonlyMap<string, Outcome>>,
): void {
  const cells = [...columns].map(
    ([cluster, outcomes]) => `${cluster} ${outcomes.get(name)?.text ?? 'not run'}`,
  );
  const holds = [...columns.values()].every(outcomes => outcomes.get(name)?.holds === true);
  report.whole(name, cells.join('  '), holds);
}
