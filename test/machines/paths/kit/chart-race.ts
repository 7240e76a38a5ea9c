// SPDX-License-Identifier: Apache-2.0
/** What does a living actor do when events, answers, failures, timers and late answers come in any order? Dice decide, rules judge. */
import {
  type AnyActor,
  type AnyMachineSnapshot,
  type AnyStateMachine,
  type AnyStateNode,
  createActor,
} from 'xstate';
import { turn } from '../../../support/builders.ts';
import { type BareWorld, bareMachine, delayOf, type Pending } from './bare-machine.ts';
import { delayBehind, eventOf, eventTypesOf, invokedBy, spoken } from './moves.ts';
import { Oracle } from './oracle.ts';
import { PathClock } from './path-clock.ts';
import type { PathPlan } from './path-plan.ts';
import { RuleBook } from './rule-book.ts';

interface Race {
  /** What went wrong; none: all rules were kept, and nothing was left. */
  readonly problems: readonly string[];
  /** Where it ended: the final state, or `in …` when it was still at work. */
  readonly end: string;
}

/** Answers by the dice of the moment: the same guard the same, another guard perhaps not. */
class DiceOracle extends Oracle {
  private dice = 0;
  private questions_ = 0;

  throwAgain(dice: number): void {
    this.dice = dice;
    this.questions_ = 0;
  }

  override ask(guard: string): boolean {
    const hash = [...guard].reduce((sum, letter) => (sum * 31 + letter.charCodeAt(0)) | 0, this.dice);
    return ++this.questions_ < 20 && (hash & 64) !== 0; // an eventless loop has to end
  }
}

/** One history: as many events as there are dice, or fewer when the actor ends before. */
export class ChartRace {
  private readonly machine: AnyStateMachine;
  private readonly plan: PathPlan;
  private readonly book: RuleBook;
  private readonly oracle = new DiceOracle();
  private readonly chart: AnyStateMachine;
  private pending = new Map<string, Pending>();
  private done: string[] = [];

  constructor(machine: AnyStateMachine, plan: PathPlan) {
    this.machine = machine;
    this.plan = plan;
    this.book = new RuleBook(plan);
    const world: BareWorld = {
      oracle: this.oracle,
      did: action => this.done.push(action),
      began: (name, promise) => this.began(name, promise),
    };
    this.chart = bareMachine(machine, world);
  }

  async run(dice: readonly number[]): Promise<Race> {
    const problems: string[] = [];
    const clock = new PathClock();
    this.pending = new Map();
    this.late = [];
    this.done = [];
    this.oracle.throwAgain(dice[0] ?? 0);
    const actor = createActor(this.chart, { clock });
    actor.subscribe({ error: error => problems.push(`it died of ${String(error)}`) });
    actor.start();
    let memory = this.book.blank;
    let before: AnyMachineSnapshot | undefined;
    let event: string | undefined;
    for (const die of [0, ...dice]) {
      if (before !== undefined) {
        this.done = [];
        event = await this.happens(die, actor, clock);
      }
      const now: AnyMachineSnapshot = actor.getSnapshot();
      const names = [...(event === undefined ? [] : [`on ${event}`]), ...this.done, ...entered(before, now)];
      const read = this.book.read(memory, names);
      memory = read.memory;
      problems.push(...read.broken);
      before = now;
      if (now.status !== 'active' || problems.length > 0) break;
    }
    const end = endOf(actor.getSnapshot());
    actor.stop();
    if (clock.pending > 0) problems.push(`${clock.pending} timers left`);
    for (const [name, { signal }] of this.pending) if (!signal.aborted) problems.push(`${name} goes on`);
    return { problems, end };
  }

  /** Answers that nobody waits for any more. */
  private late: Pending[] = [];

  private began(name: string, promise: Pending): void {
    const before = this.pending.get(name);
    if (before !== undefined) this.late.push(before);
    this.pending.set(name, promise);
  }

  /** Answers what happened, in the words of the chart; undefined: something that nobody may notice. */
  private async happens(die: number, actor: AnyActor, clock: PathClock): Promise<string | undefined> {
    this.oracle.throwAgain(die);
    const stale = die % 7 === 0 ? this.late.pop() : undefined;
    if (stale !== undefined) {
      if (die % 2 === 0) stale.resolve(undefined);
      else stale.reject(new Error('late'));
      await turn();
      return undefined;
    }
    const types = eventTypesOf(actor.getSnapshot() as AnyMachineSnapshot); // any, as XState types it; the actor runs a machine
    const type = types[die % types.length] ?? '';
    const delay = delayBehind(type);
    if (delay !== undefined)
      return clock.end(delayOf(this.machine, delay)) ? spoken(this.chart, type) : undefined;
    const source = invokedBy(this.machine, type) ?? '';
    const promise = this.pending.get(source);
    const sent = eventOf(type, this.plan);
    if (promise === undefined) actor.send(sent);
    else {
      this.pending.delete(source);
      if (type.startsWith('xstate.done.')) promise.resolve(sent['output']);
      else promise.reject(sent['error']);
      await turn();
    }
    return spoken(this.chart, type);
  }
}

function entered(before: AnyMachineSnapshot | undefined, now: AnyMachineSnapshot): readonly string[] {
  const known = new Set<unknown>(before?._nodes);
  const nodes: readonly AnyStateNode[] = now._nodes;
  return nodes.filter(node => !known.has(node)).map(node => `enter ${node.path.join('.')}`);
}

function endOf({ status, value }: AnyMachineSnapshot): string {
  const now: unknown = value;
  const top =
    typeof now === 'string' ? now : Object.keys(typeof now === 'object' && now !== null ? now : {}).join('+');
  return status === 'done' ? top : `in ${top}`;
}
