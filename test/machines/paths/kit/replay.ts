// SPDX-License-Identifier: Apache-2.0
/** Does a living actor go the way that was worked out for it? With promises that settle, timers that end, and nothing left behind. */
import { type AnyActor, type AnyMachineSnapshot, type AnyStateMachine, createActor } from 'xstate';
import { turn } from '../../../support/builders.ts';
import { ChartCoverage } from '../../../support/chart-coverage.ts';
import { type BareWorld, bareMachine, delayOf, type Pending } from './bare-machine.ts';
import { endOf, type Path, type Step } from './explore.ts';
import { delayBehind, eventOf, invokedBy, type Move, textOf } from './moves.ts';
import { Oracle } from './oracle.ts';
import { PathClock } from './path-clock.ts';
import type { PathPlan } from './path-plan.ts';

/** Replays paths of one machine, each with an actor of its own. */
export class Replayer {
  readonly coverage: ChartCoverage;
  private readonly machine: AnyStateMachine;
  private readonly plan: PathPlan;
  private readonly chart: AnyStateMachine;
  private readonly oracle = new Oracle();
  private readonly pending = new Map<string, Pending>();
  private done: string[] = [];

  constructor(machine: AnyStateMachine, plan: PathPlan) {
    this.coverage = new ChartCoverage(machine);
    this.machine = machine;
    this.plan = plan;
    const world: BareWorld = {
      oracle: this.oracle,
      began: (name, promise) => this.pending.set(name, promise),
      did: action => this.done.push(action),
    };
    this.chart = bareMachine(machine, world);
  }

  /** What differs from what was worked out, as sentences; none: it went as it should, and nothing was left. */
  async replay(path: Path): Promise<readonly string[]> {
    const problems: string[] = [];
    const clock = new PathClock();
    this.pending.clear();
    this.done = [];
    this.oracle.tell(path.answers);
    const actor = createActor(this.chart, { clock, inspect: this.coverage.inspect });
    actor.subscribe({ error: error => problems.push(`it died of ${String(error)}`) });
    actor.start();
    problems.push(...this.differences('the beginning', path.begin, actor.getSnapshot()));
    for (const [i, step] of path.steps.entries()) {
      if (problems.length > 0) break;
      this.done = [];
      if (!(await this.happens(step.move, actor, clock))) problems.push(`nobody waits for ${step.move.type}`);
      problems.push(...this.differences(`step ${i + 1}, ${textOf(step.move)}`, step.to, actor.getSnapshot()));
    }
    actor.stop();
    if (clock.pending > 0) problems.push(`${clock.pending} timers left`);
    for (const [name, { signal }] of this.pending) if (!signal.aborted) problems.push(`${name} goes on`);
    return problems;
  }

  /** As in life: a promise settles, a timer ends, or somebody sends it. */
  private async happens({ type, answers }: Move, actor: AnyActor, clock: PathClock): Promise<boolean> {
    this.oracle.tell(answers);
    const delay = delayBehind(type);
    if (delay !== undefined) return clock.end(delayOf(this.machine, delay));
    const promise = this.pending.get(invokedBy(this.machine, type) ?? '');
    const event = eventOf(type, this.plan);
    if (promise === undefined) actor.send(event);
    else {
      this.pending.delete(invokedBy(this.machine, type) ?? '');
      if (type.startsWith('xstate.done.')) promise.resolve(event['output']);
      else promise.reject(event['error']);
      await turn();
    }
    return true;
  }

  private differences(
    where: string,
    { chart, actions }: Step['to'],
    snapshot: AnyMachineSnapshot,
  ): readonly string[] {
    const wanted = [chart.value, actions];
    const found = [snapshot.value, this.done];
    if (JSON.stringify(wanted) === JSON.stringify(found)) return [];
    return [`${where}: ${JSON.stringify(found)} instead of ${JSON.stringify(wanted)}`];
  }
}

/** A path in words, for the one who has to understand what went wrong. */
export function wordsOf(path: Path): string {
  const steps = path.steps.map(({ move, to }) => `${textOf(move)} → ${JSON.stringify(to.chart.value)}`);
  return [JSON.stringify(path.begin.chart.value), ...steps, ...endOf(path).broken].join('\n  ');
}
