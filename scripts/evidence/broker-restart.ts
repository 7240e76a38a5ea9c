// SPDX-License-Identifier: Apache-2.0
/** Does a broker that is killed and comes back cost a message, and how soon do deliveries go on? */
import { setTimeout as pause } from 'node:timers/promises';
import { produceByJava, startJavaProducer } from '../../test/support/cluster/java-programs.ts';
import { type Delivery, monotonicMs } from '../../test/support/history/deliveries.ts';
import { toMonotonic } from './kit/clock.ts';
import { judgeCommitted, judgeHistory, judgeStop, untilDone } from './kit/judge.ts';
import type { Member } from './kit/member.ts';
import type { Report } from './kit/report.ts';
import type { Evidence, Stage } from './kit/stage.ts';

/** Unit: ms, from the opening of the broker's port. */
const firstDeliveryLimit = 5000;

interface Outage {
  readonly killedAt: number;
  readonly portOpenedAt: number;
}

export const brokerRestart: Evidence = {
  name: 'broker-restart',
  about:
    'the broker killed (-9) and restarted twice in 100,000 messages: 0 lost, first delivery within 5 s of its port opening',
  async run(stage, report) {
    // Slow handlers and a backlog: at each kill there is something left at the broker, and little in the member.
    const backlog = stage.pick({ full: 30_000, share: 10_000 });
    const count = stage.pick({ full: 100_000, share: 16_000 });
    const topic = stage.fresh('restart');
    const group = stage.fresh('restart-group');
    await stage.cluster.createTopic(topic, { queues: 8 });
    await produceByJava(stage.cluster, { topic, count: backlog, retry: true });

    await using member = stage.member({
      ...{ name: 'solo', topic, group, handlerMs: 25 },
      config: { consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET', pullThresholdForQueue: 100 },
    });
    await member.event('running');
    await using producer = startJavaProducer(stage.cluster, {
      ...{ topic, start: backlog, count: count - backlog, retry: true },
      rate: stage.pick({ full: 2000, share: 1000 }),
    });
    await producer.line(/^READY/);
    const outages: Outage[] = [];
    for (let round = 0; round < stage.pick({ full: 2, share: 1 }); round += 1) {
      await pause(stage.pick({ full: 8000, share: 1500 }));
      outages.push(await outage(stage));
    }
    const produced = await producer.finished;
    stage.say(
      `the producer was acknowledged ${produced.summary['sent']}, after ${produced.summary['retries']} repeats`,
    );
    await untilDone(stage, [member], count, 180_000);
    const stopped = await member.stop();

    judgeOutages(stage, report, member, outages);
    report.note('repeats of the producer', Number(produced.summary['retries']));
    await judgeHistory(stage, report, {
      ...{ topic, sent: { from: 0, to: count }, deliveries: [member.deliveries()], repeats: 'told' as const },
    });
    await judgeCommitted(stage, report, { topic, group });
    judgeStop(report, 'consumer', stopped);
  },
};

function judgeOutages(stage: Stage, report: Report, member: Member, outages: readonly Outage[]): void {
  const deliveries = member.deliveries();
  for (const [index, { killedAt, portOpenedAt }] of outages.entries()) {
    const part = report.part(`restart ${index + 1}`);
    part.note('port closed, ms', portOpenedAt - killedAt);
    part.note('last delivery after the kill, ms', lastBefore(deliveries, portOpenedAt) - killedAt);
    part.speed(
      'first delivery after the port opened, ms',
      firstAfter(deliveries, portOpenedAt) - portOpenedAt,
      {
        atMost: firstDeliveryLimit,
      },
    );
  }
  const revoked = member.all('revoked').filter(({ reason }) => reason !== 'shutdown').length;
  report.check('queues revoked while it ran', revoked, { is: 0 });
  const corrected = member.all('corrected');
  for (const { queue, from, to, reason } of corrected) stage.say(JSON.stringify({ queue, from, to, reason }));
  report.note('offsets corrected', corrected.length);
}

async function outage(stage: Stage): Promise<Outage> {
  const broker = stage.cluster.broker('broker-a');
  const killedAt = monotonicMs();
  await broker.kill();
  stage.say('the broker is killed');
  await broker.restart();
  stage.say('the broker is back');
  return { killedAt, portOpenedAt: toMonotonic(broker.portOpenedAt) };
}

function firstAfter(deliveries: readonly Delivery[], at: number): number {
  return deliveries.reduce((first, each) => (each.at > at ? Math.min(first, each.at) : first), Infinity);
}

function lastBefore(deliveries: readonly Delivery[], at: number): number {
  return deliveries.reduce((last, each) => (each.at < at ? Math.max(last, each.at) : last), 0);
}
