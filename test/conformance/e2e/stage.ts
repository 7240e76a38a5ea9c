// SPDX-License-Identifier: Apache-2.0
/** What does a case of Apache's end-to-end suite begin with? Topics, groups, consumers and a producer of its own on a shared cluster. */
import {
  createProducer,
  type Message,
  type Producer,
  type SendResult,
  silentLogger,
} from '../../../src/index.ts';
import { tcpDialer } from '../../../src/transport/tcp-dialer.ts';
import type { RawQueueOffsets } from '../../support/cluster/raw-admin.ts';
import { type ClusterUnderTest, settled } from '../../support/scenario/cluster-under-test.ts';
import { Names } from '../../support/scenario/names.ts';
import { E2eConsumer, type GivenConsumer } from './e2e-consumer.ts';

/** For whatever must happen at all. Unit: ms on the cluster's clock. */
const limit = 60_000;
/** Queues of a topic of Apache's suite. */
const queuesOfATopic = 8;

export class E2eStage implements AsyncDisposable {
  readonly cluster: ClusterUnderTest;
  readonly #names = new Names();
  readonly #delays: readonly number[];
  readonly #consumers: E2eConsumer[] = [];
  #count = 0;
  #producer: Promise<Producer> | undefined;

  /** @param delays the broker's messageDelayLevel: `'1s 5s 10s'` */
  constructor(cluster: ClusterUnderTest, delays: string) {
    this.cluster = cluster;
    this.#delays = delays.split(' ').map(millis);
  }

  /** The pause of a delay level. Unit: ms. */
  delayOf(level: number): number {
    return this.#delays[level - 1] ?? Number.NaN;
  }

  /** A name nobody else has. */
  fresh(name: string): string {
    this.#count += 1;
    return this.#names.fresh(`${name}-${this.#count}`);
  }

  /** Makes a topic. */
  async topic(queues = queuesOfATopic): Promise<string> {
    const topic = this.fresh('e2e');
    await this.cluster.setQueues(topic, queues);
    return topic;
  }

  /** Starts a consumer; resolves when it has its queues, or at once when it is one of several. */
  async consumer(given: GivenConsumer): Promise<E2eConsumer> {
    const consumer = new E2eConsumer(this.cluster, given);
    this.#consumers.push(consumer);
    await settled(this.cluster, 'a consumer runs', limit, consumer.start());
    return consumer;
  }

  /** Waits until consumers own so many queues of the topic, in order, and know where to start. */
  async shares(consumers: readonly E2eConsumer[], topic: string, shares: readonly number[]): Promise<void> {
    const text = shares.join();
    await this.until(
      `queues are shared ${text}`,
      () => consumers.map(each => each.owned(topic)).join() === text,
    );
  }

  /** One consumer that owns all queues of its topic. */
  async soleConsumer(given: GivenConsumer, queues = queuesOfATopic): Promise<E2eConsumer> {
    const consumer = await this.consumer(given);
    await this.shares([consumer], given.topic, [queues]);
    return consumer;
  }

  async stop(consumer: E2eConsumer): Promise<void> {
    await settled(this.cluster, 'a consumer stops', limit, consumer.stop());
  }

  /** One after the other: to the queues in turn, or to the queue of the sharding key. */
  async send(messages: readonly Message[], shardingKey?: string): Promise<readonly SendResult[]> {
    const producer = await this.producer();
    const results: SendResult[] = [];
    for (const message of messages) {
      const sending =
        shardingKey === undefined ? producer.send(message) : producer.sendOrderly(message, shardingKey);
      results.push(await settled(this.cluster, 'a message is sent', limit, sending));
    }
    return results;
  }

  producer(): Promise<Producer> {
    this.#producer ??= this.#startProducer();
    return this.#producer;
  }

  /** Waits for what must happen. */
  async until(what: string, isTrue: () => boolean | Promise<boolean>): Promise<void> {
    await this.cluster.until(what, limit, isTrue);
  }

  /** Waits until the group has committed everything the topic holds: whatever was not delivered by then never is. */
  async committed(topic: string, group: string): Promise<void> {
    await this.until(`${group} has passed everything in ${topic}`, async () => {
      const offsets = await this.cluster.admin.queueOffsets(topic, group);
      return offsets.length > 0 && offsets.every(({ min, max, committed }) => (committed ?? min) === max);
    });
  }

  /** Waits until so many messages of the group are dead letters. */
  async deadLetters(group: string, count: number): Promise<void> {
    await this.until(
      `${count} dead letters of ${group}`,
      async () => (await this.held(`%DLQ%${group}`)) === count,
    );
  }

  /** How many messages a topic holds; one that does not exist holds none. */
  async held(topic: string): Promise<number> {
    const offsets: readonly RawQueueOffsets[] = await this.cluster.admin.queueOffsets(topic);
    return offsets.reduce((sum, { min, max }) => sum + max - min, 0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const consumer of this.#consumers) await this.stop(consumer);
    const producer = await this.#producer;
    if (producer !== undefined) await settled(this.cluster, 'the producer stops', limit, producer.shutdown());
  }

  async #startProducer(): Promise<Producer> {
    const { clock, namesrvAddr } = this.cluster;
    const environment = { clock, logger: silentLogger, dialer: tcpDialer({ clock }) };
    const producer = createProducer({ namesrvAddr, producerGroup: this.fresh('producers') }, environment);
    await settled(this.cluster, 'the producer starts', limit, producer.start());
    return producer;
  }
}

/** Messages with the bodies `'0'`, `'1'`, … */
export function numbered(
  topic: string,
  count: number,
  more: Omit<Partial<Message>, 'topic' | 'body'> = {},
): readonly Message[] {
  return Array.from({ length: count }, (_, index) => ({ ...more, topic, body: String(index) }));
}

/** `'0'` to one less than the count, as {@link numbered} sends them. */
export function bodies(count: number): readonly string[] {
  return Array.from({ length: count }, (_, index) => String(index));
}

/** As numbers are sorted, not as texts. */
export function sorted(texts: readonly string[]): readonly string[] {
  return texts.toSorted((a, b) => Number(a) - Number(b));
}

function millis(text: string): number {
  const units: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000 };
  return Number(text.slice(0, -1)) * (units[text.slice(-1)] ?? Number.NaN);
}
