// SPDX-License-Identifier: Apache-2.0
/** How is the effect of an option seen? The same small life twice on an embedded cluster, with and without the option set. */
import { expect } from 'vitest';
import {
  type ConsumeContext,
  type ConsumerActor,
  type ConsumerConfig,
  type ConsumerEvent,
  concurrently,
  createConsumerActor,
  type Environment,
  type MessageExt,
  shutdown,
  whenRunning,
} from '../../../../src/index.ts';
import { silentLogger } from '../../../../src/observability/logger.ts';
import {
  type EmbeddedCluster,
  type EmbeddedClusterOptions,
  startEmbeddedCluster,
  TestClock,
} from '../../../../src/testing/index.ts';
import { MemoryFileSystem } from '../../../support/memory-file-system.ts';

/** What concurrent and orderly listeners both get. */
type SomeContext = Pick<ConsumeContext, 'queue' | 'signal'>;

/** One row of the table: what is set, what is looked at, and what must be seen without and with it. */
export interface Effect {
  readonly cluster?: EmbeddedClusterOptions;
  /** Of the topic `orders`. Default 1. */
  readonly queues?: number;
  /** In both lives. */
  readonly base?: ConsumerConfig;
  /** The option away from its default, and nothing else. */
  readonly change: ConsumerConfig | ((stage: Stage) => ConsumerConfig);
  /** What the listener does with each batch. Default: it is done at once. */
  readonly listener?: (messages: readonly MessageExt[], context: SomeContext, stage: Stage) => unknown;
  /** What is to be seen from outside: requests, times, deliveries, events. Never the option itself. */
  readonly observe: (stage: Stage) => Promise<unknown>;
  readonly byDefault: unknown;
  readonly changed: unknown;
}

export interface Delivery {
  readonly body: string;
  readonly at: number;
  readonly size: number;
}

type EventOf<Type extends ConsumerEvent['type']> = Extract<ConsumerEvent, { readonly type: Type }>;

/** A cluster with the topic `orders`, and the consumers of one life. */
export class Stage {
  readonly deliveries: Delivery[] = [];
  readonly events: ConsumerEvent[] = [];
  readonly fileSystem = new MemoryFileSystem();
  /** Handler calls now, and the most there were. */
  running = 0;
  most = 0;
  readonly cluster: EmbeddedCluster;
  readonly #effect: Effect;
  /** The option as it is set in this life. */
  readonly change: ConsumerConfig;
  readonly #actors: ConsumerActor[] = [];

  private constructor(cluster: EmbeddedCluster, effect: Effect, isChanged: boolean) {
    this.cluster = cluster;
    this.#effect = effect;
    const { change } = effect;
    this.change = !isChanged ? {} : typeof change === 'function' ? change(this) : change;
  }

  static async set(effect: Effect, isChanged: boolean): Promise<Stage> {
    const cluster = await startEmbeddedCluster({ clock: new TestClock(), ...effect.cluster });
    cluster.createTopic('orders', { queues: effect.queues ?? 1 });
    return new Stage(cluster, effect, isChanged);
  }

  get now(): number {
    return this.cluster.clock.now();
  }

  /** The consumer of this life; the events of all that are made go to one list. */
  make(more: ConsumerConfig = {}, environment: Environment = {}): ConsumerActor {
    const actor = createConsumerActor(
      {
        consumerGroup: 'billing',
        namesrvAddr: this.cluster.nameServers[0]?.address,
        consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
        subscriptions: [{ topic: 'orders' }],
        listener: concurrently((messages, context) => this.consume(messages, context) as never), // any answer may be tried here
        ...this.#effect.base,
        ...this.change,
        ...more,
      },
      { clock: this.cluster.clock, logger: silentLogger, fileSystem: this.fileSystem, ...environment },
    );
    actor.on('*', event => this.events.push(event));
    this.#actors.push(actor);
    return actor;
  }

  /** For listeners that a row makes itself. */
  async consume(messages: readonly MessageExt[], context: SomeContext): Promise<unknown> {
    for (const message of messages) {
      this.deliveries.push({
        body: message.body.toString('latin1', 0, 20),
        at: this.now,
        size: messages.length,
      });
    }
    this.running += 1;
    this.most = Math.max(this.most, this.running);
    try {
      return await this.#effect.listener?.(messages, context, this);
    } finally {
      this.running -= 1;
    }
  }

  async start(more: ConsumerConfig = {}, environment: Environment = {}): Promise<ConsumerActor> {
    const actor = this.make(more, environment);
    actor.start();
    await this.cluster.passUntil(whenRunning(actor));
    return actor;
  }

  send(count: number, body: (i: number) => string | Buffer = i => `${i}`): void {
    const messages = Array.from({ length: count }, (_, i) => ({ topic: 'orders', body: body(i) }));
    this.cluster.send(...messages);
  }

  pass(ms: number): Promise<void> {
    return this.cluster.pass(ms);
  }

  async until(isSo: () => boolean, atMost = 120_000): Promise<void> {
    await this.cluster.passUntil(isSo, atMost);
  }

  all<Type extends ConsumerEvent['type']>(type: Type): readonly EventOf<Type>[] {
    return this.events.filter(event => event.type === type) as EventOf<Type>[]; // the filter says so
  }

  /** How many requests of this name, of the topic itself or of none. */
  count(request: string, since = 0): number {
    return this.cluster
      .requests({ request })
      .filter(({ topic, at }) => at >= since && !(topic ?? '').startsWith('%RETRY%')).length;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const actor of this.#actors) {
      const ending = shutdown(actor, { timeout: 1000 });
      await this.cluster.passUntil(ending);
    }
    await this.cluster.stop();
  }
}

/** About so many ms: a tenth more or less, and a step of the clock. */
export function about(ms: number): unknown {
  return expect.toSatisfy(
    (seen: unknown) => typeof seen === 'number' && Math.abs(seen - ms) <= ms / 10 + 200,
  );
}

export function atLeast(least: number): unknown {
  return expect.toSatisfy((seen: unknown) => typeof seen === 'number' && seen >= least);
}

/** Never ends by itself; rejects when its signal aborts. */
export function hang({ signal }: { readonly signal: AbortSignal }): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true }); // an Error of ours
  });
}
