// SPDX-License-Identifier: Apache-2.0
/** Does a failed message come again as RocketMQ means it, and does the offset wait until the broker has taken it back? */
import { setTimeout as pause } from 'node:timers/promises';
import { produceByJava } from '../../test/support/cluster/java-programs.ts';
import type { Delivery } from '../../test/support/history/deliveries.ts';
import { CommitWatch } from './kit/commit-watch.ts';
import { judgeCommitted, judgeHistory, judgeStop, untilDone } from './kit/judge.ts';
import type { Member, MemberEvent } from './kit/member.ts';
import type { Report } from './kit/report.ts';
import type { Evidence, Stage } from './kit/stage.ts';

const sendBackCode = 36;
const sendCode = 310;
const updateBrokerConfigCode = 25;
const failEvery = 10;
const failTimes = 2;

export const retry: Evidence = {
  name: 'retry',
  about:
    'what throws or answers RECONSUME_LATER goes back by 36 and comes again, counted; no offset passes it before that',
  async run(stage, report) {
    const runs = await Promise.all([comesAgain(stage, 'throw'), comesAgain(stage, 'answer')]);
    for (const run of runs) await judgeComeback(stage, report.part(run.failBy), run);
    await waitsForTheBroker(stage, report.part('refused'));
  },
};

interface Comeback {
  readonly failBy: 'throw' | 'answer';
  readonly topic: string;
  readonly group: string;
  readonly count: number;
  readonly member: Pick<Member, 'deliveries' | 'wire'>;
  readonly stopped: MemberEvent;
}

/** Each tenth message fails twice. */
async function comesAgain(stage: Stage, failBy: Comeback['failBy']): Promise<Comeback> {
  const count = stage.pick({ full: 10_000, share: 200 });
  const topic = stage.fresh(`retry-${failBy}`);
  const group = stage.fresh(`retry-${failBy}-group`);
  await stage.cluster.createTopic(topic, { queues: 4 });
  await produceByJava(stage.cluster, { topic, count, retry: true });
  await using member = stage.member({
    ...{ name: 'solo', topic, group, failEvery, failTimes, failBy },
    config: { consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET' },
  });
  await untilDone(stage, [member], count);
  await pause(1000); // whatever comes once too often
  return { failBy, topic, group, count, member, stopped: await member.stop() };
}

async function judgeComeback(stage: Stage, report: Report, run: Comeback): Promise<void> {
  const { topic, group, count, member } = run;
  const failing = count / failEvery;
  const deliveries = member.deliveries();
  const back = deliveries.filter(({ reconsumeTimes }) => reconsumeTimes > 0);
  const fromRetryTopic = back.filter(({ queue }) => queue.startsWith(`%RETRY%${group}@`)).length;
  const all = { is: failing * failTimes };
  report.note(`messages that fail ${failTimes} times`, failing);
  report.check('failed deliveries', deliveries.filter(({ isDone }) => !isDone).length, all);
  report.check('sent back by 36', member.wire().filter(({ code }) => code === sendBackCode).length, all);
  report.check('attempts counted 0, 1, 2', countedRight(deliveries), { is: failing });
  report.check('came again from the retry topic', fromRetryTopic, all);
  report.check('their topic restored', back.filter(each => each.topic === topic).length, all);
  await judgeHistory(stage, report, {
    ...{ topic, sent: { from: 0, to: count }, deliveries: [deliveries], repeats: 'none' as const },
  });
  await judgeCommitted(stage, report, { topic, group });
  await judgeCommitted(stage, report.part('retry topic'), { topic: `%RETRY%${group}`, group });
  judgeStop(report, 'consumer', run.stopped);
}

function doneIn(member: Member): ReadonlySet<number> {
  return new Set(member.deliveries().flatMap(each => (each.isDone ? [each.sequence] : [])));
}

/** How many of those that fail were delivered with 0, 1 and 2 failed attempts behind them, in this order, and no more. */
function countedRight(deliveries: readonly Delivery[]): number {
  const attempts = new Map<number, number[]>();
  for (const { sequence, reconsumeTimes } of deliveries) {
    if (sequence % failEvery === 0)
      attempts.set(sequence, [...(attempts.get(sequence) ?? []), reconsumeTimes]);
  }
  return [...attempts.values()].filter(counts => counts.join() === '0,1,2').length;
}

/** The broker takes nothing (it is made read-only) while one message fails: neither 36 nor a send to the retry topic works. */
async function waitsForTheBroker(stage: Stage, report: Report): Promise<void> {
  const count = 200;
  const held = 50;
  const topic = stage.fresh('refused');
  const group = stage.fresh('refused-group');
  await stage.cluster.createTopic(topic, { queues: 2 });
  await produceByJava(stage.cluster, { topic, count, retry: true });
  await using commits = new CommitWatch(stage, { topic, group, queues: 2 });
  await using member = stage.member({
    ...{ name: 'solo', topic, group, hold: held },
    config: { consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET', persistConsumerOffsetInterval: 500 },
  });
  const { queueId, queueOffset } = await member.event('holding');
  await stage.until('the others are done', 60_000, () => doneIn(member).size === count - 1);
  await setBrokerPermission(stage, 4);
  try {
    member.release();
    await stage.until('a send-back', 30_000, () => sentBack(member) > 0);
    await pause(stage.pick({ full: 20_000, share: 7000 })); // a local retry comes after 5 s
  } finally {
    await setBrokerPermission(stage, 6);
  }
  const refused = sentBack(member);
  // Brokers refuse 36 here, but not a plain copy to the retry topic: once that is sent, the offset may pass.
  const copiedAt = Math.min(...member.wire().flatMap(({ code, at }) => (code === sendCode ? [at] : [])));
  const passed = commits.samples.filter(
    each =>
      each.queue === `${topic}#${String(queueId)}` &&
      (each.committed ?? 0) > Number(queueOffset) &&
      each.at < copiedAt,
  );
  await member.event('retried');
  member.mend();
  await stage.until('every message done', 60_000, () => doneIn(member).size === count);
  const stopped = await member.stop();

  report.note('send-backs tried', refused);
  report.check('samples of a committed offset past the message', passed.length, { is: 0 });
  report.check('steps back of a committed offset', commits.stepsBack().length, { is: 0 });
  await judgeHistory(stage, report, {
    ...{ topic, sent: { from: 0, to: count }, deliveries: [member.deliveries()], repeats: 'none' as const },
  });
  await judgeCommitted(stage, report, { topic, group });
  judgeStop(report, 'consumer', stopped);
}

function sentBack(member: Member): number {
  return member.wire().filter(({ code }) => code === sendBackCode).length;
}

/** 4: it may be read only, 6: read and written. */
async function setBrokerPermission({ cluster }: Stage, permission: 4 | 6): Promise<void> {
  const body = Buffer.from(`brokerPermission=${permission}\n`);
  const { address } = cluster.broker('broker-a');
  const { code, remark } = await cluster.admin.request(address, { code: updateBrokerConfigCode, body });
  if (code !== 0) throw new Error(`the broker refused to change its permission: ${remark}`);
}
