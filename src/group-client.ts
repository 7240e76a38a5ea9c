// SPDX-License-Identifier: Apache-2.0
/** How are a group's offsets asked and told without a consumer? Connections, routes and calls of one group that is no member. */
import type { ResolvedConfig } from './config/resolved-config.ts';
import { connecting } from './connection-actor.ts';
import type { Environment } from './consumer/environment.ts';
import { RocketmqError } from './errors/errors.ts';
import { RouteCache } from './machines/routes/route-cache.ts';
import { systemClock } from './model/clock.ts';
import type { MessageQueue } from './model/message-queue.ts';
import { namespaceOf } from './model/namespace.ts';
import type { QueueOffset } from './model/queue-offset.ts';
import type { Address } from './model/route.ts';
import { Connections } from './producer/connections.ts';
import type { CallOptions } from './stores/offset-store.ts';
import type { RemoteOffsetPort } from './stores/remote-offset-store.ts';
import type { StartPort } from './stores/start-position.ts';
import { BrokerCalls } from './transport/broker-calls.ts';
import type { Identity } from './transport/identity.ts';
import { NameServerCalls } from './transport/name-server-calls.ts';
import { boundOf, boundsByPull, type QueueBounds } from './transport/queue-bounds.ts';
import { RouteGate } from './transport/route-gate.ts';

export type GroupEnvironment = Pick<Environment, 'clock' | 'dialer' | 'random' | 'fileSystem'>;

/** It sends no heartbeat, so the group's members keep their queues. */
export class GroupClient {
  readonly #config: ResolvedConfig;
  readonly #connections: Connections;
  readonly #identity: Identity | undefined;
  readonly #calls: BrokerCalls;
  readonly #nameServers: NameServerCalls;
  /** Where brokers are, by topic. */
  readonly #cache = new RouteCache();

  constructor(config: ResolvedConfig, environment: GroupEnvironment) {
    const { clock = systemClock, random = Math.random } = environment;
    const { tls, credentials } = config;
    const { dialer } = environment;
    const { identity, connect } = connecting({ tls, credentials, clock, random, dialer });
    this.#config = config;
    this.#identity = identity;
    this.#connections = new Connections({
      nameServers: config.namesrvAddr,
      namespace: namespaceOf(config.namespace),
      clock,
      identity,
      connect,
      greetBroker: () => Promise.resolve(),
    });
    const { switchboard } = this.#connections;
    this.#calls = new BrokerCalls(switchboard);
    const gate = new RouteGate({
      map: config.mapBrokerAddress,
      allowed: config.allowedBrokerAddresses,
      onRefused: () => {}, // the call says that no broker is left
    });
    const addresses = config.namesrvAddr;
    this.#nameServers = new NameServerCalls({ switchboard, addresses, clock, random, gate });
  }

  /** 14 and 15 of the group. Every write is answered. */
  get offsets(): RemoteOffsetPort {
    const { consumerGroup } = this.#config;
    return {
      query: async (queue, options) =>
        this.#calls.queryOffset(
          await this.#master(queue, options),
          { consumerGroup, queue },
          this.#limit(options),
        ),
      update: async (queue, offset, options) =>
        this.#calls.updateOffset(
          await this.#master(queue, options),
          { consumerGroup, queue, offset },
          this.#limit(options),
        ),
    };
  }

  /** 14, 31, 30 and 29. Whoever may only consume gets min and max from a pull, as a consumer does. */
  get positions(): StartPort {
    return {
      queryOffset: (queue, options) => this.offsets.query(queue, options),
      minOffset: (queue, options) => this.#bound('min', queue, options),
      maxOffset: (queue, options) => this.#bound('max', queue, options),
      searchOffset: async (queue, timestamp, options) =>
        this.#calls.searchOffset(await this.#master(queue, options), queue, timestamp, this.#limit(options)),
    };
  }

  /**
   * The queues of a topic, as the route says that was read first or refreshed last.
   * @throws RocketmqError `RMQ_TOPIC_NOT_FOUND`, `RMQ_NAME_SERVER_UNAVAILABLE`
   */
  async queuesOf(topic: string, options: CallOptions = {}): Promise<readonly MessageQueue[]> {
    return this.#cache.queuesOf(topic) ?? this.#askRoute(topic, options);
  }

  /** Hangs up everywhere. Never rejects. */
  async close(): Promise<void> {
    const reason = new RocketmqError('RMQ_OFFSET_STORE_CLOSED', 'the offset store was closed');
    await this.#connections.closeAll(reason);
  }

  async #bound(name: keyof QueueBounds, queue: MessageQueue, options: CallOptions): Promise<QueueOffset> {
    const address = await this.#master(queue, options);
    const asked = { calls: this.#calls, address, queue, options: this.#limit(options) };
    const { consumerGroup } = this.#config;
    const line = this.#connections.switchboard.line(address);
    return boundOf(name, asked, () =>
      boundsByPull(line, { queue, consumerGroup, subscription: 'none' }, asked.options),
    );
  }

  /** A broker that is not in the route any more is looked for anew. */
  async #master({ topic, brokerName }: MessageQueue, options: CallOptions): Promise<Address> {
    if (this.#cache.addressOf(brokerName) === undefined) await this.#askRoute(topic, options);
    const address = this.#cache.addressOf(brokerName);
    if (address !== undefined) return address;
    const message = `the route of ${topic} names no master of ${brokerName}`;
    throw new RocketmqError('RMQ_BROKER_NOT_FOUND', message, { context: { topic, brokerName } });
  }

  async #askRoute(topic: string, options: CallOptions): Promise<readonly MessageQueue[]> {
    if (this.#identity !== undefined && this.#identity.signer === undefined) await this.#identity.load();
    const route = await this.#nameServers.route(topic, this.#limit(options));
    if (route === undefined)
      throw new RocketmqError('RMQ_TOPIC_NOT_FOUND', `no name server knows topic ${topic}`, {
        context: { topic },
      });
    this.#cache.set(topic, route);
    return this.#cache.queuesOf(topic) ?? [];
  }

  #limit({ timeoutMs = this.#config.consumerTimeoutMillisOfRequest, signal }: CallOptions) {
    return { timeoutMs, signal };
  }
}
