// SPDX-License-Identifier: Apache-2.0
/** Where are retries shown? On a real cluster and on the embedded one, through the same few questions. */
import type { Environment } from '../../../src/index.ts';
import { retryTopicOf } from '../../../src/model/names.ts';
import { startEmbeddedCluster } from '../../../src/testing/embedded/embedded-cluster.ts';
import { tcpDialer } from '../../../src/transport/tcp-dialer.ts';
import type { Cluster } from '../../../test/support/cluster/cluster.ts';
import { type Refusal, RefusingDialer } from './refusing-dialer.ts';

const sendBackCode = 36;
const sendCode = 310;

export interface Place extends AsyncDisposable {
  readonly name: string;
  readonly namesrvAddr: string;
  createTopic(topic: string, queues: number): Promise<void>;
  /** Real brokers make the dead letters for writing only. */
  openDeadLetters(group: string): Promise<void>;
  committed(group: string, topic: string, queueId: number): Promise<number | undefined>;
  /** One past the last message of a queue. */
  maxOffset(topic: string, queueId: number): Promise<number>;
  /** The consumer of this group, which has yet to be made, cannot hand messages back, or neither that nor copies. */
  refuse(group: string, how: Refusal, what: 'sendBacks' | 'sendBacksAndCopies'): Refusing;
}

export interface Refusing {
  readonly how: Refusal;
  /** For the consumer. */
  readonly environment: Environment;
  /** From now on everything is taken. */
  stop(): void;
  sendBacks(): number;
  copies(): number;
}

export function deadLettersOf(group: string): string {
  return `%DLQ%${group}`;
}

export function realPlace(cluster: Cluster): Place {
  const queue = (queueId: number) => ({ brokerName: 'broker-a', queueId });
  return {
    name: `Apache RocketMQ ${cluster.version}`,
    namesrvAddr: cluster.namesrvAddr,
    createTopic: async (topic, queues) => {
      await cluster.createTopic(topic, { queues });
    },
    openDeadLetters: group => cluster.admin.createTopic('broker-a', deadLettersOf(group), 1),
    committed: (group, topic, queueId) => cluster.admin.consumerOffset(group, topic, queue(queueId)),
    maxOffset: (topic, queueId) => cluster.admin.maxOffset(topic, queue(queueId)),
    refuse: (_, how, what) => {
      const codes = what === 'sendBacks' ? [sendBackCode] : [sendBackCode, sendCode];
      const dialer = new RefusingDialer(tcpDialer(), how, codes);
      return {
        how,
        environment: { dialer },
        stop: () => dialer.stop(),
        sendBacks: () => dialer.written.get(sendBackCode) ?? 0,
        copies: () => dialer.written.get(sendCode) ?? 0,
      };
    },
    [Symbol.asyncDispose]: async () => {}, // it belongs to the stage
  };
}

const interferences = {
  error: { kind: 'answer', code: 1, remark: 'refused, as told' },
  silence: { kind: 'drop' },
  cut: { kind: 'disconnect' },
} as const;

export async function embeddedPlace(messageDelayLevel: string): Promise<Place> {
  const cluster = await startEmbeddedCluster({ messageDelayLevel });
  const broker = cluster.broker();
  return {
    name: 'embedded',
    namesrvAddr: cluster.namesrvAddr,
    createTopic: async (topic, queues) => cluster.createTopic(topic, { queues }),
    openDeadLetters: async () => {},
    committed: async (...which) => broker.committed(...which),
    maxOffset: async (topic, queueId) => broker.queues(topic)[queueId]?.maxOffset ?? 0,
    refuse: (group, how, what) => {
      const sendBacks = { request: sendBackCode, group };
      const copies = { request: sendCode, topic: retryTopicOf(group) };
      const rules = (what === 'sendBacks' ? [sendBacks] : [sendBacks, copies]).map(match =>
        cluster.interfere(match, interferences[how]),
      );
      return {
        how,
        environment: {},
        stop: () => {
          for (const rule of rules) rule.remove();
        },
        sendBacks: () => cluster.requests(sendBacks).length,
        copies: () => cluster.requests(copies).length,
      };
    },
    [Symbol.asyncDispose]: () => cluster.stop(),
  };
}
