// SPDX-License-Identifier: Apache-2.0
/** What does almost every test of a whole consumer begin with? A consumer before a scripted cluster, and lists of what it showed. */
import type { ConsumerConfig } from '../../src/config/consumer-config.ts';
import type { ConsumerActor } from '../../src/consumer/consumer-actor.ts';
import { createConsumerActor } from '../../src/consumer/create-consumer-actor.ts';
import type { Environment } from '../../src/consumer/environment.ts';
import {
  type ConsumeMessages,
  type ConsumeOrderly,
  concurrently,
  orderly,
} from '../../src/listeners/listener.ts';
import { pathOf } from '../../src/machines/consumer/consumer.logic.ts';
import type { ConsumerEvent } from '../../src/machines/consumer/consumer.types.ts';
import { silentLogger } from '../../src/observability/logger.ts';
import { TestClock } from '../../src/testing/test-clock.ts';
import { turn } from './builders.ts';
import { PortTrace } from './port-trace.ts';
import { type ClusterOptions, nameServer, ScriptedCluster } from './scripted-cluster.ts';
import { followConsumer } from './trace-follow.ts';

export interface KitOptions {
  readonly cluster?: Omit<ClusterOptions, 'clock'>;
  readonly config?: ConsumerConfig;
  readonly environment?: Omit<Environment, 'clock' | 'dialer'>;
  /** Answers nothing by default: every message is done at once. */
  readonly listener?: ConsumeMessages;
  /** Default: concurrent. */
  readonly order?: 'concurrent' | 'orderly';
  /** Default: createConsumerActor. */
  readonly make?: typeof createConsumerActor;
}

type Fault = Extract<ConsumerEvent, { readonly type: 'fault' }>;

export const group = 'billing';

export class ConsumerKit {
  readonly clock = new TestClock();
  readonly cluster: ScriptedCluster;
  readonly trace: PortTrace;
  readonly actor: ConsumerActor;
  /** Every state a subscriber saw, as dotted paths; the same one twice in a row counts once. */
  readonly states: string[] = [];
  readonly events: ConsumerEvent[] = [];
  /** Offsets in the order of delivery, as `orders-0:3`. */
  readonly delivered: string[] = [];

  constructor({
    cluster = {},
    config = {},
    environment = {},
    listener,
    order = 'concurrent',
    make = createConsumerActor,
  }: KitOptions = {}) {
    this.cluster = new ScriptedCluster({ ...cluster, clock: this.clock });
    this.trace = new PortTrace(() => this.clock.now());
    const consume = this.trace.listener<
      Parameters<ConsumeMessages>[0],
      Parameters<ConsumeMessages>[1],
      unknown
    >((messages, context) => {
      for (const { topic, queueOffset } of messages) {
        this.delivered.push(`${topic}-${context.queue.queueId}:${queueOffset}`);
      }
      return listener?.(messages, context);
    });
    this.actor = make(
      {
        consumerGroup: group,
        namesrvAddr: nameServer,
        instanceName: 'me',
        clientIp: '10.0.0.9',
        subscriptions: [{ topic: 'orders' }],
        consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
        listener:
          order === 'orderly'
            ? orderly(consume as unknown as ConsumeOrderly) // a test's listener looks at the queue only
            : concurrently(consume as ConsumeMessages), // the answer is whatever the test's listener answers
        ...config,
      },
      {
        logger: silentLogger,
        random: () => 0.5,
        ...environment,
        clock: this.clock,
        dialer: this.trace.dialer(this.cluster.dialer),
      },
    );
    followConsumer(this.trace, this.actor, config);
    this.actor.on('*', event => this.events.push(event));
    this.actor.subscribe(snapshot => {
      const state = pathOf(snapshot.value);
      if (this.states.at(-1) !== state) this.states.push(state);
    });
  }

  get state(): string {
    return pathOf(this.actor.getSnapshot().value);
  }

  get faults(): readonly Fault[] {
    return this.events.filter(event => event.type === 'fault');
  }

  /** Events of one type. */
  all<Type extends ConsumerEvent['type']>(
    type: Type,
  ): readonly Extract<ConsumerEvent, { readonly type: Type }>[] {
    return this.events.filter(event => event.type === type) as Extract<
      ConsumerEvent,
      { readonly type: Type }
    >[]; // the filter says so
  }

  /** Time passes in small steps, and in each one the answers of peers have time to come. */
  async pass(ms: number, step = 50): Promise<void> {
    await this.settle();
    for (let left = ms; left > 0; left -= step) {
      await this.clock.advance(Math.min(step, left));
      for (let i = 0; i < 4; i++) await turn();
    }
    await this.settle();
  }

  /** Whatever needs no time happens: some round trips to peers. */
  async settle(): Promise<void> {
    for (let i = 0; i < 12; i++) await turn();
  }

  /** Time passes until it is so; at most a minute. */
  async until(isSo: () => boolean): Promise<void> {
    await this.settle();
    for (let waited = 0; !isSo(); waited += 25) {
      if (waited > 60_000) throw new Error(`it never came; the consumer is in ${this.state}`);
      await this.pass(25);
    }
  }

  async start(): Promise<this> {
    this.actor.start();
    await this.until(() => this.actor.getSnapshot().matches('running'));
    await this.settle();
    return this;
  }

  /** What is left of it: all zero when it has ended properly. */
  get leftovers(): {
    readonly timers: number;
    readonly sockets: number;
    readonly children: readonly string[];
  } {
    const { children } = this.actor.getSnapshot() as unknown as { readonly children: Record<string, Child> }; // not public
    const alive = Object.entries(children).filter(([, child]) => child?.getSnapshot().status === 'active');
    return {
      timers: this.clock.pending,
      sockets: this.cluster.openSockets,
      children: alive.map(([id]) => id),
    };
  }
}

type Child = { getSnapshot(): { readonly status: string } } | undefined;

export const nothingLeft = { timers: 0, sockets: 0, children: [] } as const;
