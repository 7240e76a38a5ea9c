// SPDX-License-Identifier: Apache-2.0
// How a real Apache RocketMQ of a chosen version is started for a test, a demo or evidence, and leaves nothing behind.

import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { aclProperties, type ClusterAcl, createUsers, writeAccounts } from './acl.ts';
import { ClusterError } from './errors.ts';
import { type RocketmqJars, type RocketmqVersion, rocketmqJars } from './jars.ts';
import { makeJavaHome } from './java-home.ts';
import { removeAtExit, removeNow } from './java-process.ts';
import { ClusterNode, type Node } from './node.ts';
import {
  type BrokerRole,
  brokerConf,
  brokerIds,
  brokerJvmOptions,
  brokerPort,
  nameServerJvmOptions,
  properties,
} from './node-settings.ts';
import { freePortBlock, releasePortBlock } from './ports.ts';
import { RawAdmin } from './raw-admin.ts';

export type { RocketmqVersion } from './jars.ts';
export type { Node } from './node.ts';
export type { BrokerRole } from './node-settings.ts';

export interface BrokerOptions {
  readonly name: string;
  /** With a replica (asynchronous) beside the master. Default false. */
  readonly slave?: boolean;
}

export interface ClusterOptions {
  /** Default 5.5.0. */
  readonly version?: RocketmqVersion;
  /** How many name servers. Default 1. */
  readonly nameServers?: number;
  /** Default one master, `broker-a`. */
  readonly brokers?: readonly BrokerOptions[];
  /** Added to the broker.conf of every broker, over the defaults in node-settings.ts. */
  readonly brokerProperties?: Readonly<Record<string, string>>;
  /**
   * `tests` (default): the JVMs compile lightly, which saves a third of the CPU of a start. `measuring`: as in production;
   * say so when the speed of a broker matters.
   */
  readonly purpose?: 'tests' | 'measuring';
  /** Added to the JVM of every name server and broker, for example `-Dtls.server.mode=permissive` (default: disabled). */
  readonly jvmOptions?: readonly string[];
  /** Added to the JVM of every broker, over the others. */
  readonly brokerJvmOptions?: readonly string[];
  /** Brokers check who asks, and what he may do. Default: anybody may do anything. */
  readonly acl?: ClusterAcl;
}

export interface BrokerNode extends Node {
  readonly brokerName: string;
  readonly role: BrokerRole;
}

export interface TopicOptions {
  readonly queues?: number;
  readonly brokers?: readonly string[];
  /** `+key=value`, of brokers from 5.0 on. */
  readonly attributes?: string;
}

export interface Cluster extends AsyncDisposable {
  readonly version: RocketmqVersion;
  /** `'127.0.0.1:1;127.0.0.1:2'` */
  readonly namesrvAddr: string;
  readonly jars: RocketmqJars;
  /** Temporary: configurations, logs (`<node>/log.txt`) and stores. Gone after `stop()`. */
  readonly folder: string;
  readonly nameServers: readonly Node[];
  readonly brokers: readonly BrokerNode[];
  /** What the brokers say, asked apart from the code under test. */
  readonly admin: RawAdmin;
  broker(name: string, role?: BrokerRole): BrokerNode;
  /** Creates the topic with that many queues (8) on every master, or on those named; resolves when it is in the route. */
  createTopic(topic: string, options?: TopicOptions): Promise<void>;
  /** Changes the number of queues on every broker that has the topic. */
  updateQueues(topic: string, queues: number): Promise<void>;
  /** Ends every process and removes every file. Idempotent. */
  stop(): Promise<void>;
}

/** Starts a cluster; resolves when every broker is registered at every name server: about 3 s on a quiet machine. */
export async function startCluster(options: ClusterOptions = {}): Promise<Cluster> {
  const jars = await rocketmqJars(options.version ?? '5.5.0');
  const attempts = 5;
  for (let attempt = 1; ; attempt += 1) {
    const cluster = await RealCluster.prepare(jars, options);
    try {
      await cluster.start();
      return cluster;
    } catch (error) {
      const isPortTaken = cluster.isPortTaken;
      await cluster.stop();
      if (!isPortTaken || attempt === attempts) {
        throw error;
      }
      // Another process bound one of the ports after we had looked: take others.
    }
  }
}

class RealBroker extends ClusterNode implements BrokerNode {
  readonly brokerName: string;
  readonly role: BrokerRole;

  constructor(brokerName: string, role: BrokerRole, spec: ConstructorParameters<typeof ClusterNode>[0]) {
    super(spec);
    this.brokerName = brokerName;
    this.role = role;
  }
}

class RealCluster implements Cluster {
  readonly jars: RocketmqJars;
  readonly namesrvAddr: string;
  readonly admin: RawAdmin;
  readonly nameServers: readonly ClusterNode[];
  readonly brokers: readonly RealBroker[];
  readonly folder: string;
  readonly #portBlocks: readonly number[];
  readonly #jvmOptions: readonly string[];
  readonly #brokerJvmOptions: readonly string[];
  readonly #acl: ClusterAcl | undefined;

  private constructor(
    jars: RocketmqJars,
    options: ClusterOptions,
    folder: string,
    portBlocks: readonly number[],
  ) {
    this.jars = jars;
    this.folder = folder;
    this.#acl = options.acl;
    this.#portBlocks = portBlocks;
    const compiler = options.purpose === 'measuring' ? [] : ['-XX:TieredStopAtLevel=1'];
    this.#jvmOptions = [...compiler, ...(options.jvmOptions ?? [])];
    this.#brokerJvmOptions = options.brokerJvmOptions ?? [];
    const nameServerPorts = portBlocks.slice(0, options.nameServers ?? 1);
    const brokerPorts = portBlocks.slice(nameServerPorts.length);
    this.namesrvAddr = nameServerPorts.map(port => `127.0.0.1:${port}`).join(';');
    this.admin = new RawAdmin(this.namesrvAddr, undefined, options.acl?.admin);
    this.nameServers = nameServerPorts.map((port, index) => this.#nameServer(`namesrv-${index}`, port));
    this.brokers = rolesOf(options).map(({ name, role }, index) =>
      this.#broker(name, role, brokerPorts[index] ?? Number.NaN, options.brokerProperties ?? {}),
    );
  }

  static async prepare(jars: RocketmqJars, options: ClusterOptions): Promise<RealCluster> {
    const amount = (options.nameServers ?? 1) + rolesOf(options).length;
    const portBlocks: number[] = [];
    while (portBlocks.length < amount) {
      portBlocks.push(await freePortBlock());
    }
    const folder = mkdtempSync(join(tmpdir(), 'rocketmq-actors-'));
    removeAtExit(folder);
    return new RealCluster(jars, options, folder, portBlocks);
  }

  get version(): RocketmqVersion {
    return this.jars.version;
  }

  get isPortTaken(): boolean {
    return [...this.nameServers, ...this.brokers].some(node => node.isPortTaken);
  }

  /** Masters before slaves: a slave learns its master's address from the answer to its first registration. */
  async start(): Promise<void> {
    await together(this.nameServers.map(node => node.start()));
    await together(this.brokers.filter(node => node.role === 'master').map(node => node.start()));
    await together(this.brokers.filter(node => node.role === 'slave').map(node => node.start()));
    if (this.#acl === undefined || this.#isVersion4) return;
    for (const { brokerName, role } of this.brokers) {
      if (role === 'master') await createUsers(this.admin, brokerName, this.#acl.users);
    }
  }

  get #isVersion4(): boolean {
    return this.version.startsWith('4.');
  }

  broker(name: string, role: BrokerRole = 'master'): BrokerNode {
    const found = this.brokers.find(node => node.brokerName === name && node.role === role);
    if (found === undefined) {
      throw new ClusterError('NOT_RUNNING', `this cluster has no ${role} ${name}`);
    }
    return found;
  }

  async createTopic(topic: string, options: TopicOptions = {}): Promise<void> {
    const masters = this.brokers.filter(node => node.role === 'master').map(node => node.brokerName);
    const { queues = 8, brokers = masters, attributes } = options;
    await this.#setQueues(topic, queues, brokers, attributes);
  }

  async updateQueues(topic: string, queues: number): Promise<void> {
    const route = await this.admin.topicRoute(topic);
    await this.#setQueues(
      topic,
      queues,
      (route?.queues ?? []).map(queue => queue.brokerName),
    );
  }

  async stop(): Promise<void> {
    this.admin.close();
    await Promise.all([...this.brokers, ...this.nameServers].map(node => node.kill()));
    removeNow(this.folder);
    this.#portBlocks.forEach(releasePortBlock);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  #nameServer(name: string, port: number): ClusterNode {
    const folder = this.#home(name);
    const conf = join(folder, 'namesrv.conf');
    writeFileSync(conf, properties({ listenPort: `${port}` }));
    return new ClusterNode({
      name,
      port,
      folder,
      classpath: this.jars.classpath,
      main: 'org.apache.rocketmq.namesrv.NamesrvStartup',
      args: ['-c', conf],
      jvmOptions: [...nameServerJvmOptions(folder), ...this.#jvmOptions],
      untilReady: signal => this.#untilBrokersAreBack(`127.0.0.1:${port}`, signal),
    });
  }

  #broker(
    brokerName: string,
    role: BrokerRole,
    portBlock: number,
    extra: Readonly<Record<string, string>>,
  ): RealBroker {
    const folder = this.#home(`${brokerName}-${role}`);
    const conf = join(folder, 'broker.conf');
    const port = brokerPort(portBlock);
    const settings = brokerConf({ brokerName, role, portBlock, folder, namesrvAddr: this.namesrvAddr });
    const acl = this.#acl === undefined ? {} : aclProperties(this.#acl, this.#isVersion4);
    if (this.#acl !== undefined && this.#isVersion4) writeAccounts(folder, this.#acl);
    writeFileSync(conf, properties({ ...settings, ...acl, ...extra }));
    return new RealBroker(brokerName, role, {
      name: `${brokerName} (${role})`,
      port,
      folder,
      classpath: this.jars.classpath,
      main: 'org.apache.rocketmq.broker.BrokerStartup',
      args: ['-c', conf],
      jvmOptions: [...brokerJvmOptions(folder), ...this.#jvmOptions, ...this.#brokerJvmOptions],
      untilReady: signal => this.#untilRegistered(brokerName, role, `127.0.0.1:${port}`, signal),
    });
  }

  #home(name: string): string {
    const folder = join(this.folder, name);
    makeJavaHome(folder);
    return folder;
  }

  /** A name server that comes back knows nobody. Brokers would tell it within 10 s; we make them tell it now. */
  async #untilBrokersAreBack(nameServer: string, signal: AbortSignal): Promise<void> {
    for (const broker of this.brokers.filter(canAnswer)) {
      await until(signal, async () => {
        await this.admin.registerNow(broker.address);
        return this.#isRegistered(nameServer, broker.brokerName, broker.role, broker.address);
      });
    }
  }

  async #untilRegistered(
    brokerName: string,
    role: BrokerRole,
    address: string,
    signal: AbortSignal,
  ): Promise<void> {
    for (const nameServer of this.nameServers.filter(canAnswer)) {
      await until(signal, () => this.#isRegistered(nameServer.address, brokerName, role, address));
    }
  }

  async #isRegistered(
    nameServer: string,
    brokerName: string,
    role: BrokerRole,
    address: string,
  ): Promise<boolean> {
    const brokers = await this.admin.clusterBrokers(nameServer);
    return brokers.find(each => each.brokerName === brokerName)?.addresses.get(brokerIds[role]) === address;
  }

  async #setQueues(
    topic: string,
    queues: number,
    brokers: readonly string[],
    attributes?: string,
  ): Promise<void> {
    for (const broker of brokers) {
      await this.admin.createTopic(broker, topic, queues, attributes);
    }
    const signal = timeoutSignal(30_000, `${topic} has not reached the route of every name server`);
    for (const nameServer of this.nameServers.filter(canAnswer)) {
      await until(signal, async () => {
        const route = await this.admin.topicRoute(topic, nameServer.address);
        return brokers.every(
          broker => route?.queues.find(each => each.brokerName === broker)?.readQueues === queues,
        );
      });
    }
  }
}

function rolesOf(options: ClusterOptions): { name: string; role: BrokerRole }[] {
  return (options.brokers ?? [{ name: 'broker-a' }]).flatMap(({ name, slave }) => [
    { name, role: 'master' as const },
    ...(slave === true ? [{ name, role: 'slave' as const }] : []),
  ]);
}

/** Waits for all even when one fails, so that none is still starting when the cluster is stopped. */
async function together(starts: readonly Promise<void>[]): Promise<void> {
  const results = await Promise.allSettled(starts);
  const failed = results.find(result => result.status === 'rejected');
  if (failed !== undefined) {
    throw failed.reason;
  }
}

function canAnswer(node: Node): boolean {
  return node.isRunning && !node.isSuspended;
}

function timeoutSignal(ms: number, message: string): AbortSignal {
  const controller = new AbortController();
  setTimeout(() => controller.abort(new ClusterError('TIMED_OUT', `${message} after ${ms} ms`)), ms).unref();
  return controller.signal;
}

async function until(signal: AbortSignal, isTrue: () => Promise<boolean>): Promise<void> {
  while (!(await isTrue().catch(() => false))) {
    signal.throwIfAborted();
    await delay(20);
  }
}
