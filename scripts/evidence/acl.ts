// SPDX-License-Identifier: Apache-2.0
/** Does a user who may only consume get everything he should, and is everybody else told at once what is missing? */
import { startCluster } from '../../test/support/cluster/cluster.ts';
import type { RocketmqVersion } from '../../test/support/cluster/jars.ts';
import { cast, place } from './acl/cast.ts';
import { firstAndLast, handedOver, retried, timestamps } from './acl/consuming.ts';
import { positions } from './acl/positions.ts';
import { refusals } from './acl/refusals.ts';
import { rotated } from './acl/rotated.ts';
import type { Report } from './kit/report.ts';
import type { Evidence, Stage } from './kit/stage.ts';

export const acl: Evidence = {
  name: 'acl',
  about:
    'brokers that check users: SUB is enough to consume, hand over and retry; whoever may not is told at once what is missing',
  needsCluster: false, // it needs one of its own
  async run(stage, report) {
    const versions = stage.pick<readonly RocketmqVersion[]>({ full: ['5.4.0', '4.9.7'], share: ['5.5.0'] });
    for (const version of versions) {
      stage.say(`starting Apache RocketMQ ${version} with ACL`);
      await using cluster = await startCluster({
        version,
        acl: cast,
        brokerProperties: { messageDelayLevel: '1s 1s 1s 1s 2s 2s 3s 3s 5s 5s' },
      });
      for (const topic of place.topics) await cluster.createTopic(topic, { queues: place.queues });
      await onCluster(stage.over(cluster), report.part(version));
    }
  },
};

async function onCluster(stage: Stage, report: Report): Promise<void> {
  const isVersion5 = !stage.cluster.version.startsWith('4.');
  await firstAndLast(stage, report, isVersion5);
  await positions(stage, report.part('tools'));
  await handedOver(stage, report.part('hand-over'));
  await retried(stage, report.part('retries'));
  await timestamps(stage, report.part('TIMESTAMP'), isVersion5); // ACL 1.0 knows PUB and SUB only
  await refusals(stage, report, isVersion5);
  if (isVersion5) await rotated(stage, report.part('rotated secret'));
}
