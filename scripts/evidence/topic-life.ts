// SPDX-License-Identifier: Apache-2.0
/** What becomes of a topic's queues when it is deleted, made again, resized or closed, when a broker comes or goes, when name servers forget? */
import { startCluster } from '../../test/support/cluster/cluster.ts';
import type { Report } from './kit/report.ts';
import { clusterOptions, type Evidence, type Stage } from './kit/stage.ts';
import { comesAndGoes, forgotten } from './topic-life/brokers.ts';
import { deletedAndMadeAgain, resized } from './topic-life/topics.ts';

export const topicLife: Evidence = {
  name: 'topic-life',
  shareOn: '5.5.0',
  about:
    'under load a topic goes 8 → 4 → 8 queues, is closed and opened, deleted and made again; a broker is added and removed; name servers forget all: 0 lost of what is readable, settled ≤ 30 s after the route shows it, no hot loop',
  async run(stage, report) {
    if (stage.size === 'share') {
      await topics(stage, report);
      await forgotten(stage, report.part('name servers forget'));
      return;
    }
    stage.say('starting a cluster with two masters');
    await using cluster = await startCluster({
      ...clusterOptions(stage.cluster.version, stage.size),
      brokers: [{ name: 'broker-a' }, { name: 'broker-b' }],
    });
    const own: Stage = stage.over(cluster);
    await topics(own, report);
    await forgotten(own, report.part('name servers forget'));
    await comesAndGoes(own, report.part('broker'));
  },
};

/** Side by side; one that fails does not leave the other behind. */
async function topics(stage: Stage, report: Report): Promise<void> {
  const parts = await Promise.allSettled([
    resized(stage, report.part('resized')),
    deletedAndMadeAgain(stage, report.part('deleted')),
  ]);
  for (const part of parts) if (part.status === 'rejected') throw part.reason;
}
