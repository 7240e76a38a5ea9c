// SPDX-License-Identifier: Apache-2.0
/** Does every one of a million messages arrive exactly once, in little memory, and are all offsets at the broker in the end? */
import { produceByJava } from '../../test/support/cluster/java-programs.ts';
import { judgeCommitted, judgeHistory, judgeStop } from './kit/judge.ts';
import type { Evidence } from './kit/stage.ts';

const queues = 8;

export const million: Evidence = {
  name: 'million',
  about:
    '1,000,000 messages of 256 B from the Java producer in 8 queues, one consumer: each exactly once, all committed, ≤ 120 MB',
  async run(stage, report) {
    const count = stage.pick({ full: 1_000_000, share: 20_000 });
    const topic = stage.fresh('million');
    const group = stage.fresh('million-group');
    await stage.cluster.createTopic(topic, { queues });
    const produced = await produceByJava(stage.cluster, { topic, count, size: 256, threads: 2, retry: true });
    stage.say(`the Java producer sent ${count} at ${produced.summary['rate']}/s`);

    await using member = stage.member({
      ...{ name: 'solo', topic, group, flush: 'often' as const, wire: false },
      config: { consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET' },
    });
    await member.event('running');
    stage.say('the consumer runs');
    await stage.cluster.admin.untilConsumed(topic, group, 600_000);
    const stopped = await member.stop();

    const deliveries = member.deliveries();
    await judgeHistory(stage, report, {
      ...{ topic, sent: { from: 0, to: count }, deliveries: [deliveries], repeats: 'none' as const },
    });
    await judgeCommitted(stage, report, { topic, group });
    judgeStop(report, 'consumer', stopped);
    report.check('VmHWM, MB', Number(stopped['peakMemoryMb']), { atMost: 120 });
    const ms = (deliveries.at(-1)?.at ?? 0) - (deliveries[0]?.at ?? 0);
    report.note('rate while writing each one down, msg/s', Math.round((count * 1000) / ms));
    report.check('faults', member.all('fault').length, { is: 0 });
    report.check('warnings', member.log.length, { is: 0 });
  },
};
