// SPDX-License-Identifier: Apache-2.0
/** Does a broker that is killed and comes back cost a message, and how soon do deliveries go on? */
import { setTimeout as pause } from 'node:timers/promises';
import { produceByJava, startJavaProducer } from '../../test/support/cluster/java-programs.ts';
import type { Delivery } from '../../test/support/history/deliveries.ts';
import { monotonicMs } from '../../test/support/history/deliveries.ts';
import { toMonotonic } from './kit/clock.ts';
import { judgeCommitted, judgeHistory, judgeStop, untilDone } from './kit/judge.ts';
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

    const deliveries = member.deliveries();
    for (const [index, { killedAt, portOpenedAt }] of outages.entries()) {
      const which = `restart ${index + 1}`;
      report.note(`${which}: port closed, ms`, portOpenedAt - killedAt);
      report.note(
        `${which}: last delivery after the kill, ms`,
        lastBefore(deliveries, portOpenedAt) - killedAt,
      );
      report.speed(
        `${which}: first delivery after the port opened, ms`,
        firstAfter(deliveries, portOpenedAt) - portOpenedAt,
        {
          atMost: firstDeliveryLimit,
        },
      );
    }
    report.note('repeats of the producer', Number(produced.summary['retries']));
    await judgeHistory(stage, report, {
      ...{ topic, sent: { from: 0, to: count }, deliveries: [deliveries], repeats: 'told' as const },
    });
    await judgeCommitted(stage, report, { topic, group });
    judgeStop(report, 'consumer', stopped);
    report.check(
      'queues revoked while it ran',
      member.all('revoked').filter(({ reason }) => reason !== 'shutdown').length,
      {
        is: 0,
      },
    );
    const corrected = member.all('corrected');
    for (const { queue, from, to, reason } of corrected)
      stage.say(JSON.stringify({ queue, from, to, reason }));
    report.note('offsets corrected', corrected.length);
  },
};

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
  return Math.min(
    ...deliveries
      .filter(each => each.at > at)
      .slice(0, 5000)
      .map(each => each.at),
  );
}

function lastBefore(deliveries: readonly Delivery[], at: number): number {
  return Math.max(
    ...deliveries
      .filter(each => each.at < at)
      .slice(-5000)
      .map(each => each.at),
  );
}
