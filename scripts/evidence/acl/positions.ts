// SPDX-License-Identifier: Apache-2.0
/** Does a tool that signs as a user with SUB alone learn where queues begin and end, without being a member of the group? */
import { ConsumeFromWhereManager, createOffsetStore } from '../../../src/index.ts';
import type { Report } from '../kit/report.ts';
import type { Stage } from '../kit/stage.ts';
import { consumer } from './cast.ts';

/** The group has consumed the topic to its end, and has no member now. */
export async function positions(stage: Stage, report: Report): Promise<void> {
  const [topic, consumerGroup] = ['orders', 'first'];
  const { namesrvAddr, admin } = stage.cluster;
  const config = { consumerGroup, namesrvAddr, credentials: consumer };
  const [known] = await admin.queueOffsets(topic, consumerGroup);
  if (known === undefined) throw new Error(`${topic} has no queues`);
  const queue = { topic, brokerName: known.brokerName, queueId: known.queueId };
  await using manager = new ConsumeFromWhereManager(config);
  report.check('first', await manager.offsetAt(queue, 'first'), { is: known.min });
  report.check('last', await manager.offsetAt(queue, 'last'), { is: known.max });
  await using store = createOffsetStore(config);
  await store.start();
  report.check('committed', (await store.readOffset(queue)) ?? 'nothing', {
    is: known.committed ?? 'nothing',
  });
  const members = await admin.consumerList(consumerGroup, known.brokerName);
  report.check('members of the group meanwhile', members.length, { is: 0 });
}
