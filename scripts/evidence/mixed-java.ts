// SPDX-License-Identifier: Apache-2.0
/** Do ours and official Java consumers share one group, concurrent and orderly, while members of both kinds come and go? */
import { setTimeout as pause } from 'node:timers/promises';
import { type JavaRun, startJavaConsumer } from '../../test/support/cluster/java-programs.ts';
import { type Delivery, monotonicMs, readJavaDeliveries } from '../../test/support/history/deliveries.ts';
import { Crew, judgeFaults, judgeStops } from './kit/crew.ts';
import { judgeCommitted, judgeHistory, untilDone } from './kit/judge.ts';
import { judgeOrder } from './kit/judge-order.ts';
import { Load } from './kit/load.ts';
import type { Report } from './kit/report.ts';
import { type Change, judgeSharing, touchesOf } from './kit/sharing.ts';
import type { Evidence, Stage } from './kit/stage.ts';

type Kind = 'concurrent' | 'orderly';

/** Unit: ms. Java asks for locks and members every 20 s when it missed a change. */
const limits = { ours: 1000, java: 25_000 } as const;
/** No multiple of 8: each queue has some. */
const failEvery = 51;

export const mixedJava: Evidence = {
  name: 'mixed-java',
  about:
    'ours and official Java members in one group, concurrent and orderly: 0 lost, settled in 1 s (25 s where Java comes or goes), no Java retry among the dead letters',
  async run(stage, report) {
    await Promise.all([
      mixed(stage, report.part('concurrent'), 'concurrent'),
      mixed(stage, report.part('orderly'), 'orderly'),
    ]);
  },
};

interface JavaMember extends AsyncDisposable {
  readonly name: string;
  readonly run: JavaRun;
  wire(): [];
  deliveries(): readonly Delivery[];
}

async function mixed(stage: Stage, report: Report, kind: Kind): Promise<void> {
  const restMs = stage.pick({ full: 8000, share: 2000 });
  const javaRestMs = stage.pick({ full: 30_000, share: 3000 });
  await using crew = new Crew(stage, `mixed-${kind}`, {
    handlerMs: 5,
    ...(kind === 'orderly' && { orderly: 'queue' as const }),
  });
  const { topic } = crew;
  await stage.cluster.createTopic(topic, { queues: 8 });
  const anna = crew.join('anna');
  await anna.event('running');
  await using load = new Load(stage, { topic, rate: stage.pick({ full: 400, share: 200 }) });
  await stage.until('messages are handled', 30_000, () => anna.deliveries().length > 0);
  const boris = crew.join('boris');
  await boris.event('running');
  await pause(restMs);
  const javaJoins = monotonicMs(); // it may pull before it is seen to take part
  await using java = startJava(stage, crew, kind);
  await takesPart(stage, crew, java);
  await pause(javaRestMs);
  const javaLeft = monotonicMs();
  await java.run.stop();
  stage.say(`${kind}: the Java member has left`);
  await pause(stage.pick({ full: javaRestMs, share: 8000 }));
  await boris.stop();
  await pause(restMs);
  const end = monotonicMs();
  const count = await load.stop();
  await untilDone(stage, [...crew.all, java], count);
  await crew.stop();

  const changes: readonly Change[] = [
    { what: 'one of ours joins', at: (await boris.event('starting')).at, split: '4/4', limit: limits.ours },
    { what: 'Java joins', at: javaJoins, split: '3/3/2', limit: limits.java },
    { what: 'Java leaves', at: javaLeft, split: '4/4', limit: limits.java },
    { what: 'one of ours leaves', at: (await boris.event('stopping')).at, split: '8', limit: limits.ours },
  ];
  const touches = touchesOf(topic, [...crew.all, java]);
  judgeSharing(stage, report, { touches, changes, end, limit: undefined });
  await judgeRun(stage, report, { kind, crew, java, count });
}

function startJava(stage: Stage, { topic, group }: Crew, mode: Kind): JavaMember {
  const out = stage.file(`${group}-java.out`);
  // Half of what fails goes back by a plain send, which a 5.x broker may take for a dead letter while a lock is held.
  const failing = mode === 'concurrent' ? ({ failEvery, failBy: 'both' } as const) : { failEvery };
  const options = { topic, group, mode, out, sleepMs: 5, instance: 'java', ...failing };
  const run = startJavaConsumer(stage.cluster, options);
  return {
    ...{ name: 'java', run, wire: () => [], deliveries: () => readJavaDeliveries(out) },
    [Symbol.asyncDispose]: () => run[Symbol.asyncDispose](),
  };
}

/** Resolves when it has messages of its share; with the time at which its broker knew it. */
async function takesPart(stage: Stage, { group, topic }: Crew, java: JavaMember): Promise<void> {
  await stage.until('the Java member is known', 60_000, async () => {
    const { length } = await stage.cluster.admin.consumerList(group, 'broker-a');
    return length === 3;
  });
  const at = monotonicMs();
  const share = (): number =>
    new Set(java.deliveries().flatMap(({ queue }) => (queue.startsWith(`${topic}@`) ? [queue] : []))).size;
  await stage.until('the Java member has messages of two queues', 90_000, () => share() >= 2);
  stage.say(`${group}: the Java member takes part after ${Math.round(monotonicMs() - at)} ms`);
}

async function judgeRun(
  stage: Stage,
  report: Report,
  run: { readonly kind: Kind; readonly crew: Crew; readonly java: JavaMember; readonly count: number },
): Promise<void> {
  const { kind, crew, java, count } = run;
  const { topic, group } = crew;
  const inJava = java.deliveries();
  const deliveries = [...crew.deliveries(), inJava];
  report.note('delivered to Java', inJava.length);
  report.check('failed in Java', inJava.filter(({ isDone }) => !isDone).length, { atLeast: 1 });
  const dead = await stage.cluster.admin.messageCount(`%DLQ%${group}`);
  report.check('dead letters', dead, { is: 0 });
  await judgeHistory(stage, report, {
    ...{ topic, sent: { from: 0, to: count }, deliveries, repeats: 'told' as const },
  });
  await judgeCommitted(stage, report, { topic, group });
  if (kind === 'orderly')
    await judgeOrder(stage, report, { topic, by: 'queue', members: [...crew.all, java] });
  else {
    const again = deliveries.flat().filter(({ queue, isDone }) => queue.startsWith('%RETRY%') && isDone);
    report.check('Java retries done', again.length, { atLeast: 1 });
  }
  judgeStops(report, crew);
  judgeFaults(stage, report, crew);
}
