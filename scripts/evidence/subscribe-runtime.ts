// SPDX-License-Identifier: Apache-2.0
/** Is nothing lost when the members of a group change their subscriptions under load, one after the other or together? */
import { setTimeout as pause } from 'node:timers/promises';
import { execute, type Selector, tag } from '../../src/index.ts';
import type { SubscriptionCommand } from '../../src/machines/commands/work-command.ts';
import { judgeCommitted } from './kit/judge.ts';
import type { Report } from './kit/report.ts';
import type { Evidence, Stage } from './kit/stage.ts';
import { mostPerMinute } from './kit/wire-watch.ts';
import { Observed } from './subscribe/observed.ts';
import { SteadyLoad } from './subscribe/steady-load.ts';

const queues = 4;
const tags = ['a', 'b', 'c', 'd'] as const;
const heartbeatCode = 34;
/** SUBSCRIPTION_NOT_EXIST, SUBSCRIPTION_NOT_LATEST. */
const staleCodes = [24, 25];
/** A refused queue asks again after 1.5 s on average in the first minute (design.md G9), later more seldom: one a second for each queue is no loop. */
const mostStale = 60 * queues;
/** Their interval makes 2 a minute; those that are hurried 1, 2, 4, ... s apart 6; each change one or two. */
const mostBeats = 60;

export const subscribeRuntime: Evidence = {
  name: 'subscribe-runtime',
  about:
    'two members under load subscribe, unsubscribe and update selectors in all combinations: nothing is lost that matched throughout, no loop of code 24 or 25',
  shareOn: '4.9.7', // what it shows is ours, not the broker's
  async run(stage, report) {
    await allCombinations(stage, report);
    await differingForLong(stage, report.part('different topics for long'));
  },
};

interface Group {
  readonly members: readonly [Observed, Observed];
  readonly group: string;
  /** Always subscribed by both, but the selector changes: tag `a` is always in it. */
  readonly chosen: string;
  /** Always subscribed by both, all of it. */
  readonly steady: string;
  /** Comes and goes. */
  readonly coming: string;
}

async function begin(stage: Stage, name: string): Promise<Group> {
  const [chosen, steady, coming] = ['chosen', 'steady', 'coming'].map(each =>
    stage.fresh(`${name}-${each}`),
  ) as [string, string, string]; // one of each
  await Promise.all([chosen, steady, coming].map(topic => stage.cluster.createTopic(topic, { queues })));
  const group = stage.fresh(`${name}-group`);
  const member = (instanceName: string): Promise<Observed> =>
    new Observed({
      ...{ consumerGroup: group, namesrvAddr: stage.cluster.namesrvAddr, instanceName },
      subscriptions: [{ topic: chosen, selector: tag('a || b') }, { topic: steady }],
    }).start();
  return { members: [await member('one'), await member('two')], group, chosen, steady, coming };
}

type Who = 'one' | 'two' | 'both';

/** Every change by one, by the other, by both at once; whoever did not, follows. */
function* turns({
  chosen,
  coming,
}: Group): Generator<{ readonly who: Who; readonly command: SubscriptionCommand }> {
  let selector: Selector = tag('a || b');
  for (let time = 0; time < 2; time++) {
    for (const who of ['one', 'two', 'both'] as const) {
      yield { who, command: { type: 'consumer.subscribe', topic: coming } };
      selector = selector.expression === 'a || b' ? tag('a || c') : tag('a || b');
      yield { who, command: { type: 'consumer.updateSelector', topic: chosen, selector } };
      yield { who, command: { type: 'consumer.unsubscribe', topic: coming } };
    }
  }
}

async function allCombinations(stage: Stage, report: Report): Promise<void> {
  const group = await begin(stage, 'combined');
  const { members, chosen, steady, coming } = group;
  await using one = members[0];
  await using two = members[1];
  const rate = stage.pick({ full: 200, share: 60 });
  await using load = new SteadyLoad(stage, { topics: [chosen, steady, coming], tags, rate });
  await pause(stage.pick({ full: 3000, share: 500 }));
  let changes = 0;
  const apart: { readonly from: number; readonly to: number }[] = [];
  for (const { who, command } of turns(group)) {
    const first = who === 'one' ? [one] : who === 'two' ? [two] : [one, two];
    const rest = [one, two].filter(member => !first.includes(member));
    const from = performance.now();
    await Promise.all(first.map(({ actor }) => execute(actor, command)));
    await pause(stage.pick({ full: 3000, share: 250 }));
    await Promise.all(rest.map(({ actor }) => execute(actor, command)));
    apart.push({ from, to: performance.now() });
    changes += 2;
    stage.say(`${command.type} by ${who}: ${Math.round(performance.now() - from)} ms`);
    await pause(stage.pick({ full: 3000, share: 250 }));
  }
  await Promise.all(
    members.map(({ actor }) => execute(actor, { type: 'consumer.subscribe', topic: coming })),
  );
  await load.stop();
  const wanted = load.sent.filter(
    ({ topic, tag: each }) => topic === steady || topic === coming || each === 'a',
  );
  const missing = (): readonly string[] =>
    wanted.filter(({ id }) => !one.came.has(id) && !two.came.has(id)).map(({ id }) => id);
  await untilNothing(stage, 'message', () => missing().length);
  await caughtUp(stage, group);

  report.note('changes', changes);
  report.note('sent', load.sent.length);
  report.note('sent while members differed, or were changing', load.sent.filter(isWithin(apart)).length);
  report.note('came more than once', repeated([one, two]));
  for (const topic of [chosen, steady, coming]) {
    const name =
      topic === chosen
        ? 'tag in every selector'
        : topic === steady
          ? 'always subscribed'
          : 'coming and going';
    report.check(`${name}: lost`, missing().filter(id => id.startsWith(`${topic}/`)).length, { is: 0 });
  }
  for (const id of missing().slice(0, 5)) stage.say(`lost: ${id}`);
  judgeWire(report, group);
  await judgeEnd(stage, report, group);
}

/** Each has a topic that the other has not: every heartbeat of one takes the other's away. */
async function differingForLong(stage: Stage, report: Report): Promise<void> {
  const group = await begin(stage, 'differing');
  const { chosen, steady, coming } = group;
  await using one = group.members[0];
  await using two = group.members[1];
  const rate = stage.pick({ full: 100, share: 60 });
  await using load = new SteadyLoad(stage, { topics: [chosen, steady, coming], tags, rate });
  await execute(one.actor, { type: 'consumer.subscribe', topic: coming });
  await execute(two.actor, { type: 'consumer.unsubscribe', topic: chosen });
  await execute(one.actor, { type: 'consumer.unsubscribe', topic: chosen });
  await execute(two.actor, { type: 'consumer.subscribe', topic: chosen, selector: tag('a || b') });
  await pause(stage.pick({ full: 90_000, share: 6000 }));
  const meanwhile = load.sent.filter(({ topic }) => topic === steady);
  await untilNothing(stage, 'message of the common topic', () => unseen(meanwhile, [one, two]));
  report.check('common topic meanwhile: lost', unseen(meanwhile, [one, two]), { is: 0 });
  const apart = load.sent.filter(({ topic, tag: each }) => topic === coming || each === 'a' || each === 'b');
  report.note('unread of the others by then', unseen(apart, [one, two]));
  await execute(one.actor, { type: 'consumer.subscribe', topic: chosen, selector: tag('a || b') });
  await execute(two.actor, { type: 'consumer.subscribe', topic: coming });
  await load.stop();
  const wanted = load.sent.filter(({ topic, tag: each }) => topic !== chosen || each === 'a' || each === 'b');
  await untilNothing(stage, 'message', () => unseen(wanted, [one, two]));
  await caughtUp(stage, group);
  report.note('sent', load.sent.length);
  report.check('read after they were equal again: lost', unseen(wanted, [one, two]), { is: 0 });
  judgeWire(report, group);
  await judgeEnd(stage, report, group);
}

function unseen(sent: readonly { readonly id: string }[], members: readonly Observed[]): number {
  return sent.filter(({ id }) => members.every(({ came }) => !came.has(id))).length;
}

function isWithin(spans: readonly { readonly from: number; readonly to: number }[]) {
  return ({ at }: { readonly at: number }): boolean => spans.some(({ from, to }) => at >= from && at <= to);
}

function repeated(members: readonly Observed[]): number {
  const counts = new Map<string, number>();
  for (const { came } of members)
    for (const [id, times] of came) counts.set(id, (counts.get(id) ?? 0) + times);
  return [...counts.values()].filter(times => times > 1).length;
}

async function untilNothing(stage: Stage, what: string, left: () => number): Promise<void> {
  const deadline = performance.now() + 60_000;
  while (left() > 0 && performance.now() < deadline) await pause(100);
  if (left() > 0) stage.say(`${left()} missing: ${what}`);
}

/** What no selector wants is passed over and committed too. */
async function caughtUp(stage: Stage, { group, chosen, steady, coming }: Group): Promise<void> {
  for (const topic of [chosen, steady, coming]) await stage.cluster.admin.untilConsumed(topic, group, 60_000);
}

function judgeWire(report: Report, { members }: Group): void {
  members.forEach(({ wire, faults }, index) => {
    const part = report.part(`member ${index + 1}`);
    const stale = wire.answers.filter(({ code }) => staleCodes.includes(code));
    const beats = wire.requests.filter(({ code }) => code === heartbeatCode);
    part.note('pulls refused with 24 or 25', stale.length);
    part.check('of these in a minute at most', mostPerMinute(stale), { atMost: mostStale });
    part.check('heartbeats in a minute at most', mostPerMinute(beats), { atMost: mostBeats });
    const others = faults.map(({ code }) => code).filter(code => code !== 'RMQ_SUBSCRIPTION_STALE');
    part.check('other faults', others.join(', '), { is: '' });
  });
}

/** Both have what they were left with, and every queue is committed to its end. */
async function judgeEnd(stage: Stage, report: Report, group: Group): Promise<void> {
  await Promise.all(group.members.map(member => member[Symbol.asyncDispose]()));
  for (const topic of [group.chosen, group.steady, group.coming])
    await judgeCommitted(stage, report.part(topic.replace(/-\d+-\d+$/, '')), { topic, group: group.group });
}
