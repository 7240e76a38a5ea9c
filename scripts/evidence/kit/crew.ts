// SPDX-License-Identifier: Apache-2.0
/** Who has been in one group, over a whole run? The members that have left or were killed count too. */
import type { Delivery } from '../../../test/support/history/deliveries.ts';
import type { Member, MemberEvent, MemberOptions } from './member.ts';
import type { Report } from './report.ts';
import type { Stage } from './stage.ts';

type Habits = Omit<MemberOptions, 'namesrv' | 'name' | 'topic' | 'group'>;

export class Crew implements AsyncDisposable {
  readonly topic: string;
  readonly group: string;
  /** In the order in which they were started. */
  readonly all: Member[] = [];
  readonly #stage: Stage;
  readonly #habits: Habits;

  /**
   * @param name of the topic and, with `-group`, of the group; both are new
   * @param topic one that is there already, instead
   */
  constructor(stage: Stage, name: string, habits: Habits, topic?: string) {
    this.topic = topic ?? stage.fresh(name);
    this.group = stage.fresh(`${name}-group`);
    this.#stage = stage;
    this.#habits = { ...habits, config: { consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET', ...habits.config } };
  }

  /** Starts a member; its name is new, its instance need not be. */
  join(name: string, more: Habits = {}): Member {
    const { topic, group } = this;
    const config = { ...this.#habits.config, ...more.config };
    const member = this.#stage.member({ ...this.#habits, ...more, config, name, topic, group });
    this.all.push(member);
    return member;
  }

  /** Those whose process runs, the oldest first. */
  get living(): readonly Member[] {
    return this.all.filter(member => member.isAlive);
  }

  deliveries(): readonly (readonly Delivery[])[] {
    return this.all.map(member => member.deliveries());
  }

  events(name: string): readonly MemberEvent[] {
    return this.all.flatMap(member => member.all(name));
  }

  /** Shuts down all that live. */
  async stop(): Promise<void> {
    await Promise.all(this.living.map(member => member.stop()));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.all.map(member => member[Symbol.asyncDispose]()));
  }
}

/**
 * Every member that was asked to stop did every step of it.
 * @param outage who was asked then could not: its broker was away. Unit: CLOCK_MONOTONIC ms.
 */
export function judgeStops(
  report: Report,
  crew: Crew,
  outage?: { readonly from: number; readonly to: number },
): void {
  const asked = crew.all.filter(member => member.all('stopping').length > 0);
  const able = asked.filter(member => outage === undefined || !isWithin(outage, member));
  const stops = asked.flatMap(stopOf);
  const clean = able.flatMap(stopOf).filter(each => each['clean'] === true).length;
  report.check('stopped clean', `${clean} of ${able.length}`, { is: `${able.length} of ${able.length}` });
  if (outage !== undefined) report.note('stopped while the broker was away', asked.length - able.length);
  report.note('longest stop, ms', Math.max(0, ...stops.map(each => Number(each['durationMs']))));
}

function stopOf(member: Member): readonly Readonly<Record<string, unknown>>[] {
  return member.all('stopped').map(({ report: told }) => Object(told) as Readonly<Record<string, unknown>>); // Object() gives any
}

function isWithin({ from, to }: { readonly from: number; readonly to: number }, member: Member): boolean {
  const stopped = member.all('stopped')[0]?.at ?? Infinity;
  return member.all('stopping').some(({ at }) => at < to && stopped > from);
}

/** Every fault is told; none of another code than these may be there. */
export function judgeFaults(
  stage: Stage,
  report: Report,
  crew: Crew,
  expected: readonly string[] = [],
): void {
  const codes = crew.events('fault').map(({ error }) => String(Object(error).code));
  const others = crew.events('fault').filter((_, index) => !expected.includes(codes[index] ?? ''));
  for (const { where, error } of others.slice(0, 5)) stage.say(`fault of ${where}: ${JSON.stringify(error)}`);
  for (const code of expected) report.note(`faults ${code}`, codes.filter(each => each === code).length);
  report.check(expected.length === 0 ? 'faults' : 'other faults', others.length, { is: 0 });
}
