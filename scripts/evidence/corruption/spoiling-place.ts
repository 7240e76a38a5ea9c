// SPDX-License-Identifier: Apache-2.0
/** Where are damaged messages shown? On a real cluster, changed on their way, and on the embedded one, changed by its broker. */
import type { Environment } from '../../../src/index.ts';
import { startEmbeddedCluster } from '../../../src/testing/embedded/embedded-cluster.ts';
import type { MessageDamage } from '../../../src/testing/index.ts';
import { tcpDialer } from '../../../src/transport/tcp-dialer.ts';
import type { Cluster } from '../../../test/support/cluster/cluster.ts';
import { DamagingDialer, type Spoiled, type StoredPlace } from './damaging-dialer.ts';

export interface SpoilingPlace extends AsyncDisposable {
  readonly namesrvAddr: string;
  /** For the consumer that is to meet the damage. */
  readonly environment: Environment;
  createTopic(topic: string, queues: number): Promise<void>;
  committed(group: string, topic: string, queueId: number): Promise<number | undefined>;
  /** One past the last message of a queue. */
  maxOffset(topic: string, queueId: number): Promise<number>;
  /** `times`: in so many answers that bring the message. */
  damage(place: StoredPlace, what: MessageDamage, times: number): Spoiled;
}

export function realPlace(cluster: Cluster): SpoilingPlace {
  const queue = (queueId: number) => ({ brokerName: 'broker-a', queueId });
  const dialer = new DamagingDialer(tcpDialer());
  return {
    namesrvAddr: cluster.namesrvAddr,
    environment: { dialer },
    createTopic: async (topic, queues) => {
      await cluster.createTopic(topic, { queues });
    },
    committed: (group, topic, queueId) => cluster.admin.consumerOffset(group, topic, queue(queueId)),
    maxOffset: (topic, queueId) => cluster.admin.maxOffset(topic, queue(queueId)),
    damage: (...given) => dialer.damage(...given),
    [Symbol.asyncDispose]: async () => {}, // it belongs to the stage
  };
}

export async function embeddedPlace(): Promise<SpoilingPlace> {
  const cluster = await startEmbeddedCluster();
  const broker = cluster.broker();
  return {
    namesrvAddr: cluster.namesrvAddr,
    environment: {},
    createTopic: async (topic, queues) => cluster.createTopic(topic, { queues }),
    committed: async (...which) => broker.committed(...which),
    maxOffset: async (topic, queueId) => broker.queues(topic)[queueId]?.maxOffset ?? 0,
    damage: (place, what, times) => broker.damage(place, what, { times }),
    [Symbol.asyncDispose]: () => cluster.stop(),
  };
}
