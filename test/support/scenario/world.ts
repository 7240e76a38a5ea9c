// SPDX-License-Identifier: Apache-2.0
/** What is there while a scenario runs? The cluster, its members, what was sent; and how all of it is put away again. */
import { type ClusterUnderTest, type ServerUnderTest, settled } from './cluster-under-test.ts';
import { DeliveryBook } from './delivery-book.ts';
import type { ScenarioMember } from './member.ts';
import { Names } from './names.ts';
import { Refusals } from './refusals.ts';
import { Sender } from './sender.ts';

export class World implements AsyncDisposable {
  readonly cluster: ClusterUnderTest;
  readonly names = new Names();
  readonly sender: Sender;
  /** By the names of `markTime`. Unit: ms since 1970. */
  readonly times = new Map<string, number>();
  readonly members = new Map<string, ScenarioMember>();
  readonly book = new DeliveryBook();
  /** What members are refused. */
  readonly refusals = new Refusals();
  readonly #frozenServers = new Set<ServerUnderTest>();

  constructor(cluster: ClusterUnderTest) {
    this.cluster = cluster;
    this.sender = new Sender(cluster, this.names);
  }

  member(name: string): ScenarioMember {
    const found = this.members.get(name);
    if (found === undefined) throw new Error(`the scenario has no member ${name} yet`);
    return found;
  }

  broker(name: string): ServerUnderTest {
    return serverOf(this.cluster.brokers, name);
  }

  nameServer(name: string): ServerUnderTest {
    return serverOf(this.cluster.nameServers, name);
  }

  suspend(server: ServerUnderTest): void {
    server.suspend();
    this.#frozenServers.add(server);
  }

  resume(server: ServerUnderTest): void {
    server.resume();
    this.#frozenServers.delete(server);
  }

  /** Leaves the cluster as it was, but for the topics. Members that still run are stopped the hard way. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const { actor } of this.members.values()) actor.stop();
    for (const server of this.#frozenServers) server.resume();
    const servers = [...this.cluster.nameServers, ...this.cluster.brokers];
    for (const server of servers.filter(({ isRunning }) => !isRunning)) {
      await settled(this.cluster, `${server.name} runs again`, 60_000, server.start());
    }
    await this.sender.close();
  }
}

function serverOf(servers: readonly ServerUnderTest[], name: string): ServerUnderTest {
  const found = servers.find(server => server.name === name);
  if (found === undefined) {
    throw new Error(`there is no ${name}, only ${servers.map(server => server.name).join(', ')}`);
  }
  return found;
}
