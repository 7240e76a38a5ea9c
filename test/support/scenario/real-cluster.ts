// SPDX-License-Identifier: Apache-2.0
/** How does a scenario use a real Apache RocketMQ? Time passes by itself. */
import { setTimeout as pause } from 'node:timers/promises';
import { type Clock, systemClock } from '../../../src/index.ts';
import { type Cluster, type Node, type RocketmqVersion, startCluster } from '../cluster/cluster.ts';
import { ClusterError } from '../cluster/errors.ts';
import type { RawAdmin } from '../cluster/raw-admin.ts';
import {
  brokerNames,
  type ClusterUnderTest,
  lookAgainAfter,
  type ServerUnderTest,
  type StartCluster,
  shortDelays,
} from './cluster-under-test.ts';

/** Starts Apache RocketMQ of that version, with these pauses of its delay levels. */
export function startRealCluster(version: RocketmqVersion, messageDelayLevel = shortDelays): StartCluster {
  return async ({ brokers, nameServers }) =>
    new RealUnderTest(
      await startCluster({
        version,
        nameServers,
        brokers: brokerNames(brokers).map(name => ({ name })),
        brokerProperties: { messageDelayLevel },
      }),
    );
}

class RealUnderTest implements ClusterUnderTest {
  readonly name: string;
  readonly namesrvAddr: string;
  readonly brokers: readonly ServerUnderTest[];
  readonly nameServers: readonly ServerUnderTest[];
  readonly clock: Clock = systemClock;
  readonly admin: RawAdmin;
  readonly #cluster: Cluster;

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
    this.name = cluster.version;
    this.namesrvAddr = cluster.namesrvAddr;
    this.admin = cluster.admin;
    this.brokers = cluster.brokers.map(node => serverOf(node, node.brokerName));
    this.nameServers = cluster.nameServers.map(node => serverOf(node, node.name));
  }

  async setQueues(topic: string, queues: number): Promise<void> {
    await this.#cluster.createTopic(topic, { queues });
  }

  async emptyNameServers(): Promise<void> {
    for (const { address } of this.nameServers) {
      for (const broker of await this.admin.clusterBrokers(address))
        await this.admin.unregisterBroker(address, broker);
    }
  }

  async fillNameServers(): Promise<void> {
    for (const { address } of this.brokers) await this.admin.registerNow(address);
  }

  async until(what: string, limitMs: number, isTrue: () => boolean | Promise<boolean>): Promise<void> {
    const deadline = performance.now() + limitMs;
    for (let answer = isTrue(); !(await answer); answer = isTrue()) {
      if (performance.now() > deadline) throw new ClusterError('TIMED_OUT', `${what}: not in ${limitMs} ms`);
      await pause(lookAgainAfter(answer));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#cluster.stop();
  }
}

function serverOf(node: Node, name: string): ServerUnderTest {
  return {
    name,
    address: node.address,
    get isRunning() {
      return node.isRunning && !node.isSuspended;
    },
    kill: () => node.kill(),
    start: () => node.restart(),
    suspend: () => node.suspend(),
    resume: () => node.resume(),
  };
}
