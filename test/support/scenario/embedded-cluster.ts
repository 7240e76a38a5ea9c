// SPDX-License-Identifier: Apache-2.0
/** How does a scenario use the embedded cluster? Time stands still until something is waited for, and then runs as fast as it can. */
import type { EmbeddedCluster, EmbeddedServer, Rule } from '../../../src/testing/embedded/cluster.types.ts';
import { startEmbeddedCluster } from '../../../src/testing/embedded/embedded-cluster.ts';
import { TestClock } from '../../../src/testing/test-clock.ts';
import { ClusterError } from '../cluster/errors.ts';
import { RawAdmin } from '../cluster/raw-admin.ts';
import {
  brokerNames,
  type ClusterSize,
  type ClusterUnderTest,
  lookAgainAfter,
  type ServerUnderTest,
  type StartCluster,
  shortDelays,
} from './cluster-under-test.ts';

/** How far time goes on at once. Small beside every timeout: answers must find time to arrive. Unit: ms. */
const stepMs = 10;
const routeCode = 105;
const topicNotExist = 17;

export const startEmbedded: StartCluster = size => startEmbeddedWith(size, () => {});

/** The same, after something was done to it, requests interfered with for example, or with other pauses of its delay levels. */
export async function startEmbeddedWith(
  { brokers, nameServers }: ClusterSize,
  prepare: (cluster: EmbeddedCluster) => void,
  messageDelayLevel = shortDelays,
): Promise<ClusterUnderTest> {
  const clock = new TestClock({ wallNow: Date.now() });
  const cluster = await startEmbeddedCluster({
    brokers: brokerNames(brokers).map(name => ({ name })),
    nameServers,
    clock,
    messageDelayLevel,
  });
  prepare(cluster);
  return new EmbeddedUnderTest(cluster, clock);
}

class EmbeddedUnderTest implements ClusterUnderTest {
  readonly name = 'embedded';
  readonly namesrvAddr: string;
  readonly brokers: readonly ServerUnderTest[];
  readonly nameServers: readonly ServerUnderTest[];
  readonly clock: TestClock;
  readonly admin: RawAdmin;
  readonly #cluster: EmbeddedCluster;
  #emptied: Rule | undefined;

  constructor(cluster: EmbeddedCluster, clock: TestClock) {
    this.#cluster = cluster;
    this.clock = clock;
    this.namesrvAddr = cluster.namesrvAddr;
    this.admin = new RawAdmin(cluster.namesrvAddr);
    this.brokers = cluster.brokers.map(serverOf);
    this.nameServers = cluster.nameServers.map(serverOf);
  }

  /** Over the wire, as the tools of Apache RocketMQ do it. */
  async setQueues(topic: string, queues: number): Promise<void> {
    for (const { name } of this.brokers) await this.admin.createTopic(name, topic, queues);
  }

  async emptyNameServers(): Promise<void> {
    this.#emptied ??= this.#cluster.interfere(
      { request: routeCode },
      { kind: 'answer', code: topicNotExist, remark: 'No topic route info in name server' },
    );
  }

  async fillNameServers(): Promise<void> {
    this.#emptied?.remove();
    this.#emptied = undefined;
  }

  async until(what: string, limitMs: number, isTrue: () => boolean | Promise<boolean>): Promise<void> {
    const deadline = this.clock.now() + limitMs;
    for (let answer = isTrue(); !(await answer); answer = isTrue()) {
      if (this.clock.now() > deadline) throw new ClusterError('TIMED_OUT', `${what}: not in ${limitMs} ms`);
      const next = this.clock.now() + lookAgainAfter(answer);
      while (this.clock.now() < next) await this.clock.advance(stepMs);
    }
  }

  /** @throws Error when a timer of members, producers or servers is left */
  async [Symbol.asyncDispose](): Promise<void> {
    this.admin.close();
    await this.#cluster.stop();
    if (this.clock.pending > 0) throw new Error(`${this.clock.pending} timers outlive the cluster`);
  }
}

function serverOf(server: EmbeddedServer): ServerUnderTest {
  return {
    name: server.name,
    address: server.address,
    get isRunning() {
      return server.isRunning;
    },
    kill: () => server.kill(),
    start: () => server.start(),
    suspend: () => server.suspend(),
    resume: () => server.resume(),
  };
}
