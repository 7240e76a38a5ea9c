// SPDX-License-Identifier: Apache-2.0
/** Is the order of queues and of sharding keys kept while members join, leave and are killed, and what does order cost? */
import { setTimeout as pause } from 'node:timers/promises';
import { type JavaRun, produceByJava, startJavaProducer } from '../../test/support/cluster/java-programs.ts';
import { monotonicMs } from '../../test/support/history/deliveries.ts';
import { Crew, judgeStops } from './kit/crew.ts';
import { judgeCommitted, judgeHistory, untilDone } from './kit/judge.ts';
import { judgeOrder } from './kit/judge-order.ts';
import type { Report } from './kit/report.ts';
import type { Evidence, Stage } from './kit/stage.ts';

type Mode = 'queue' | 'shardingKey';

const keys = 64;
const queues = 8;
/** Some messages are not done at once: their queue, or key, rests and they come again. */
const failEvery = 997;

export const orderly: Evidence = {
  name: 'orderly',
  about:
    '64 keys, 100,000 messages, members joining, leaving, killed all the time, the broker restarted: no gap, inversion or concurrent delivery',
  async run(stage, report) {
    const restart = brokerRestarted(stage);
    await Promise.all([
      churned(stage, report.part('orderBy queue'), 'queue', restart),
      churned(stage, report.part('orderBy shardingKey'), 'shardingKey', restart),
    ]);
    await tellSpeeds(stage, report);
  },
};

/** While the broker was away, and a second more, in which members reconnect. Unit: CLOCK_MONOTONIC ms. */
interface Outage {
  readonly from: number;
  readonly to: number;
}

/** Once, in the middle of both groups' time. */
async function brokerRestarted(stage: Stage): Promise<Outage> {
  await pause(stage.pick({ full: 60_000, share: 15_000 }));
  const broker = stage.cluster.broker('broker-a');
  const from = monotonicMs();
  await broker.kill();
  stage.say('the broker is killed');
  await broker.restart();
  stage.say('the broker is back');
  return { from, to: monotonicMs() + 1000 };
}

async function churned(stage: Stage, report: Report, mode: Mode, restart: Promise<Outage>): Promise<void> {
  const count = stage.pick({ full: 100_000, share: 2400 });
  const rate = stage.pick({ full: 800, share: 160 });
  await using crew = new Crew(stage, `orderly-${mode}`, {
    ...{ handlerMs: 1, orderly: mode, failEvery, failBy: 'answer' as const },
    config: { suspendCurrentQueueTimeMillis: 100 },
  });
  const { topic, group } = crew;
  await stage.cluster.createTopic(topic, { queues });
  await Promise.all(['m1', 'm2', 'm3'].map(name => crew.join(name).event('running')));
  await using producer = startJavaProducer(stage.cluster, {
    topic,
    count,
    rate,
    sharding: keys,
    retry: true,
  });
  await producer.line(/^READY/);
  const changes = await churn(stage, crew, producer);
  stage.say(`${mode}: ${changes} changes; the producer has sent all`);
  await untilDone(stage, crew.all, count, 180_000);
  const { summary } = await producer.finished;
  await crew.stop();

  report.note('changes among the members', changes);
  report.note('repeats of the producer', Number(summary['retries']));
  report.note('messages not done at once', crew.deliveries().flat().filter(isFailed).length);
  const { repeated } = await judgeOrder(stage, report, { topic, by: mode, members: crew.all });
  report.note('done again after a kill', repeated);
  const sent = { from: 0, to: count };
  await judgeHistory(stage, report, { topic, sent, deliveries: crew.deliveries(), repeats: 'told' });
  await judgeCommitted(stage, report, { topic, group });
  judgeStops(report, crew, await restart);
}

function isFailed({
  isDone,
  until,
}: {
  readonly isDone: boolean;
  readonly until?: number | undefined;
}): boolean {
  return !isDone && until !== undefined;
}

/**
 * Somebody comes, goes or is killed, three or four members at a time, until all is sent. Whose lock a killed one had, waits
 * until it ends: hence kills are rarer, and in small before the broker's restart, which forgets locks. How often.
 */
async function churn(stage: Stage, crew: Crew, producer: JavaRun): Promise<number> {
  const turns = stage.pick<readonly ('join' | 'leave' | 'kill')[]>({
    full: ['join', 'leave', 'join', 'kill', 'join', 'leave', 'join', 'leave'],
    share: [
      'join',
      'kill',
      'join',
      'kill',
      'join',
      'leave',
      'join',
      'leave',
      'join',
      'leave',
      'join',
      'leave',
    ],
  });
  const everyMs = stage.pick({ full: 2000, share: 2500 });
  let sending = true;
  void producer.finished.then(() => {
    sending = false;
  });
  let changes = 0;
  for (; sending; changes += 1) {
    const [oldest] = crew.living;
    const turn = turns[changes % turns.length];
    if (turn === 'kill') await oldest?.kill();
    else if (turn === 'leave') await oldest?.stop();
    else crew.join(`m${crew.all.length + 1}`);
    await pause(everyMs);
  }
  return changes;
}

/** The same backlog by concurrent listeners and by orderly ones; messages a second from the first to the last. */
async function tellSpeeds(stage: Stage, report: Report): Promise<void> {
  for (const [handlerMs, count] of stage.pick({
    full: [[0, 100_000] as const, [5, 20_000] as const],
    share: [[5, 2000] as const],
  })) {
    const backlog = stage.fresh('backlog');
    await stage.cluster.createTopic(backlog, { queues });
    await produceByJava(stage.cluster, { topic: backlog, count, sharding: keys, retry: true });
    for (const mode of ['concurrent', 'queue', 'shardingKey'] as const) {
      const rate = await speed(stage, { topic: backlog, mode, handlerMs, count });
      report.note(`${handlerMs} ms handlers, ${nameOf(mode)}, messages/s`, Math.round(rate));
    }
  }
}

function nameOf(mode: Mode | 'concurrent'): string {
  return mode === 'concurrent' ? mode : `orderBy ${mode}`;
}

async function speed(
  stage: Stage,
  given: {
    readonly topic: string;
    readonly mode: Mode | 'concurrent';
    readonly handlerMs: number;
    readonly count: number;
  },
): Promise<number> {
  const { topic, mode, handlerMs, count } = given;
  await using member = stage.member({
    ...{ name: 'solo', topic, group: stage.fresh('speed'), handlerMs, flush: 'often', wire: false },
    ...(mode !== 'concurrent' && { orderly: mode }),
    config: { consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET' },
  });
  await untilDone(stage, [member], count);
  await member.stop();
  const deliveries = member.deliveries();
  const first = deliveries.reduce((least, { at }) => Math.min(least, at), Infinity);
  const last = deliveries.reduce((most, { until = 0 }) => Math.max(most, until), 0);
  return (deliveries.length * 1000) / (last - first);
}
