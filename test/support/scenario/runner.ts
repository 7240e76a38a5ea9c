// SPDX-License-Identifier: Apache-2.0
/** How is a scenario run? Its steps in order on a cluster, then the judgement. The same on every kind of cluster. */
import type { ClusterUnderTest } from './cluster-under-test.ts';
import { eventText } from './facts.ts';
import { problemsOf } from './judge.ts';
import type { Operation } from './operation.types.ts';
import { perform } from './operations.ts';
import type { Scenario } from './scenario.types.ts';
import { World } from './world.ts';

export interface ScenarioResult {
  /** Empty: it went as expected. */
  readonly problems: readonly string[];
  /** Stored messages that were sent by the scenario. */
  readonly sent: number;
  /** Messages given to listeners, repetitions included. */
  readonly delivered: number;
  /** How long it took on the cluster's clock. Unit: ms. */
  readonly ms: number;
}

/**
 * Runs one scenario. It never rejects for what the scenario shows: a step that failed is a problem too.
 * @example expect((await runScenario(scenario, cluster)).problems).toEqual([]);
 */
export async function runScenario(scenario: Scenario, cluster: ClusterUnderTest): Promise<ScenarioResult> {
  await using world = new World(cluster);
  const startedAt = cluster.clock.now();
  const failed = await failedStep(scenario.steps, world);
  const problems = failed === undefined ? await judged(scenario, world) : [failed, ...standing(world)];
  return {
    problems,
    sent: world.sender.count,
    delivered: world.book.size,
    ms: cluster.clock.now() - startedAt,
  };
}

/** A broker that cannot be asked is a problem as well. */
async function judged(scenario: Scenario, world: World): Promise<readonly string[]> {
  try {
    return await problemsOf(scenario, world);
  } catch (thrown) {
    return [`it could not be judged: ${reasonOf(thrown)}`];
  }
}

/** What went wrong, if something did. */
async function failedStep(steps: readonly Operation[], world: World): Promise<string | undefined> {
  for (const [index, step] of steps.entries()) {
    try {
      await perform(world, step);
    } catch (thrown) {
      return `step ${index + 1} ${JSON.stringify(step)}: ${reasonOf(thrown)}`;
    }
  }
  return undefined;
}

/** How things stood when a step failed. */
function standing(world: World): readonly string[] {
  return [...world.members.values()].map(member => {
    const last = member.events.slice(-8).map(event => eventText(event, world.names));
    const what = `${member.name} is ${member.states().at(-1)}, had ${world.book.countOf(member.name)} deliveries`;
    return `${what}; last events:\n  ${last.join('\n  ')}`;
  });
}

function reasonOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
