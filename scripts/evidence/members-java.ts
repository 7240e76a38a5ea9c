// SPDX-License-Identifier: Apache-2.0
/** Do our members and the official Java consumer share one group, and is nothing lost when it comes and goes? */
import { setTimeout as pause } from 'node:timers/promises';
import { type JavaRun, startJavaConsumer } from '../../test/support/cluster/java-programs.ts';
import { monotonicMs, readJavaDeliveries } from '../../test/support/history/deliveries.ts';
import { judgeCommitted, judgeHistory, judgeStop, untilDone } from './kit/judge.ts';
import { Load } from './kit/load.ts';
import { judgeSharing, touchesOf } from './kit/sharing.ts';
import type { Evidence } from './kit/stage.ts';

export const membersJava: Evidence = {
  name: 'members-java',
  about:
    '8 queues, 500 msg/s: two of ours and an official Java consumer that comes and goes: 0 lost, the split agreed',
  async run(stage, report) {
    // The Java client sometimes takes 20 s from its start to its first message, so the load lasts as long as it takes.
    const leastCount = stage.pick({ full: 50_000, share: 1000 });
    const atLeastMs = stage.pick({ full: 30_000, share: 2000 });
    const topic = stage.fresh('mixed');
    const group = stage.fresh('mixed-group');
    const out = stage.file(`${group}-java.out`);
    const inJava = { name: 'java', wire: () => [], deliveries: () => readJavaDeliveries(out) };
    const join = (name: string): ReturnType<typeof stage.member> =>
      stage.member({
        ...{ name, topic, group, handlerMs: 5 },
        config: { consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET' },
      });
    const memberCount = async (): Promise<number> =>
      (await stage.cluster.admin.consumerList(group, 'broker-a')).length;
    await stage.cluster.createTopic(topic, { queues: 8 });
    await using anna = join('anna');
    await anna.event('running');
    await using boris = join('boris');
    await boris.event('running');
    await using load = new Load(stage, { topic, rate: 500 });
    await stage.until('messages are sent', 30_000, () => load.sent > 0);
    await pause(stage.pick({ full: 5000, share: 500 }));

    await using java = startJavaConsumer(stage.cluster, { topic, group, out, sleepMs: 5, instance: 'java' });
    await stage.until('the Java consumer is known', 60_000, async () => (await memberCount()) === 3);
    const javaJoined = monotonicMs();
    stage.say('the Java consumer is known to the broker');
    const queuesInJava = (): number => new Set(readJavaDeliveries(out).map(({ queue }) => queue)).size;
    await stage.until('the Java consumer has messages of two queues', 90_000, () => queuesInJava() >= 2);
    await pause(atLeastMs);
    const javaLeft = monotonicMs();
    await java.stop();
    stage.say('the Java consumer has left');
    await pause(atLeastMs);
    await stage.until(`${leastCount} messages sent`, 200_000, () => load.sent >= leastCount);
    const end = monotonicMs();
    const count = await load.stop();
    await untilDone(stage, [anna, boris, inJava], count);
    const stops = [await anna.stop(), await boris.stop()];

    judgeSharing(stage, report, {
      touches: touchesOf(topic, [anna, boris, inJava]),
      changes: [
        { what: 'Java joins', at: javaJoined, split: '3/3/2' },
        { what: 'Java leaves', at: javaLeft, split: '4/4' },
      ],
      end,
      limit: undefined,
    });
    report.check('queues the Java consumer says it had', sharesOf(java), { is: true });
    await judgeHistory(stage, report, {
      topic,
      sent: { from: 0, to: count },
      deliveries: [anna.deliveries(), boris.deliveries(), inJava.deliveries()],
      repeats: 'told',
    });
    await judgeCommitted(stage, report, { topic, group });
    for (const stopped of stops) judgeStop(report, 'member', stopped);
  },
};

/** Its own account: its last share before it left was two or three queues. */
function sharesOf(java: JavaRun): boolean {
  const told = java.lines.filter(line => line.startsWith('ASSIGNED ')).map(line => Number(line.slice(9)));
  const last = told.filter(queues => queues > 0).at(-1);
  return last === 2 || last === 3;
}
