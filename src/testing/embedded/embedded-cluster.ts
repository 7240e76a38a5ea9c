// SPDX-License-Identifier: Apache-2.0
/** How does a test get a RocketMQ cluster of its own, in milliseconds and without Java? */
import { RocketmqError } from '../../errors/errors.ts';
import type { Clock } from '../../model/clock.ts';
import { topicProblem } from '../../model/names.ts';
import type {
  EmbeddedBroker,
  EmbeddedBrokerOptions,
  EmbeddedCluster,
  EmbeddedClusterOptions,
  EmbeddedMessage,
  EmbeddedServer,
  Interference,
  NewMessage,
  ReceivedRequest,
  RequestMatch,
  Rule,
} from './cluster.types.ts';
import { BrokerNode } from './embedded-broker.ts';
import { Interferences } from './interference.ts';
import { nameServerHandlers } from './name-server.ts';
import { type ClusterSettings, checkBroker, checkQueues, settingsOf } from './options.ts';
import { Activity, passTime, passUntil, turn } from './passing-time.ts';
import { RequestLog } from './request-log.ts';
import { Server } from './server.ts';

/**
 * Starts a name server and broker(s) inside this process, on free ports of 127.0.0.1, within milliseconds and in memory.
 * They speak Apache RocketMQ's remoting protocol, so any client can use them: this library's, the official Java one,
 * mqadmin. For tests and demos, never for production.
 *
 * With a TestClock given to both the cluster and the consumer, hours of delays and retries pass when the test says so.
 * @example
 * const clock = new TestClock();
 * await using cluster = await startEmbeddedCluster({ clock });
 * cluster.createTopic('orders', { queues: 2 });
 * const attempts: number[] = [];
 * const consumer = createConsumerActor(
 *   {
 *     consumerGroup: 'billing',
 *     namesrvAddr: cluster.namesrvAddr,
 *     subscriptions: [{ topic: 'orders' }],
 *     listener: concurrently(([message]) => {
 *       attempts.push(message.reconsumeTimes);
 *       if (message.reconsumeTimes < 3) throw new Error('not yet');
 *     }),
 *   },
 *   { clock },
 * ).start();
 * await cluster.passUntil(whenRunning(consumer));
 * cluster.send({ topic: 'orders', body: 'order 1' });
 * await cluster.passUntil(() => attempts.length === 4, 200_000); // 10 s, 30 s and 1 min later
 * await cluster.passUntil(shutdown(consumer));
 * @throws RocketmqError `RMQ_CONFIG_INVALID` naming the option; ConnectionError `RMQ_CONNECT_FAILED` when a port is taken
 */
export async function startEmbeddedCluster(options: EmbeddedClusterOptions = {}): Promise<EmbeddedCluster> {
  const cluster = new Cluster(settingsOf(options));
  try {
    await cluster.start();
  } catch (error) {
    await cluster.stop();
    throw error;
  }
  return cluster;
}

const defaultQueues = 8;
const defaultWait = 60_000;

class Cluster implements EmbeddedCluster {
  readonly clock: Clock;
  readonly nameServers: readonly EmbeddedServer[];
  readonly #settings: ClusterSettings;
  readonly #log = new RequestLog();
  readonly #interferences = new Interferences();
  readonly #activity = new Activity();
  readonly #around: ConstructorParameters<typeof BrokerNode>[2];
  #brokers: readonly BrokerNode[];
  /** Messages sent to a topic without naming a broker, for the round robin. */
  readonly #sent = new Map<string, number>();

  constructor(settings: ClusterSettings) {
    const { clock, port } = settings;
    this.#settings = settings;
    this.clock = clock;
    this.#around = {
      clock,
      log: this.#log,
      interferences: this.#interferences,
      onActivity: () => this.#activity.note(),
    };
    const handlers = nameServerHandlers(() => this.#running.map(broker => broker.registration));
    this.nameServers = Array.from({ length: settings.nameServers }, (_, i) => {
      return new Server({ ...this.#around, name: `namesrv-${i}`, port: i === 0 ? port : 0, handlers });
    });
    this.#brokers = settings.brokers.map(broker => new BrokerNode(broker, settings, this.#around));
  }

  get namesrvAddr(): string {
    return this.nameServers.map(({ address }) => address).join(';');
  }

  get brokers(): readonly EmbeddedBroker[] {
    return this.#brokers;
  }

  async start(): Promise<void> {
    await Promise.all(this.#servers.map(server => server.start()));
  }

  broker(name?: string): EmbeddedBroker {
    return this.#broker(name);
  }

  createTopic(
    topic: string,
    {
      queues = defaultQueues,
      brokers,
    }: { readonly queues?: number; readonly brokers?: readonly string[] } = {},
  ): void {
    const problem = topicProblem(topic);
    if (problem !== undefined) {
      throw new RocketmqError('RMQ_MESSAGE_INVALID', `${topic} cannot be a topic: ${problem}`, {
        context: { topic },
      });
    }
    checkQueues(topic, queues);
    const chosen = brokers?.map(name => this.#broker(name)) ?? this.#brokers;
    for (const broker of chosen) broker.createTopic(topic, queues);
  }

  async addBroker(options: EmbeddedBrokerOptions): Promise<EmbeddedBroker> {
    checkBroker(
      options,
      this.#brokers.map(({ name }) => name),
    );
    const broker = new BrokerNode(options, this.#settings, this.#around);
    await broker.start();
    this.#brokers = [...this.#brokers, broker];
    return broker;
  }

  async removeBroker(name: string): Promise<void> {
    const broker = this.#broker(name);
    this.#brokers = this.#brokers.filter(each => each !== broker);
    await broker.remove();
  }

  send(...messages: readonly NewMessage[]): readonly EmbeddedMessage[] {
    return messages.map(message => this.#target(message).append(message));
  }

  requests(match?: RequestMatch): readonly ReceivedRequest[] {
    return this.#log.select(match);
  }

  untilRequest(match: RequestMatch, times = 1): Promise<ReceivedRequest> {
    return this.#log.until(match, times);
  }

  interfere(match: RequestMatch, what: Interference, options?: { readonly times?: number }): Rule {
    return this.#interferences.add(match, what, options);
  }

  settle(): Promise<void> {
    return this.#activity.settle();
  }

  pass(ms: number): Promise<void> {
    return passTime(this.clock, this.#activity, ms);
  }

  passUntil<T>(what: (() => boolean) | Promise<T>, atMost = defaultWait): Promise<T | undefined> {
    return passUntil(this.clock, this.#activity, what, atMost);
  }

  async stop(): Promise<void> {
    this.#log.close();
    await Promise.all(this.#servers.map(server => server.kill()));
    for (let i = 0; i < 2; i++) await turn(); // Node lets go of closed handles at the end of the next turn
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  get #servers(): readonly EmbeddedServer[] {
    return [...this.nameServers, ...this.#brokers];
  }

  get #running(): readonly BrokerNode[] {
    return this.#brokers.filter(({ isRunning }) => isRunning);
  }

  #broker(name?: string): BrokerNode {
    const found = name === undefined ? this.#brokers[0] : this.#brokers.find(each => each.name === name);
    if (found !== undefined) return found;
    const there = this.#brokers.map(each => each.name).join(', ') || 'none';
    const what = name === undefined ? 'there is no broker' : `there is no broker ${name}; there are ${there}`;
    throw new RocketmqError('RMQ_BROKER_NOT_FOUND', what, { context: { brokerName: name } });
  }

  /** The broker a producer would send this message to. A topic that nobody has is made on all, if that is allowed. */
  #target({ topic, brokerName }: NewMessage): BrokerNode {
    if (brokerName !== undefined) return this.#reachable(this.#broker(brokerName));
    const { autoCreateTopicEnable, defaultTopicQueueNums } = this.#settings;
    if (autoCreateTopicEnable && !this.#running.some(broker => broker.hasTopic(topic))) {
      this.createTopic(topic, { queues: defaultTopicQueueNums });
    }
    const holders = this.#running.filter(broker => broker.hasTopic(topic));
    const turn = this.#sent.get(topic) ?? 0;
    this.#sent.set(topic, turn + 1);
    const found = holders[turn % holders.length];
    if (found !== undefined) return found;
    throw new RocketmqError('RMQ_TOPIC_NOT_FOUND', `no running broker has the topic ${topic}`, {
      context: { topic },
    });
  }

  #reachable(broker: BrokerNode): BrokerNode {
    if (broker.isRunning) return broker;
    throw new RocketmqError('RMQ_BROKER_NOT_FOUND', `${broker.name} does not run`, {
      context: { brokerName: broker.name },
    });
  }
}
