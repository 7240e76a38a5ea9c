// SPDX-License-Identifier: Apache-2.0
/** Which queues does a topic have, and where does a broker listen, as far as name servers last said? */
import { compareQueues, type MessageQueue } from '../../model/message-queue.ts';
import {
  type Address,
  type BrokerData,
  masterId,
  readableCount,
  readableQueues,
  sameRoute,
  type TopicRoute,
} from '../../model/route.ts';

interface CachedRoute {
  readonly route: TopicRoute;
  readonly queues: readonly MessageQueue[];
  /** Brokers that said themselves that the topic was deleted there, until a route names it at them again. */
  readonly deleted: ReadonlySet<string>;
}

/** `unrouted`: no route names it as readable any more. `deleted`: neither, because its topic was deleted. */
export type QueueFate = 'routed' | 'unrouted' | 'deleted';

const nobody: ReadonlySet<string> = new Set();

const noAddresses: ReadonlyMap<number, Address> = new Map();

/**
 * The last good route of every topic. Written by the routes machine, and by a subscribe, which asks at once; read by everybody.
 * A topic stays until it is forgotten, so a name server that fails or forgets takes nothing away.
 * @example
 * cache.queuesOf('orders'); // undefined: never seen. []: seen, nothing readable
 * cache.addressOf('broker-a'); // '10.0.0.7:10911'
 */
export class RouteCache {
  private readonly routes = new Map<string, CachedRoute>();
  /** By broker name. The newest answer of any topic wins, for all topics share their brokers. */
  private readonly brokers = new Map<string, BrokerData>();
  private changes = 0;

  /** Goes up by one at every change of any route or broker address; equal answers do not count. */
  get version(): number {
    return this.changes;
  }

  /** Topics with a route, in the order first seen. */
  topics(): readonly string[] {
    return [...this.routes.keys()];
  }

  get(topic: string): TopicRoute | undefined {
    return this.routes.get(topic)?.route;
  }

  /**
   * Keeps a newer route. Answers whether anything changed, compared by value.
   * @param deletedAt brokers that have just said that they do not have the topic any more
   */
  set(topic: string, route: TopicRoute, deletedAt: readonly string[] = []): boolean {
    const moved = route.brokers.map(broker => this.keepBroker(broker)).includes(true);
    const before = this.routes.get(topic);
    const changed = before === undefined || !sameRoute(before.route, route);
    if (changed) {
      const queues = readableQueues(topic, route).map(queue => Object.freeze(queue)); // users see these very objects
      queues.sort(compareQueues);
      const deleted = new Set([...(before?.deleted ?? nobody), ...deletedAt]);
      for (const { brokerName } of route.queues) deleted.delete(brokerName);
      this.routes.set(topic, { route, queues, deleted });
    }
    if (changed || moved) this.changes++;
    return changed || moved;
  }

  /** Drops the route of a topic that is no longer wanted. Addresses of its brokers stay known to {@link addressOf}. */
  forget(topic: string): boolean {
    const known = this.routes.delete(topic);
    if (known) this.changes++;
    return known;
  }

  /** The readable queues in the order of `compareQueues`; undefined when no route was ever seen. The same array until it changes. */
  queuesOf(topic: string): readonly MessageQueue[] | undefined {
    return this.routes.get(topic)?.queues;
  }

  /** Why a queue is no longer shared out, as far as routes say; `routed` also for a topic that nobody wants any more. */
  fateOf({ topic, brokerName, queueId }: MessageQueue): QueueFate {
    const cached = this.routes.get(topic);
    const isNamed =
      cached === undefined ||
      cached.route.queues.some(data => data.brokerName === brokerName && queueId < readableCount(data));
    if (isNamed) return 'routed';
    return cached.deleted.has(brokerName) ? 'deleted' : 'unrouted';
  }

  /** Address of one broker of a name; by default of the master. A name may have slaves only, then there is none. */
  addressOf(brokerName: string, id: number = masterId): Address | undefined {
    return this.addressesOf(brokerName).get(id);
  }

  /** All addresses of a broker name by broker id; empty when the name is unknown. */
  addressesOf(brokerName: string): ReadonlyMap<number, Address> {
    return this.brokers.get(brokerName)?.addresses ?? noAddresses;
  }

  /** The brokers whose masters listen there as far as was ever said: none for a slave, several where a name changed. */
  mastersAt(address: Address): readonly string[] {
    return [...this.brokers.keys()].filter(name => this.addressOf(name) === address);
  }

  /** Every master and slave the topics live on, each once: who gets heartbeats. */
  brokerAddresses(topics: readonly string[]): readonly Address[] {
    const names = new Set(topics.flatMap(topic => this.get(topic)?.brokers.map(b => b.brokerName) ?? []));
    return [...new Set([...names].flatMap(name => [...this.addressesOf(name).values()]))];
  }

  private keepBroker(broker: BrokerData): boolean {
    const before = this.brokers.get(broker.brokerName);
    this.brokers.set(broker.brokerName, broker);
    if (this.brokers.size > mostBrokers) this.dropOldest();
    return before !== undefined && !sameAddresses(before.addresses, broker.addresses);
  }

  private dropOldest(): void {
    const named = new Set(
      [...this.routes.values()].flatMap(({ route }) => route.brokers.map(each => each.brokerName)),
    );
    const spare = [...this.brokers.keys()].filter(name => !named.has(name));
    for (const name of spare.slice(0, mostBrokers / 2)) this.brokers.delete(name);
  }
}

/** Past this, brokers that no route names any more are forgotten: a name server may make up new ones at each poll. */
const mostBrokers = 5000;

function sameAddresses(a: ReadonlyMap<number, Address>, b: ReadonlyMap<number, Address>): boolean {
  return a.size === b.size && [...a].every(([id, address]) => b.get(id) === address);
}
