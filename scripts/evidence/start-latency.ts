// SPDX-License-Identifier: Apache-2.0
/** How soon after `start()` does the first message come, in a fresh process, from a backlog? */
import { produceByJava } from '../../test/support/cluster/java-programs.ts';
import type { Report } from './kit/report.ts';
import type { Evidence, Stage } from './kit/stage.ts';

const limitMs = 300;

export const startLatency: Evidence = {
  name: 'start-latency',
  about:
    '60 starts in fresh processes on an idle cluster with a backlog: start() to first delivery, p95 ≤ 300 ms',
  async run(stage, report) {
    const starts = stage.pick({ full: 60, share: 3 });
    const topic = stage.fresh('starts');
    await stage.cluster.createTopic(topic, { queues: 8 });
    await produceByJava(stage.cluster, { topic, count: 20_000, retry: true });

    const newGroup = await measure(stage, starts, topic, () => stage.fresh('starts-new'));
    const group = stage.fresh('starts-known');
    const knownGroup = await measure(stage, starts, topic, () => group);

    tell(report, 'a new group each time', newGroup);
    tell(report, 'one group, restarted', knownGroup);
    report.check('starts', newGroup.length + knownGroup.length, { is: 2 * starts });
  },
};

/** One process after the other, each measuring itself: from `start()` to the first call of its listener. Unit: ms. */
async function measure(stage: Stage, starts: number, topic: string, group: () => string): Promise<number[]> {
  const latencies: number[] = [];
  for (let index = 0; index < starts; index += 1) {
    await using member = stage.member({
      ...{ name: `start-${index}`, topic, group: group(), wire: false },
      // It stops itself at once; few messages at a time, so that the backlog lasts for all starts.
      ...{ exitAfter: 1, handlerMs: 20 },
      config: { consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET', consumeConcurrency: 8 },
    });
    const first = await member.event('firstDelivery');
    latencies.push(Number(first['msSinceStart']));
    await member.event('stopped');
    await member.ended;
  }
  return latencies;
}

function tell(report: Report, what: string, latencies: readonly number[]): void {
  const sorted = latencies.toSorted((a, b) => a - b);
  const at = (share: number): number => sorted[Math.ceil(share * sorted.length) - 1] ?? Number.NaN;
  report.note(`${what}: p50, ms`, at(0.5));
  report.speed(`${what}: p95, ms`, at(0.95), { atMost: limitMs });
  report.note(`${what}: max, ms`, at(1));
}
