// SPDX-License-Identifier: Apache-2.0
/** How does a producer live: start, sends, upkeep, shutdown? A small one, for demos, tests and tools; not the product. */
import { setMaxListeners } from 'node:events';
import { RocketmqError, toRocketmqError } from '../errors/errors.ts';
import type { Clock } from '../model/clock.ts';
import { namespaceOf } from '../model/namespace.ts';
import type { HeartbeatData } from '../protocol/bodies/heartbeat.ts';
import { uniqueIds } from '../protocol/message-id.ts';
import { BrokerCalls, beat } from '../transport/broker-calls.ts';
import type { Identity } from '../transport/identity.ts';
import { MessageCalls } from '../transport/message-calls.ts';
import { NameServerCalls } from '../transport/name-server-calls.ts';
import type { CallOptions } from '../transport/request.ts';
import { RouteGate } from '../transport/route-gate.ts';
import { type Connect, Connections } from './connections.ts';
import type { Message } from './message.ts';
import { Outbox } from './outbox.ts';
import type { Producer, SendResult } from './producer.ts';
import type { ResolvedProducerOptions } from './producer-options.ts';
import { PublishRoutes, templateTopic } from './publish-routes.ts';

export interface ProducerParts {
  readonly options: ResolvedProducerOptions;
  readonly clock: Clock;
  /** A number from 0 to 1, 1 excluded. */
  readonly random: () => number;
  readonly connect: Connect;
  /** Signs every request. */
  readonly identity: Identity | undefined;
  /** Own IP address, for message ids and the client id. */
  readonly ip: string;
  readonly pid: number;
}

type Stage = 'new' | 'starting' | 'running' | 'stopping' | 'stopped';

/** Between two looks at routes and two heartbeats: Java's pollNameServerInterval and heartbeatBrokerInterval. Unit: ms. */
const upkeepInterval = 30_000;
/** Bound of a route question and of a heartbeat. Unit: ms. */
const shortCall = 3000;
/** Bound of the goodbye to one broker. Unit: ms. */
const goodbye = 1000;

export class RemotingProducer implements Producer {
  readonly #options: ResolvedProducerOptions;
  readonly #clock: Clock;
  readonly #identity: Identity | undefined;
  readonly #heartbeat: HeartbeatData;
  readonly #connections: Connections;
  readonly #brokers: BrokerCalls;
  readonly #nameServers: NameServerCalls;
  readonly #routes: PublishRoutes;
  readonly #outbox: Outbox;
  readonly #underWay = new Set<Promise<unknown>>();
  readonly #abort = new AbortController();
  #stage: Stage = 'new';
  #upkeepTimer: unknown;
  #starting: Promise<void> | undefined;
  #stopping: Promise<void> | undefined;

  constructor({ options, clock, random, connect, identity, ip, pid }: ProducerParts) {
    setMaxListeners(0, this.#abort.signal); // one for each send under way: no leak
    this.#options = options;
    this.#clock = clock;
    this.#identity = identity;
    this.#heartbeat = heartbeatOf(`${ip}@${pid}#${eightHexDigits(random)}`, options.producerGroup);
    this.#connections = new Connections({
      nameServers: options.namesrvAddr,
      namespace: namespaceOf(options.namespace),
      clock,
      connect,
      identity,
      greetBroker: (caller, signal) => beat(caller, this.#heartbeat, { timeoutMs: shortCall, signal }),
    });
    const { switchboard } = this.#connections;
    this.#brokers = new BrokerCalls(switchboard);
    /** By broker. The gate tells of a bounded number. */
    const refusals = new Map<unknown, RocketmqError>();
    const gate = new RouteGate({
      map: options.mapBrokerAddress,
      allowed: options.allowedBrokerAddresses,
      onRefused: error => refusals.set(error.context['brokerName'], error),
    });
    const addresses = options.namesrvAddr;
    this.#nameServers = new NameServerCalls({ switchboard, addresses, clock, random, gate });
    this.#routes = new PublishRoutes({
      fetch: topic => this.#nameServers.route(topic, this.#bounded(shortCall)),
      onKnown: () => this.#connections.useBrokers(this.#routes.addresses()),
      refusalOf: brokerName => refusals.get(brokerName),
    });
    this.#outbox = new Outbox({
      messages: new MessageCalls(switchboard),
      isOpen: address => switchboard.isOpen(address),
      routes: this.#routes,
      nextId: uniqueIds({ wallNow: () => clock.wallNow(), random, ip, pid }),
      signal: this.#abort.signal,
      options,
      clock,
      random,
    });
  }

  start(): Promise<void> {
    if (this.#stage === 'stopping' || this.#stage === 'stopped') return Promise.reject(this.#refusal());
    this.#starting ??= this.#start();
    return this.#starting;
  }

  send(message: Message): Promise<SendResult> {
    return this.#underWayUntil(() => this.#outbox.send(message));
  }

  sendBatch(messages: readonly Message[]): Promise<SendResult> {
    return this.#underWayUntil(() => this.#outbox.sendBatch(messages));
  }

  sendOrderly(message: Message, shardingKey: string): Promise<SendResult> {
    return this.#underWayUntil(() => this.#outbox.sendOrderly(message, shardingKey));
  }

  shutdown(): Promise<void> {
    this.#stopping ??= this.#shutdown();
    return this.#stopping;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.shutdown();
  }

  async #start(): Promise<void> {
    this.#stage = 'starting';
    try {
      await this.#identity?.load();
      await this.#nameServers.route(templateTopic, this.#bounded(this.#options.startTimeout)); // any answer will do
    } catch (thrown) {
      if (this.#stopping === undefined) await this.shutdown();
      throw toRocketmqError(thrown);
    }
    if (this.#stopping !== undefined) throw this.#refusal();
    this.#stage = 'running';
    this.#planUpkeep();
  }

  async #underWayUntil(send: () => Promise<SendResult>): Promise<SendResult> {
    if (this.#stage !== 'running') throw this.#refusal();
    const sending = send();
    this.#underWay.add(sending);
    try {
      return await sending;
    } finally {
      this.#underWay.delete(sending);
    }
  }

  #planUpkeep(): void {
    this.#upkeepTimer = this.#clock.setTimeout(() => void this.#upkeep(), upkeepInterval);
  }

  /** Never rejects: what fails is tried again next time, and noticed by sends before. */
  async #upkeep(): Promise<void> {
    await this.#routes.refresh();
    await this.#atOpenBrokers(address =>
      this.#brokers.heartbeat(address, this.#heartbeat, this.#bounded(shortCall)),
    );
    if (this.#stage === 'running') this.#planUpkeep();
  }

  async #shutdown(): Promise<void> {
    this.#stage = 'stopping';
    this.#clock.clearTimeout(this.#upkeepTimer);
    await this.#sendsEnded();
    this.#abort.abort(this.#refusal());
    const { clientID: clientId } = this.#heartbeat;
    const member = { clientId, producerGroup: this.#options.producerGroup };
    await this.#atOpenBrokers(address => this.#brokers.unregister(address, member, { timeoutMs: goodbye }));
    await this.#connections.closeAll();
    this.#stage = 'stopped';
  }

  /** Resolves when no send is under way, or after `shutdownTimeout`. */
  async #sendsEnded(): Promise<void> {
    if (this.#underWay.size === 0) return;
    let timer: unknown;
    const timeUp = new Promise(resolve => {
      timer = this.#clock.setTimeout(() => resolve(undefined), this.#options.shutdownTimeout);
    });
    await Promise.race([timeUp, Promise.allSettled(this.#underWay)]);
    this.#clock.clearTimeout(timer);
  }

  async #atOpenBrokers(call: (address: string) => Promise<void>): Promise<void> {
    const open = this.#connections.brokers().filter(address => this.#connections.switchboard.isOpen(address));
    await Promise.allSettled(open.map(call));
  }

  #bounded(timeoutMs: number): CallOptions {
    return { timeoutMs, signal: this.#abort.signal };
  }

  #refusal(): RocketmqError {
    const why = this.#stage === 'new' || this.#stage === 'starting' ? 'is not started' : 'was shut down';
    return new RocketmqError('RMQ_PRODUCER_STOPPED', `the producer ${this.#options.producerGroup} ${why}`);
  }
}

function heartbeatOf(clientID: string, groupName: string): HeartbeatData {
  return {
    clientID,
    consumerDataSet: [],
    heartbeatFingerprint: 0,
    producerDataSet: [{ groupName }],
    withoutSub: false,
  };
}

function eightHexDigits(random: () => number): string {
  return Math.floor(random() * 2 ** 32)
    .toString(16)
    .padStart(8, '0');
}
