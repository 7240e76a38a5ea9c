// SPDX-License-Identifier: Apache-2.0
/** What is a member of a scenario? A consumer of this library in this process, with everything seen of it from outside. */
import {
  type ConsumerActor,
  type ConsumerEvent,
  concurrently,
  createConsumerActor,
  type MessageQueue,
  type ShutdownReport,
  silentLogger,
  tag,
} from '../../../src/index.ts';
import { tcpDialer } from '../../../src/transport/tcp-dialer.ts';
import { PortTrace } from '../port-trace.ts';
import type { ClusterUnderTest } from './cluster-under-test.ts';
import type { DeliveryBook } from './delivery-book.ts';
import { Freezer } from './freezer.ts';
import { scenarioListener } from './listener.ts';
import type { ListenerBehaviour, MemberOptions } from './member.types.ts';
import type { Names } from './names.ts';
import type { OperationOf } from './operation.types.ts';

export interface MemberPlace {
  readonly cluster: ClusterUnderTest;
  readonly names: Names;
  readonly book: DeliveryBook;
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
  behaviour: ListenerBehaviour;
  /** Of its shutdown, once it is over. */
  report: ShutdownReport | undefined;

  /** Makes it; `actor.start()` is the caller's. */
  constructor(
    { cluster, names, book }: MemberPlace,
    given: OperationOf<'startMember'>,
    options: MemberOptions = {},
  ) {
    this.name = given.member;
    this.group = given.group;
    this.behaviour = given.listener;
    this.takesAll = given.subscriptions.every(({ tags }) => tags === undefined);
    this.trace = new PortTrace(() => cluster.clock.now());
    this.freezer = new Freezer(cluster.clock);
    const { clock } = this.freezer;
    const listener = scenarioListener({
      ...{ member: this.name, group: this.group, clock, names, behaviour: () => this.behaviour },
      note: deliveries => book.note(deliveries),
    });
    this.actor = createConsumerActor(
      {
        consumerGroup: names.fresh(given.group),
        namesrvAddr: cluster.namesrvAddr,
        instanceName: names.fresh(given.member),
        subscriptions: given.subscriptions.map(({ topic, tags = '*' }) => ({
          topic: names.fresh(topic),
          selector: tag(tags),
        })),
        listener: concurrently(this.trace.listener(listener)),
        ...given.options,
        ...options,
      },
      { clock, dialer: this.trace.dialer(this.freezer.dialer(tcpDialer({ clock }))), logger: silentLogger },
    );
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

  /** Every state it was in, in order. */
  states(): readonly string[] {
    return [
      'idle',
      ...this.events.flatMap(event => (event.type === 'consumer.stateChanged' ? [event.to] : [])),
    ];
  }
}
