// SPDX-License-Identifier: Apache-2.0
/** Do exactly the orderly messages that failed too often end as dead letters, and are they still what they were? */
import { setTimeout as pause } from 'node:timers/promises';
import {
  type ConsumedMessage,
  produceByJava,
  readConsumed,
  startJavaConsumer,
} from '../../test/support/cluster/java-programs.ts';
import { Crew, judgeFaults, judgeStops } from './kit/crew.ts';
import { judgeCommitted, untilDone } from './kit/judge.ts';
import { judgeOrder } from './kit/judge-order.ts';
import type { Report } from './kit/report.ts';
import type { Evidence, Stage } from './kit/stage.ts';

const maxReconsumeTimes = 3;
const failEvery = 20;
const queues = 4;

interface Case {
  readonly name: string;
  readonly orderly: 'queue' | 'shardingKey';
  /** How often each n-th message fails. */
  readonly failTimes: number;
  readonly failBy: 'throw' | 'answer';
}

const cases: readonly Case[] = [
  { name: 'always failing, orderBy queue', orderly: 'queue', failTimes: 99, failBy: 'answer' },
  { name: 'always throwing, orderBy shardingKey', orderly: 'shardingKey', failTimes: 99, failBy: 'throw' },
  { name: 'failing as often as allowed', orderly: 'queue', failTimes: maxReconsumeTimes, failBy: 'answer' },
];

export const orderlyDeadLetters: Evidence = {
  name: 'orderly-dead-letters',
  about:
    'the dead letters are exactly the orderly messages that exceeded maxReconsumeTimes 3, with their topic and id, read by Java',
  shareOn: '5.5.0', // what it shows is ours, not the broker's
  async run(stage, report) {
    const count = stage.pick({ full: 10_000, share: 400 });
    const topic = stage.fresh('dying');
    await stage.cluster.createTopic(topic, { queues });
    await produceByJava(stage.cluster, { topic, count, sharding: 64, retry: true });
    const originals = await readByJava(stage, topic, count);
    await Promise.all(cases.map(each => die(stage, report.part(each.name), each, { topic, originals })));
  },
};

async function die(
  stage: Stage,
  report: Report,
  { orderly, failTimes, failBy }: Case,
  { topic, originals }: { readonly topic: string; readonly originals: readonly ConsumedMessage[] },
): Promise<void> {
  const dies = failTimes > maxReconsumeTimes;
  const failing = originals.filter(({ sequence }) => sequence % failEvery === 0);
  const dead = dies ? failing : [];
  const config = { maxReconsumeTimes, suspendCurrentQueueTimeMillis: 20 };
  const habits = { orderly, failEvery, failTimes, failBy, config };
  await using crew = new Crew(stage, 'dying', habits, topic);
  const { group } = crew;
  const member = crew.join('solo');
  await untilDone(stage, [member], originals.length - dead.length);
  await stage.until(`${dead.length} attempts to the end`, 60_000, () => {
    const last = member.deliveries().filter(({ reconsumeTimes }) => reconsumeTimes === maxReconsumeTimes);
    return last.length >= failing.length;
  });
  await pause(1500); // whatever dies once too often
  await crew.stop();

  const deliveries = member.deliveries();
  const attempts = 1 + maxReconsumeTimes;
  const fails = deliveries.filter(({ isDone }) => !isDone).length;
  report.note('messages', originals.length);
  report.check('deliveries that failed', fails, { is: failing.length * (dies ? attempts : failTimes) });
  report.check('done', deliveries.length - fails, { is: originals.length - dead.length });
  await judgeDead(stage, report, { group, topic, dead });
  const givenUp = new Set(
    dead.map(({ brokerName, queueId, queueOffset }) => `${topic}@${brokerName}#${queueId} ${queueOffset}`),
  );
  await judgeOrder(stage, report, { topic, by: orderly, members: crew.all, givenUp });
  await judgeCommitted(stage, report, { topic, group });
  judgeStops(report, crew);
  judgeFaults(stage, report, crew, failBy === 'throw' ? ['RMQ_LISTENER_FAILED'] : []);
}

/** Read by the official consumer, which shows topic and ids as the broker stored them. */
async function judgeDead(
  stage: Stage,
  report: Report,
  given: { readonly group: string; readonly topic: string; readonly dead: readonly ConsumedMessage[] },
): Promise<void> {
  const { group, topic, dead } = given;
  const deadTopic = `%DLQ%${group}`;
  const { admin } = stage.cluster;
  report.check('dead letters', await admin.messageCount(deadTopic), { is: dead.length });
  if (dead.length === 0) return;
  await admin.createTopic('broker-a', deadTopic, 1); // brokers make it for writing only
  const letters = await readByJava(stage, deadTopic, dead.length);
  const bySequence = new Map(letters.map(letter => [letter.sequence, letter]));
  const agree = (same: (letter: ConsumedMessage, original: ConsumedMessage) => boolean): number =>
    dead.filter(original => {
      const letter = bySequence.get(original.sequence);
      return letter !== undefined && same(letter, original);
    }).length;
  const all = { is: dead.length };
  report.check('different messages among them', bySequence.size, all);
  report.check(
    'exactly those that failed too often',
    agree(() => true),
    all,
  );
  report.check(
    'with their topic',
    agree(letter => letter.retryTopic === topic),
    all,
  );
  report.check(
    'with the id of their producer',
    agree((letter, { msgId }) => letter.msgId === msgId),
    all,
  );
  // What a broker would not take by 36 goes as a copy, which names the producer's id, as Java's does.
  const stored = agree((letter, { offsetMsgId }) => letter.originId === offsetMsgId);
  const copied = agree((letter, { msgId }) => letter.originId === msgId);
  report.check('with the id of their original', stored + copied, all);
  report.note('of these by a copy', copied);
  const keepsKey = agree((letter, { shardingKey }) => letter.shardingKey === shardingKey);
  report.check('with their sharding key', keepsKey, all);
}

async function readByJava(stage: Stage, topic: string, count: number): Promise<readonly ConsumedMessage[]> {
  const group = stage.fresh('reader');
  const out = stage.file(`${group}.out`);
  await using run = startJavaConsumer(stage.cluster, { topic, group, out, exitAfter: count });
  await run.line(/^CONSUMED/, 60_000);
  await run.finished;
  return readConsumed(out);
}
