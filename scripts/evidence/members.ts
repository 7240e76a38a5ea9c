// SPDX-License-Identifier: Apache-2.0
/** Do members share the queues as designed, does a change settle within a second, and is nothing lost on the way? */
import { setTimeout as pause } from 'node:timers/promises';
import { startJavaProducer } from '../../test/support/cluster/java-programs.ts';
import { monotonicMs } from '../../test/support/history/deliveries.ts';
import { judgeCommitted, judgeHistory, judgeStop, untilDone } from './kit/judge.ts';
import { judgeSharing, touchesOf } from './kit/sharing.ts';
import type { Evidence } from './kit/stage.ts';

const rate = 500;
const settleLimitMs = 1000;

export const members: Evidence = {
  name: 'members',
  about:
    '8 queues, 500 msg/s, 5 ms handlers: two members 4/4, a third joins 3/3/2, one leaves 4/4; each settled in 1 s, 0 lost',
  async run(stage, report) {
    const count = stage.pick({ full: 50_000, share: 6000 });
    const between = stage.pick({ full: 24_000, share: 2500 });
    const topic = stage.fresh('members');
    const group = stage.fresh('members-group');
    const join = (name: string): ReturnType<typeof stage.member> =>
      stage.member({
        ...{ name, topic, group, handlerMs: 5 },
        config: { consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET' },
      });
    await stage.cluster.createTopic(topic, { queues: 8 });

    await using anna = join('anna');
    await anna.event('running');
    await using producer = startJavaProducer(stage.cluster, { topic, count, rate, retry: true });
    await producer.line(/^PROGRESS sent=[1-9]/);
    await using boris = join('boris');
    await boris.event('running');
    await pause(between);
    await using clara = join('clara');
    await clara.event('running');
    await pause(between);
    const annaStopped = await anna.stop();
    await producer.finished;
    const end = monotonicMs();
    await untilDone(stage, [anna, boris, clara], count);
    const stops = [await boris.stop(), await clara.stop()];

    const all = [anna, boris, clara];
    judgeSharing(stage, report, {
      touches: touchesOf(topic, all),
      changes: [
        { what: 'the second joins', at: (await boris.event('starting')).at, split: '4/4' },
        { what: 'the third joins', at: (await clara.event('starting')).at, split: '3/3/2' },
        { what: 'the first leaves', at: (await anna.event('stopping')).at, split: '4/4' },
      ],
      end,
      limit: settleLimitMs,
    });
    await judgeHistory(stage, report, {
      topic,
      sent: { from: 0, to: count },
      deliveries: all.map(member => member.deliveries()),
      repeats: 'told',
    });
    await judgeCommitted(stage, report, { topic, group });
    judgeStop(report, 'leaver', annaStopped);
    for (const stopped of stops) judgeStop(report, 'stayer', stopped);
    report.check('faults', all.flatMap(member => member.all('fault')).length, { is: 0 });
    report.check('warnings', all.flatMap(member => member.log).length, { is: 0 });
  },
};
