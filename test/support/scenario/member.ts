// SPDX-License-Identifier: Apache-2.0
/** What is a member of a scenario? A consumer of this library in this process, with everything seen of it from outside. */
import {
  type ConsumerActor,
  type ConsumerEvent,
  concurrently,
  createConsumerActor,
  type Listener,
  type MessageBatch,
  type MessageQueue,
  orderly,
  type RevokeReason,
  type ShutdownReport,
  silentLogger,
  tag,
} from '../../../src/index.ts';
import { tcpDialer } from '../../../src/transport/tcp-dialer.ts';
import { PortTrace } from '../port-trace.ts';
import { followConsumer } from '../trace-follow.ts';
import type { LockPromise } from '../trace-rule.ts';
import type { ClusterUnderTest } from './cluster-under-test.ts';
import type { DeliveryBook } from './delivery-book.ts';
import { Freezer } from './freezer.ts';
import { type ListenerOwner, scenarioListener, shardingKeyOf } from './listener.ts';
import type { ListenerBehaviour, MemberOptions } from './member.types.ts';
import type { Names } from './names.ts';
import type { OperationOf } from './operation.types.ts';
import { scenarioOrderlyListener } from './orderly-listener.ts';
import type { Refusals } from './refusals.ts';

/** Of the option. Unit: ms. */
const defaultHandoverTimeout = 30_000;

export interface MemberPlace {
  readonly cluster: ClusterUnderTest;
  readonly names: Names;
  readonly book: DeliveryBook;
  readonly refusals: Refusals;
}

/** A call of its onQueuesRevoked. */
export interface Revoked {
  readonly queue: MessageQueue;
  readonly reason: RevokeReason;
}

export class ScenarioMember {
  readonly name: string;
  readonly group: string;
  readonly actor: ConsumerActor;
  readonly trace: PortTrace;
  readonly freezer: Freezer;
  /** Everything it emitted. */
  readonly events: ConsumerEvent[] = [];
  /** It takes every message of its topics. */
  readonly takesAll: boolean;
  /** The topics it subscribed to, as the scenario calls them. */
  readonly topics: readonly string[];
  /** What it promises to lock. */
  readonly locks: LockPromise;
  readonly handoverTimeout: number;
  /** What its onQueuesRevoked was told. */
  readonly revoked: Revoked[] = [];
  behaviour: ListenerBehaviour;
  /** Of its shutdown, once it is over. */
  report: ShutdownReport | undefined;

  /** When it was stopped the hard way. Unit: ms on the cluster's clock. */
  crashedAt: number | undefined;

  /** Makes it; `actor.start()` is the caller's. */
  constructor(place: MemberPlace, given: OperationOf<'startMember'>, more: MemberOptions = {}) {
    const { cluster, names, refusals } = place;
    const options: MemberOptions = { ...given.options, ...more };
    this.name = given.member;
    this.group = given.group;
    this.behaviour = given.listener;
    this.topics = given.subscriptions.map(({ topic }) => topic);
    this.takesAll = given.subscriptions.every(({ tags }) => tags === undefined);
    this.locks = given.orderly === true ? 'orderly' : options.handover === 'none' ? 'none' : 'fence';
    this.handoverTimeout = options.handoverTimeout ?? defaultHandoverTimeout;
    this.trace = new PortTrace(() => cluster.clock.now());
    this.freezer = new Freezer(cluster.clock);
    const { clock } = this.freezer;
    const network = this.freezer.dialer(refusals.dialer(tcpDialer({ clock })));
    this.actor = createConsumerActor(
      {
        consumerGroup: names.fresh(given.group),
        namesrvAddr: cluster.namesrvAddr,
        instanceName: names.fresh(given.member),
        subscriptions: given.subscriptions.map(({ topic, tags = '*' }) => ({
          topic: names.fresh(topic),
          selector: tag(tags),
        })),
        listener: this.#listener(place, given.orderly === true ? (options.orderBy ?? 'queue') : undefined),
        onQueuesRevoked: (queues, { reason }) => {
          this.revoked.push(...queues.map(queue => ({ queue, reason })));
        },
        ...options,
      },
      { clock, dialer: this.trace.dialer(network), logger: silentLogger },
    );
    followConsumer(this.trace, this.actor, options);
    this.actor.on('*', event => this.events.push(event));
  }

  get clientId(): string {
    return this.actor.getSnapshot().context.clientId;
  }

  /** The queues it owns now, of a topic as the cluster calls it. */
  queuesOf(topic: string): readonly MessageQueue[] {
    const { status, context } = this.actor.getSnapshot();
    if (status !== 'active') return [];
    return context.assignedQueues.map(({ queue }) => queue).filter(queue => queue.topic === topic);
  }

  #listener({ cluster, names, book }: MemberPlace, orderBy: 'queue' | 'shardingKey' | undefined): Listener {
    const owner: ListenerOwner = {
      ...{ member: this.name, group: this.group, clock: this.freezer.clock, time: cluster.clock },
      names,
      behaviour: () => this.behaviour,
      note: deliveries => book.note(deliveries),
    };
    if (orderBy === undefined) return concurrently(this.trace.listener(scenarioListener(owner)));
    const laneOf = ([first]: MessageBatch): string => (orderBy === 'queue' ? '' : shardingKeyOf(first));
    return orderly(this.trace.listener(scenarioOrderlyListener({ ...owner, orderBy }), laneOf));
  }

  /** Every state it was in, in order. */
  states(): readonly string[] {
    return [
      'idle',
      ...this.events.flatMap(event => (event.type === 'consumer.stateChanged' ? [event.to] : [])),
    ];
  }
}
