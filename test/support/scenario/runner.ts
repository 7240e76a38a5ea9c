// SPDX-License-Identifier: Apache-2.0
/** How is a scenario run? Its steps in order on a cluster, then the judgement. The same on every kind of cluster. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
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

/** Where conformance tests and evidence keep what they want a second look at; no part of the repository. */
export const traceDirectory = join(import.meta.dirname, '../../../.build/traces');

export interface RunOptions {
  /** A directory in which the traces of all members are kept when it did not go as expected. Default: none are. */
  readonly tracesTo?: string;
}

/**
 * Runs one scenario. It never rejects for what the scenario shows: a step that failed is a problem too.
 * @example expect((await runScenario(scenario, cluster)).problems).toEqual([]);
 */
export async function runScenario(
  scenario: Scenario,
  cluster: ClusterUnderTest,
  { tracesTo }: RunOptions = {},
): Promise<ScenarioResult> {
  await using world = new World(cluster);
  const startedAt = cluster.clock.now();
  const failed = await failedStep(scenario.steps, world);
  const problems = failed === undefined ? await judged(scenario, world) : [failed, ...standing(world)];
  const kept = problems.length > 0 && tracesTo !== undefined ? await keepTraces(world, tracesTo) : [];
  return {
    problems: [...problems, ...kept],
    sent: world.sender.count,
    delivered: world.book.size,
    ms: cluster.clock.now() - startedAt,
  };
}

/** Where the traces are, as one more line of what is told. The names of members are fresh in each run. */
async function keepTraces(world: World, directory: string): Promise<readonly string[]> {
  await mkdir(directory, { recursive: true });
  const files: string[] = [];
  for (const { name, trace } of world.members.values()) {
    const file = join(directory, `${world.cluster.name}-${world.names.fresh(name)}.jsonl`);
    await trace.save(file);
    files.push(file);
  }
  return files.length === 0 ? [] : [`traces: ${files.join(', ')}`];
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
