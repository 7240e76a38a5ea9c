// SPDX-License-Identifier: Apache-2.0
/** Does a listener get what its selector says and nothing else, by tag and by SQL92, and is what nobody wants passed over? */
import { setTimeout as pause } from 'node:timers/promises';
import {
  createProducer,
  execute,
  type Message,
  RocketmqError,
  type Selector,
  sql,
  tag,
} from '../../src/index.ts';
import { judgeCommitted } from './kit/judge.ts';
import type { Report } from './kit/report.ts';
import type { Evidence, Stage } from './kit/stage.ts';
import { Observed } from './subscribe/observed.ts';

const queues = 4;
const width = 64;
const updateBrokerConfigCode = 25;

export const filters: Evidence = {
  name: 'filters',
  about:
    'tags with equal hashes are told apart, SQL92 selects by properties and is checked before use, stretches nobody wants are passed over and committed',
  async run(stage, report) {
    await tagsApart(stage, report.part('tags with equal hashes'));
    await selectedBySql(stage, report.part('SQL92'));
    await passedOver(stage, report.part('nothing wanted'), tag('wanted'));
    await passedOver(stage, report.part('nothing wanted, SQL92'), sql("kind = 'wanted'"));
    await refusedSql(stage, report.part('SQL92 that cannot be parsed'));
    await switchedOff(stage, report.part('SQL92 switched off'));
  },
};

/** `Aa` and `BB` have the same hash, by which brokers filter. */
async function tagsApart(stage: Stage, report: Report): Promise<void> {
  const { topic, group } = await place(stage, 'collision');
  const count = stage.pick({ full: 3000, share: 300 });
  await send(stage, numbers(count), number => {
    const tags = ['Aa', 'BB', 'C'][number % 3] ?? 'C';
    return { topic, body: `${tags}/${number}`, tags };
  });
  await using member = await observed(stage, { topic, group, selector: tag('Aa') }).start();
  await stage.cluster.admin.untilConsumed(topic, group, 60_000);
  report.check('of the tag', ofKind(member, 'Aa'), { is: count / 3 });
  report.check('of the tag with the same hash', ofKind(member, 'BB'), { is: 0 });
  report.check('of others', ofKind(member, 'C'), { is: 0 });
  await judgeEnd(stage, report, { topic, group, member });
}

async function selectedBySql(stage: Stage, report: Report): Promise<void> {
  const { topic, group } = await place(stage, 'sql');
  const count = stage.pick({ full: 4000, share: 400 });
  await send(stage, numbers(count), number => ({
    topic,
    body: `${isDear(number) ? 'match' : 'other'}/${number}`,
    properties: { price: String(number % 20), region: number % 2 === 0 ? 'eu' : 'us' },
  }));
  const selector = sql("price > 10 AND region = 'eu'");
  await using member = await observed(stage, { topic, group, selector }).start();
  await stage.cluster.admin.untilConsumed(topic, group, 60_000);
  report.check('that match', ofKind(member, 'match'), { is: numbers(count).filter(isDear).length });
  report.check('that do not', ofKind(member, 'other'), { is: 0 });

  await execute(member.actor, { type: 'consumer.updateSelector', topic, selector: sql('price = 3') });
  await send(stage, numbers(100), number => ({
    topic,
    body: `${number % 20 === 3 ? 'later' : 'other'}/${number}`,
    properties: { price: String(number % 20), region: 'eu' },
  }));
  await stage.cluster.admin.untilConsumed(topic, group, 60_000);
  report.check('that match another expression later on', ofKind(member, 'later'), { is: 5 });
  report.check('that do not', ofKind(member, 'other'), { is: 0 });
  await judgeEnd(stage, report, { topic, group, member });
}

function isDear(number: number): boolean {
  return number % 20 > 10 && number % 2 === 0;
}

/** A backlog without a single match, then one that matches. */
async function passedOver(stage: Stage, report: Report, selector: Selector): Promise<void> {
  const { topic, group } = await place(stage, 'unwanted');
  const count = stage.pick({ full: 10_000, share: 1000 });
  await send(stage, numbers(count), number => ({
    ...{ topic, body: `other/${number}`, tags: 'other' },
    properties: { kind: 'other' },
  }));
  const begun = performance.now();
  await using member = await observed(stage, { topic, group, selector }).start();
  await stage.cluster.admin.untilConsumed(topic, group, 60_000);
  report.note(`${count} passed over and committed, ms`, Math.round(performance.now() - begun));
  report.check('delivered of them', member.came.size, { is: 0 });
  await send(stage, [0], () => ({
    ...{ topic, body: 'match/0', tags: 'wanted' },
    properties: { kind: 'wanted' },
  }));
  await stage.until('the one that matches', 30_000, () => member.came.has('match/0'));
  report.check('delivered of what came then', member.came.size, { is: 1 });
  await judgeEnd(stage, report, { topic, group, member });
}

/** At the start, at a subscribe and at an update: refused with the complaint, and nothing is changed. */
async function refusedSql(stage: Stage, report: Report): Promise<void> {
  const { topic, group } = await place(stage, 'bad-sql');
  const expression = 'price >';
  const failed = await startFailure(observed(stage, { topic, group, selector: sql(expression) }));
  report.check('start', codeOf(failed), { is: 'RMQ_SELECTOR_REFUSED' });
  report.check('names topic and expression', saysAll(failed, [topic, expression]), { is: true });
  stage.say(String(failed));
  const registered = await stage.cluster.admin.consumerConnection(group, 'broker-a');
  report.check('members the broker has heard of', registered?.members.length ?? 0, { is: 0 });

  await using member = await observed(stage, { topic, group, selector: tag('a') }).start();
  const commands = [
    { type: 'consumer.updateSelector', topic, selector: sql(expression) },
    { type: 'consumer.subscribe', topic: `${topic}-other`, selector: sql(expression) },
  ] as const;
  for (const command of commands) {
    const refused: unknown = await execute(member.actor, command).catch((error: unknown) => error);
    report.check(command.type, codeOf(refused), { is: 'RMQ_SELECTOR_REFUSED' });
  }
  const known = await stage.cluster.admin.consumerConnection(group, 'broker-a');
  report.check('what the broker has', known?.subscriptions[topic] ?? 'nothing', { is: 'a' });
  report.check('topics the broker has', Object.keys(known?.subscriptions ?? {}).length, { is: 2 });
  await send(stage, numbers(8), number => ({ topic, body: `a/${number}`, tags: 'a' }));
  await stage.until('the old selector counts', 30_000, () => ofKind(member, 'a') === 8);
  await execute(member.actor, { type: 'consumer.updateSelector', topic, selector: tag('order_*') });
  report.check('warnings of what looks like a pattern', member.warnings.length, { is: 1 });
  await judgeEnd(stage, report, { topic, group, member });
}

/** `enablePropertyFilter=false`, which is a broker's default. */
async function switchedOff(stage: Stage, report: Report): Promise<void> {
  const { topic, group } = await place(stage, 'no-sql');
  await setFilter(stage, false);
  try {
    const failed = await startFailure(observed(stage, { topic, group, selector: sql('price > 1') }));
    report.check('start', codeOf(failed), { is: 'RMQ_SELECTOR_REFUSED' });
    report.check('says what to switch on', saysAll(failed, ['enablePropertyFilter=true']), { is: true });
    stage.say(String(failed));
  } finally {
    await setFilter(stage, true);
  }
  await using member = await observed(stage, { topic, group, selector: sql('price > 1') }).start();
  report.check('switched on again: faults', member.faults.length, { is: 0 });
}

async function setFilter({ cluster }: Stage, isOn: boolean): Promise<void> {
  const body = Buffer.from(`enablePropertyFilter=${isOn}\n`);
  const { address } = cluster.broker('broker-a');
  const { code, remark } = await cluster.admin.request(address, { code: updateBrokerConfigCode, body });
  if (code !== 0) throw new Error(`the broker refused to change its filter: ${remark}`);
}

async function place(
  stage: Stage,
  name: string,
): Promise<{ readonly topic: string; readonly group: string }> {
  const topic = stage.fresh(name);
  await stage.cluster.createTopic(topic, { queues });
  return { topic, group: stage.fresh(`${name}-group`) };
}

function observed(
  { cluster }: Stage,
  given: { readonly topic: string; readonly group: string; readonly selector: Selector },
): Observed {
  const { topic, group, selector } = given;
  return new Observed({
    ...{ consumerGroup: group, namesrvAddr: cluster.namesrvAddr, persistConsumerOffsetInterval: 500 },
    subscriptions: [{ topic, selector }],
  });
}

async function startFailure(member: Observed): Promise<unknown> {
  const failed: unknown = await member.start().catch((error: unknown) => error);
  await member[Symbol.asyncDispose]();
  return failed;
}

function codeOf(error: unknown): string {
  return error instanceof RocketmqError ? error.code : 'no error of ours';
}

function saysAll(error: unknown, words: readonly string[]): boolean {
  return error instanceof RocketmqError && words.every(word => error.message.includes(word));
}

function ofKind({ came }: Observed, kind: string): number {
  return [...came.keys()].filter(id => id.startsWith(`${kind}/`)).length;
}

function numbers(count: number): readonly number[] {
  return Array.from({ length: count }, (_, index) => index);
}

async function send(
  { cluster, fresh }: Stage,
  all: readonly number[],
  messageOf: (number: number) => Message,
): Promise<void> {
  await using producer = createProducer({ namesrvAddr: cluster.namesrvAddr, producerGroup: fresh('sender') });
  await producer.start();
  for (let from = 0; from < all.length; from += width)
    await Promise.all(all.slice(from, from + width).map(number => producer.send(messageOf(number))));
}

async function judgeEnd(
  stage: Stage,
  report: Report,
  given: { readonly topic: string; readonly group: string; readonly member: Observed },
): Promise<void> {
  const { topic, group, member } = given;
  await pause(100); // whatever comes once too often
  report.check('came twice', [...member.came.values()].filter(times => times > 1).length, { is: 0 });
  report.check('faults', member.faults.map(({ code }) => code).join(', '), { is: '' });
  await member[Symbol.asyncDispose]();
  await judgeCommitted(stage, report, { topic, group });
}
