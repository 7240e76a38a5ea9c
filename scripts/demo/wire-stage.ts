// SPDX-License-Identifier: Apache-2.0
/** What is the demo's stage on any other cluster? Its brokers, asked over the wire. */
import { setTimeout as pause } from 'node:timers/promises';
import { RawAdmin } from '../../test/support/cluster/raw-admin.ts';
import { queueCount, retryTopicOf, type Stage } from './stage.ts';

export interface WireStageOptions {
  readonly namesrvAddr: string;
  /** How the cluster is called on the board. Default: `cluster`. */
  readonly called?: string;
  /** Default 1: the shortest pause of the broker, 1 s as it comes. */
  readonly delayLevel?: number;
}

/**
 * Any cluster, over the wire. Makes the topic on its first broker unless it is there; topic and group stay.
 * @throws Error when no name server answers, or no broker is registered
 */
export async function wireStage({
  namesrvAddr,
  called = 'cluster',
  delayLevel = 1,
}: WireStageOptions): Promise<Stage> {
  const name = 'rocketmq-actors-demo';
  const admin = new RawAdmin(namesrvAddr);
  try {
    await makeTopic(admin, namesrvAddr, name);
    const queues = await admin.queues(name);
    const hasOneBroker = new Set(queues.map(({ brokerName }) => brokerName)).size === 1;
    const labelOf: Stage['labelOf'] = ({ brokerName, queueId }) =>
      hasOneBroker ? String(queueId) : `${brokerName}:${queueId}`;
    return {
      where: `${called} at ${namesrvAddr}`,
      ...{ namesrvAddr, topic: name, group: name, delayLevel, offsetsEvery: 1000, labelOf },
      offsets: async () => {
        const offsets = await admin.queueOffsets(name, name);
        return offsets.map(({ max, committed, ...queue }) => ({ label: labelOf(queue), max, committed }));
      },
      waitingRetries: () => admin.lag(retryTopicOf(name), name),
      [Symbol.asyncDispose]: async () => admin.close(),
    };
  } catch (error) {
    admin.close();
    throw error;
  }
}

async function makeTopic(admin: RawAdmin, namesrvAddr: string, topic: string): Promise<void> {
  const brokers = await admin.clusterBrokers().catch((cause: unknown) => {
    throw new Error(`no name server answers at ${namesrvAddr}`, { cause });
  });
  const master = brokers.find(({ addresses }) => addresses.has(0));
  if (master === undefined) throw new Error(`no broker is registered at ${namesrvAddr}`);
  if ((await admin.topicRoute(topic)) !== undefined) return;
  await admin.createTopic(master.brokerName, topic, queueCount);
  for (let tries = 50; (await admin.topicRoute(topic)) === undefined; tries--) {
    if (tries === 0) throw new Error(`${master.brokerName} made the topic ${topic}, but it is in no route`);
    await pause(100);
  }
}
