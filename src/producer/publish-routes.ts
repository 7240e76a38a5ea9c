// SPDX-License-Identifier: Apache-2.0
/** To which queues may a topic be sent, and where are their brokers? */
import { RocketmqError } from '../errors/errors.ts';
import { compareQueues, type MessageQueue } from '../model/message-queue.ts';
import { type Address, masterId, type TopicRoute, writableQueues } from '../model/route.ts';

export interface PublishRoutesOptions {
  /** Where routes come from; rejects when no name server answered. */
  readonly fetch: (topic: string) => Promise<TopicRoute | undefined>;
  /** Called after each route that was learned; the question is answered when it has ended. Must not reject. */
  readonly onKnown: () => Promise<void>;
  /** Why a broker's address was not let in. */
  readonly refusalOf: (brokerName: string) => RocketmqError | undefined;
}

/** A queue that takes messages, with the address of its broker's master. */
export interface PublishQueue {
  readonly queue: MessageQueue;
  readonly address: Address;
}

/** The topic whose route an unknown topic takes: brokers that offer it make topics at the first send. */
export const templateTopic = 'TBW102';
/** Queues a topic gets when it is made by its first send; the same number goes with the send. */
const templateQueues = 4;

/** The routes of the topics this producer sends to. Source: MQClientInstance.updateTopicRouteInfoFromNameServer. */
export class PublishRoutes {
  readonly #options: PublishRoutesOptions;
  readonly #known = new Map<string, readonly PublishQueue[]>();
  readonly #asking = new Map<string, Promise<readonly PublishQueue[]>>();

  constructor(options: PublishRoutesOptions) {
    this.#options = options;
  }

  /**
   * The queues of a topic in the order all clients list them; asked for once and then kept until {@link refresh}.
   * @throws RocketmqError `RMQ_TOPIC_NOT_FOUND` when neither the topic nor the template for new ones exists or may be
   * written; `RMQ_BROKER_ADDRESS_REFUSED` when no broker of the topic may be dialled; `RMQ_NAME_SERVER_UNAVAILABLE`
   */
  async queuesOf(topic: string): Promise<readonly PublishQueue[]> {
    return this.#known.get(topic) ?? this.#ask(topic);
  }

  /** Asks for every topic anew. What cannot be asked keeps its last good route. */
  async refresh(): Promise<void> {
    await Promise.all([...this.#known.keys()].map(topic => this.refreshTopic(topic)));
  }

  /** As {@link refresh} for one topic. */
  async refreshTopic(topic: string): Promise<void> {
    await this.#ask(topic).catch(() => undefined); // the last good route stays
  }

  /** Addresses of all brokers in the routes. */
  addresses(): ReadonlySet<Address> {
    return new Set([...this.#known.values()].flatMap(queues => queues.map(({ address }) => address)));
  }

  #ask(topic: string): Promise<readonly PublishQueue[]> {
    const asking = this.#asking.get(topic) ?? this.#lookUp(topic).finally(() => this.#asking.delete(topic));
    this.#asking.set(topic, asking);
    return asking;
  }

  async #lookUp(topic: string): Promise<readonly PublishQueue[]> {
    const { fetch, onKnown } = this.#options;
    const route = (await fetch(topic)) ?? (await this.#templateRoute());
    const queues = route === undefined ? [] : publishQueues(topic, route);
    if (queues.length === 0) throw this.#refused(topic, route) ?? notFound(topic);
    this.#known.set(topic, queues);
    await onKnown();
    return queues;
  }

  #refused(topic: string, route: TopicRoute | undefined): RocketmqError | undefined {
    for (const { brokerName, addresses } of route?.brokers ?? []) {
      if (addresses.has(masterId)) continue;
      const cause = this.#options.refusalOf(brokerName);
      if (cause === undefined) continue;
      const message = `no broker of topic ${topic} may be sent to: ${cause.message}`;
      return new RocketmqError(cause.code, message, { context: { ...cause.context, topic }, cause });
    }
    return undefined;
  }

  async #templateRoute(): Promise<TopicRoute | undefined> {
    const route = await this.#options.fetch(templateTopic);
    if (route === undefined) return undefined;
    const queues = route.queues.map(data => ({
      ...data,
      writeQueueNums: Math.min(data.writeQueueNums, templateQueues),
    }));
    return { ...route, queues };
  }
}

function publishQueues(topic: string, route: TopicRoute): readonly PublishQueue[] {
  const masters = new Map(
    route.brokers.map(({ brokerName, addresses }) => [brokerName, addresses.get(masterId)]),
  );
  return [...writableQueues(topic, route)].sort(compareQueues).flatMap(queue => {
    const address = masters.get(queue.brokerName);
    return address === undefined ? [] : [{ queue, address }];
  });
}

function notFound(topic: string): RocketmqError {
  const message = `topic ${topic} has no queue that may be written, and no broker makes topics by itself (${templateTopic})`;
  return new RocketmqError('RMQ_TOPIC_NOT_FOUND', message, { context: { topic } });
}
