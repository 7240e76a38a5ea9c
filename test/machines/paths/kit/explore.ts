// SPDX-License-Identifier: Apache-2.0
/** Which configurations can a chart be in, and how does one get there? `xstate/graph` walks it, purely: nothing is started. */
import {
  type ActorLogic,
  type AnyMachineSnapshot,
  type AnyStateMachine,
  type AnyStateNode,
  createEmptyActor,
  type Snapshot,
} from 'xstate';
import { adjacencyMapToArray, getAdjacencyMap } from 'xstate/graph';
import { type BareWorld, bareMachine } from './bare-machine.ts';
import { eventOf, eventTypesOf, type Move, spoken, textOf } from './moves.ts';
import { type Answers, Oracle } from './oracle.ts';
import type { PathPlan } from './path-plan.ts';
import { type Memory, RuleBook } from './rule-book.ts';

/** Where a path is: what the chart says, and what the rules remember. */
export type Place = Snapshot<unknown> & {
  readonly chart: AnyMachineSnapshot;
  readonly memory: Memory;
  /** What was done last, in turn, and which rules that breaks. */
  readonly actions: readonly string[];
  readonly broken: readonly string[];
};

/** One thing happens, and leads there. */
export interface Step {
  readonly move: Move;
  readonly to: Place;
}

/** The answers of the guards at the very beginning, where that leads, then step after step. */
export interface Path {
  readonly answers: Answers;
  readonly begin: Place;
  readonly steps: readonly Step[];
}

interface Exploration {
  /** The shortest to everything that can happen in every configuration. */
  readonly paths: readonly Path[];
  /** Where the charts can be, as JSON. */
  readonly configurations: readonly string[];
  /** Places where a rule is broken. */
  readonly breaches: readonly Path[];
  /** Rules that nothing that happened had to do with. */
  readonly idleRules: readonly string[];
}

/** @throws when an event or a guard cannot be made up: the plan has to say what it carries */
export function explore(machine: AnyStateMachine, plan: PathPlan): Exploration {
  const walker = new Walker(machine, plan);
  const paths = walker.begins().flatMap(begin => pathsFrom(begin, walker));
  const told = new Map<string, Path>();
  for (const path of paths) {
    const last = path.steps.at(-1);
    const from = configurationOf(path.steps.at(-2)?.to ?? path.begin);
    const key = last === undefined ? `begin ${from}` : `${from} ${textOf(last.move)}`;
    if (!told.has(key)) told.set(key, path);
  }
  return {
    paths: [...told.values()],
    configurations: [...new Set(paths.map(path => configurationOf(endOf(path))))],
    breaches: paths.filter(path => endOf(path).broken.length > 0),
    idleRules: plan.rules.map(({ sentence }) => sentence).filter(each => !walker.book.applied.has(each)),
  };
}

export function endOf({ begin, steps }: Path): Place {
  return steps.at(-1)?.to ?? begin;
}

function configurationOf({ chart }: Place): string {
  return JSON.stringify(chart.value);
}

/** From one beginning: to each place the shortest path, and from there every step. */
function pathsFrom(begin: Path, walker: Walker): readonly Path[] {
  const places = getAdjacencyMap<Place, Move, undefined>(walker.logic, {
    fromState: begin.begin,
    events: place => walker.movesAt(place),
    serializeState: serialized,
    serializeEvent: textOf,
    stopWhen: ({ broken }) => broken.length > 0,
  });
  const known = new Map<string, Path>([[serialized(begin.begin), begin]]);
  const paths: Path[] = [begin];
  for (const { state: from, event: move, nextState: to } of adjacencyMapToArray(places)) {
    const path = known.get(serialized(from)); // they come in the order of their distance
    if (path === undefined) continue;
    const longer = { ...path, steps: [...path.steps, { move, to }] };
    paths.push(longer);
    if (!known.has(serialized(to))) known.set(serialized(to), longer);
  }
  return paths;
}

function serialized({ chart, memory, broken }: Place): string {
  return JSON.stringify([chart.value, memory.map(({ before, after }) => `${+before}${+after}`), broken]);
}

/** Takes a chart from place to place. */
class Walker {
  readonly book: RuleBook;
  private readonly plan: PathPlan;
  private readonly oracle: Oracle;
  private readonly chart: AnyStateMachine;
  private done: string[] = [];
  private readonly scope: Scope;

  constructor(machine: AnyStateMachine, plan: PathPlan) {
    this.plan = plan;
    this.book = new RuleBook(plan);
    this.oracle = new Oracle(plan.atOnce);
    const world: BareWorld = { oracle: this.oracle, did: () => {}, began: () => {} };
    this.chart = bareMachine(machine, world);
    const self = createEmptyActor();
    this.scope = {
      ...{ self, id: '', sessionId: '', system: self.system, logger: () => {} },
      ...{ defer: () => {}, stopChild: () => {}, emit: () => {} },
      actionExecutor: ({ type }: { readonly type: string }) => this.done.push(type),
    } as unknown as Scope; // nobody asks it but for what is here
  }

  /** What {@link getAdjacencyMap} walks: the chart together with what the rules remember. */
  get logic() {
    const logic = {
      transition: (place: Place, move: Move) => this.take(place, move),
      getInitialSnapshot: () => this.place(this.initial(), this.book.blank, undefined),
    };
    return logic as unknown as ActorLogic<Place, Move>; // all it is asked for
  }

  begins(): readonly Path[] {
    return this.oracle
      .ways(() => this.initial())
      .map(answers => {
        this.oracle.tell(answers);
        return { answers, begin: this.place(this.initial(), this.book.blank, undefined), steps: [] };
      });
  }

  /** Every event that is taken here, with every way its guards can answer. */
  movesAt({ chart }: Place): readonly Move[] {
    if (chart.status !== 'active') return [];
    return eventTypesOf(chart).flatMap(type =>
      this.oracle.ways(() => this.next(chart, type)).map(answers => ({ type, answers })),
    );
  }

  private take({ chart, memory }: Place, { type, answers }: Move): Place {
    this.oracle.tell(answers);
    return this.place(this.next(chart, type), memory, { type, before: chart });
  }

  private initial(): AnyMachineSnapshot {
    this.done = [];
    return this.chart.getInitialSnapshot(this.scope, undefined);
  }

  private next(chart: AnyMachineSnapshot, type: string): AnyMachineSnapshot {
    this.done = [];
    return this.chart.transition(chart, eventOf(type, this.plan), this.scope);
  }

  private place(chart: AnyMachineSnapshot, memory: Memory, after: Cause | undefined): Place {
    const actions = this.done.filter(name => !name.startsWith('xstate.'));
    const names = [
      ...(after === undefined ? [] : [`on ${spoken(this.chart, after.type)}`]),
      ...actions,
      ...entered(after?.before, chart).map(state => `enter ${state}`),
    ];
    const read = this.book.read(memory, names);
    const { status, output, error } = chart;
    return { chart, actions, ...read, status, output, error } as Place; // they belong together as they did in the chart
  }
}

type Scope = Parameters<AnyStateMachine['transition']>[2];

interface Cause {
  readonly type: string;
  readonly before: AnyMachineSnapshot;
}

function entered(before: AnyMachineSnapshot | undefined, now: AnyMachineSnapshot): readonly string[] {
  const known = new Set<unknown>(before?._nodes);
  const nodes: readonly AnyStateNode[] = now._nodes;
  return nodes.filter(node => !known.has(node)).map(node => node.path.join('.'));
}
