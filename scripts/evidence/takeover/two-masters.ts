// SPDX-License-Identifier: Apache-2.0
/** One of two masters is killed: do the queues of the other go on, and do they still find a new owner when theirs is killed too? */
import { setTimeout as pause } from 'node:timers/promises';
import { startCluster } from '../../../test/support/cluster/cluster.ts';
import { monotonicMs } from '../../../test/support/history/deliveries.ts';
import type { Report } from '../kit/report.ts';
import { clusterOptions, type Stage } from '../kit/stage.ts';
import { limits, WatchedCrew } from './watched-crew.ts';

export async function twoMasters(stage: Stage, report: Report): Promise<void> {
  const options = clusterOptions(stage.cluster.version, stage.size);
  stage.say('starting a cluster with two masters');
  await using cluster = await startCluster({
    ...options,
    brokers: [{ name: 'broker-a' }, { name: 'broker-b' }],
  });
  const own = stage.over(cluster);
  await using concurrent = await WatchedCrew.begin(own, 'concurrent');
  await using orderly = await WatchedCrew.begin(own, 'orderly');
  const crews = [concurrent, orderly];
  await Promise.all(crews.map(watched => watched.untilShared()));
  const at = monotonicMs();
  await cluster.broker('broker-b').kill();
  stage.say('one of two masters is killed');
  await pause(5000);
  await Promise.all(crews.map(watched => judgeOther(report.part(watched.kind), watched, at)));
  await cluster.broker('broker-b').restart();
  stage.say('it is back');
  await Promise.all(crews.map(watched => watched.untilShared()));
  for (const watched of crews) await watched.end(report.part(`${watched.kind}, two masters`));
}

async function judgeOther(report: Report, watched: WatchedCrew, at: number): Promise<void> {
  const other = watched.queues.filter(queue => queue.includes('@broker-a#'));
  const atMost = limits[watched.kind].left;
  const longest = watched.left(at, other);
  report
    .part('one of two masters killed')
    .check('queue of the other left alone, ms', longest?.ms ?? Infinity, { atMost });
  const member = watched.holder(other);
  const part = report.part('one of two masters and a holder killed');
  await watched.judgeLoss(part, { member, at: await member.kill(), among: other });
}
