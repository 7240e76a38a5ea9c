// SPDX-License-Identifier: Apache-2.0
/** What is the demo's stage when nothing is given? An embedded cluster, looked into from this process. */
import { type Clock, systemClock } from '../../src/index.ts';
import { type EmbeddedBroker, startEmbeddedCluster } from '../../src/testing/index.ts';
import { type QueueOffsets, queueCount, retryTopicOf, type Stage } from './stage.ts';

/** In this process; its third and fourth delay levels, with which retries begin, are 1 s and 2 s. */
export async function embeddedStage(clock: Clock = systemClock): Promise<Stage> {
  const cluster = await startEmbeddedCluster({ messageDelayLevel: '1s 1s 1s 2s 3s 5s 8s', clock });
  const [topic, group] = ['orders', 'shop'];
  cluster.createTopic(topic, { queues: queueCount });
  const broker = cluster.broker();
  return {
    where: `embedded cluster at ${cluster.namesrvAddr}`,
    namesrvAddr: cluster.namesrvAddr,
    ...{ topic, group, delayLevel: 0, offsetsEvery: 100 },
    labelOf: ({ queueId }) => String(queueId),
    offsets: async () => offsetsIn(broker, topic, group),
    waitingRetries: async () =>
      offsetsIn(broker, retryTopicOf(group), group).reduce(
        (sum, { max, committed }) => sum + max - (committed ?? 0),
        0,
      ),
    [Symbol.asyncDispose]: () => cluster.stop(),
  };
}

function offsetsIn(broker: EmbeddedBroker, topic: string, group: string): readonly QueueOffsets[] {
  return broker.queues(topic).map(({ queueId, maxOffset }) => ({
    label: String(queueId),
    max: maxOffset,
    committed: broker.committed(group, topic, queueId),
  }));
}
