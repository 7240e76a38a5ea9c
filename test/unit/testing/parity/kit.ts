// SPDX-License-Identifier: Apache-2.0
/** What do the tests of single names stand on? An embedded cluster with the topic `orders`, whose time is moved by hand. */
import {
  type Consumer,
  type ConsumerConfig,
  type ConsumerEvent,
  createConsumer,
  type Listener,
  type RocketmqError,
  silentLogger,
  simple,
} from '../../../../src/index.ts';
import { type EmbeddedCluster, startEmbeddedCluster, TestClock } from '../../../../src/testing/index.ts';

export class World implements AsyncDisposable {
  readonly cluster: EmbeddedCluster;
  /** Bodies in the order of their delivery. */
  readonly seen: string[] = [];
  readonly events: ConsumerEvent[] = [];
  readonly #consumers: Consumer[] = [];

  private constructor(cluster: EmbeddedCluster) {
    this.cluster = cluster;
  }

  static async open({ queues = 2 } = {}): Promise<World> {
    const cluster = await startEmbeddedCluster({ clock: new TestClock() });
    cluster.createTopic('orders', { queues });
    return new World(cluster);
  }

  get environment() {
    return { clock: this.cluster.clock, logger: silentLogger };
  }

  get config(): ConsumerConfig & { readonly consumerGroup: string } {
    return {
      ...{ consumerGroup: 'billing', namesrvAddr: this.cluster.namesrvAddr },
      ...{ subscriptions: [{ topic: 'orders' }], consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET' },
    };
  }

  /** Notes what is delivered. */
  readonly note: Listener = simple(({ body }) => void this.seen.push(body.toString()));

  /** One that is stopped with this world; its events are noted. */
  keep(consumer: Consumer): Consumer {
    consumer.on('*', event => this.events.push(event));
    this.#consumers.push(consumer);
    return consumer;
  }

  make(more: ConsumerConfig = {}, listener: Listener = this.note): Consumer {
    return this.keep(createConsumer({ ...this.config, ...more }, listener, this.environment));
  }

  async started(more: ConsumerConfig = {}, listener: Listener = this.note): Promise<Consumer> {
    const consumer = this.make(more, listener);
    await this.wait(consumer.start());
    return consumer;
  }

  send(...bodies: readonly string[]): void {
    this.cluster.send(...bodies.map(body => ({ topic: 'orders', body })));
  }

  /** Time passes until this is so, or settled. A promise that is rejected rejects. */
  wait<T>(what: (() => boolean) | Promise<T>, atMost = 120_000): Promise<T | undefined> {
    return this.cluster.passUntil(what, atMost);
  }

  /** What a promise is rejected with. */
  async refusal(promise: Promise<unknown>): Promise<RocketmqError> {
    const error = await this.wait(
      promise.then(
        () => undefined,
        (thrown: RocketmqError) => thrown,
      ),
    );
    if (error === undefined) throw new Error('it was not refused');
    return error;
  }

  /** The first fault with this code; time passes until there is one. */
  async fault(code: string): Promise<RocketmqError> {
    const find = (): RocketmqError | undefined =>
      this.events
        .flatMap(event => (event.type === 'fault' ? [event.error] : []))
        .find(each => each.code === code);
    await this.wait(() => find() !== undefined);
    const found = find();
    if (found === undefined) throw new Error(`there was no fault ${code}`);
    return found;
  }

  committed(queueId = 0, group = 'billing'): number | undefined {
    return this.cluster.broker().committed(group, 'orders', queueId);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const consumer of this.#consumers) await this.wait(consumer.shutdown({ timeout: 1000 }));
    await this.cluster.stop();
  }
}
