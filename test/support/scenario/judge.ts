// SPDX-License-Identifier: Apache-2.0
/** Did a scenario end as expected? Everything that is not so, in words; nothing means yes. */
import type { ConsumerEvent } from '../../../src/index.ts';
import { checkTrace } from '../trace-checker.ts';
import { eventText, hasFacts } from './facts.ts';
import { judgeGroup } from './judge-group.ts';
import { judgeHook, judgeLocks, judgeNoLocks } from './judge-handover.ts';
import type { ScenarioMember } from './member.ts';
import type { EventType } from './member.types.ts';
import { listsOf } from './operations.ts';
import { groupBy, Problems, some } from './problems.ts';
import type { EventExpectation, Scenario } from './scenario.types.ts';
import type { World } from './world.ts';

/** Every problem of a run whose steps are done. */
export async function problemsOf({ expect, ignore }: Scenario, world: World): Promise<readonly string[]> {
  const problems = new Problems();
  for (const name of Object.keys({ ...expect.events, ...expect.states })) world.member(name); // throws for one that never was
  for (const expected of expect.consumed) await judgeGroup(world, problems, expected);
  for (const [group, members] of Object.entries(expect.members))
    await judgeMembers(world, problems, group, members);
  for (const group of new Set([...world.members.values()].map(member => member.group)))
    await judgeDeadLetters(world, problems, group, expect.deadLetters?.[group] ?? 0);
  for (const member of world.members.values()) {
    judgeEvents(world, problems, { member, expected: expect.events[member.name] ?? {}, ignore });
    judgeStates(problems, member, expect.states?.[member.name]);
    judgeLife(problems, member);
    judgeHook(problems, member);
    judgeNoLocks(problems, member);
    if (expect.locks !== 'any') await judgeLocks(world, problems, member);
  }
  return problems.found;
}

async function judgeMembers(
  world: World,
  problems: Problems,
  group: string,
  members: readonly string[],
): Promise<void> {
  const expected = members.map(name => world.member(name).clientId).sort();
  for (const list of await listsOf(world, group)) {
    problems.unless(
      list.join() === expected.join(),
      () => `${group}: a broker lists [${list.join()}], expected [${expected.join()}]`,
    );
  }
}

async function judgeDeadLetters(
  { cluster, names }: World,
  problems: Problems,
  group: string,
  expected: number,
): Promise<void> {
  const count = await cluster.admin.messageCount(names.fresh(`%DLQ%${group}`));
  problems.unless(count === expected, () => `${group}: ${count} dead letters, expected ${expected}`);
}

function judgeEvents(
  world: World,
  problems: Problems,
  given: {
    readonly member: ScenarioMember;
    readonly expected: Scenario['expect']['events'][string];
    readonly ignore: readonly EventType[];
  },
): void {
  const { member, expected, ignore } = given;
  const seen = groupBy(member.events, event => event.type);
  const text = (events: readonly ConsumerEvent[]): string =>
    some(events.map(event => eventText(event, world.names)));
  for (const [type, events] of seen) {
    problems.unless(
      expected[type] !== undefined || ignore.includes(type),
      () => `${member.name}: not expected: ${events.length} ${type}: ${text(events)}`,
    );
  }
  const types = Object.keys(expected) as EventType[]; // the keys of a record by event type
  for (const type of types) {
    const events = seen.get(type) ?? [];
    const wish = expected[type];
    problems.unless(
      wish === undefined || fulfils(events, wish, world),
      () => `${member.name}: ${events.length} ${type}, expected ${JSON.stringify(wish)}: ${text(events)}`,
    );
  }
}

function fulfils(seen: readonly ConsumerEvent[], wish: EventExpectation, { names }: World): boolean {
  if (typeof wish === 'number') return seen.length === wish;
  if ('inOrder' in wish) {
    const { inOrder } = wish;
    return (
      seen.length === inOrder.length && seen.every((event, index) => hasFacts(event, inOrder[index], names))
    );
  }
  const looked = seen.filter(event => hasFacts(event, wish.where, names));
  const { times = looked.length, atLeast = 0, each } = wish;
  return (
    looked.length === times && looked.length >= atLeast && looked.every(event => hasFacts(event, each, names))
  );
}

function judgeStates(
  problems: Problems,
  member: ScenarioMember,
  expected: readonly string[] | undefined,
): void {
  const seen = member.states();
  problems.unless(
    expected === undefined || seen.join() === expected.join(),
    () => `${member.name}: states ${seen.join(' → ')}`,
  );
}

/** What holds in every scenario: calls and locks in their order on the wire, and a shutdown that leaves nothing. */
function judgeLife(problems: Problems, member: ScenarioMember): void {
  const { name, trace, takesAll, report, locks, handoverTimeout } = member;
  const breaches = checkTrace(trace.entries, {
    ...{ ended: report !== undefined, everyMessageIsDelivered: takesAll, locks, handoverTimeout },
  });
  problems.none(
    breaches.map(({ rule, line, problem }) => `${rule}, line ${line}: ${problem}`),
    `${name}: breaches of the order on the wire`,
  );
  problems.unless(
    report?.clean !== false,
    () => `${name}: its shutdown was not clean: ${JSON.stringify(report)}`,
  );
}
