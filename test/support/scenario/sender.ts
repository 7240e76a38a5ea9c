// SPDX-License-Identifier: Apache-2.0
/** Who sends the messages of a scenario, and which are known to be stored? Numbered from 0 in each topic. */
import { type Clock, createProducer, type Message, type Producer } from '../../../src/index.ts';
import { tcpDialer } from '../../../src/transport/tcp-dialer.ts';
import { type ClusterUnderTest, settled } from './cluster-under-test.ts';
import { bodyOf } from './listener.ts';
import type { Names } from './names.ts';
import type { OperationOf } from './operation.types.ts';

/** Sends under way at once. */
const width = 100;
const sendLimit = 20_000;
/** Between two looks of a load at what is due. Unit: ms. */
const loadTick = 20;
const sendMessageCode = 10;
const compressedFlag = 1;

interface SentTopic {
  /** The number of the next message. */
  next: number;
  readonly tags: Map<number, string>;
  loading: { readonly ending: AbortController; readonly ended: Promise<void> } | undefined;
}

export class Sender {
  readonly #cluster: ClusterUnderTest;
  readonly #names: Names;
  readonly #topics = new Map<string, SentTopic>();
  readonly #producer: Producer;
  readonly #closing = new AbortController();
  #starting: Promise<void> | undefined;

  constructor(cluster: ClusterUnderTest, names: Names) {
    const { clock, namesrvAddr } = cluster;
    this.#cluster = cluster;
    this.#names = names;
    this.#producer = createProducer(
      { namesrvAddr, producerGroup: names.fresh('scenario-producers') },
      { clock, dialer: tcpDialer({ clock }) },
    );
  }

  /** The numbers of what is stored, in all or with one of the tags. A load must have ended. */
  numbers(topic: string, tags?: readonly string[]): readonly number[] {
    const sent = this.#topics.get(topic);
    const all = Array.from({ length: sent?.next ?? 0 }, (_, sequence) => sequence);
    return tags === undefined ? all : all.filter(sequence => tags.includes(sent?.tags.get(sequence) ?? ''));
  }

  /** Of all topics. */
  get count(): number {
    return [...this.#topics.values()].reduce((sum, { next }) => sum + next, 0);
  }

  async produce(step: OperationOf<'produce'>): Promise<void> {
    const { topic, count, tags = [], batch = 1, delayLevel, shardingKeys } = step;
    await this.#start();
    const sent = this.#topic(topic);
    const messages = Array.from({ length: count }, (): Message => {
      const sequence = sent.next++;
      const tag = tags[sequence % tags.length];
      if (tag !== undefined) sent.tags.set(sequence, tag);
      return {
        ...this.#message(topic, sequence),
        ...(tag && { tags: tag }),
        ...(delayLevel && { delayLevel }),
      };
    });
    for (const group of chunks(chunks(messages, batch), width)) {
      const sends = group.map(part =>
        batch === 1
          ? Promise.all(part.map(each => this.#send(each, shardingKeys)))
          : this.#producer.sendBatch(part),
      );
      await settled(this.#cluster, `${sends.length} sends to ${topic}`, sendLimit, Promise.all(sends));
    }
  }

  /** Sent by hand: no producer would. */
  async produceUnreadable({ topic }: OperationOf<'produceUnreadable'>): Promise<void> {
    const sequence = this.#topic(topic).next++;
    const [broker] = this.#cluster.brokers;
    if (broker === undefined) throw new Error('there is no broker');
    const fields = {
      ...{ producerGroup: this.#names.fresh('scenario-producers'), topic: this.#names.fresh(topic) },
      ...{ defaultTopic: 'TBW102', defaultTopicQueueNums: 4, queueId: 0, sysFlag: compressedFlag },
      ...{ bornTimestamp: Date.now(), flag: 0, properties: `KEYS\u0001${sequence}\u0002` },
      ...{ reconsumeTimes: 0, unitMode: false },
    };
    const body = Buffer.from(bodyOf(sequence));
    const { code, remark } = await this.#cluster.admin.request(broker.address, {
      ...{ code: sendMessageCode, fields, body },
    });
    if (code !== 0) throw new Error(`the broker refused the message with ${code}: ${remark}`);
  }

  /** Sends go on beside what the scenario does next. */
  async startLoad(step: OperationOf<'startLoad'>): Promise<void> {
    await this.#start();
    const sent = this.#topic(step.topic);
    const ending = new AbortController();
    sent.loading = { ending, ended: this.#load(step, sent, ending.signal) };
    sent.loading.ended.catch(() => {}); // told by stopLoad
  }

  /** Resolves when everything that was begun is stored. */
  async stopLoad(topic: string): Promise<void> {
    const { loading } = this.#topic(topic);
    if (loading === undefined) throw new Error(`nothing is being sent to ${topic}`);
    loading.ending.abort();
    await settled(this.#cluster, `the end of the load of ${topic}`, sendLimit, loading.ended);
    this.#topic(topic).loading = undefined;
  }

  async close(): Promise<void> {
    this.#closing.abort();
    for (const { loading } of this.#topics.values()) loading?.ending.abort();
    await settled(this.#cluster, 'the end of the producer', sendLimit, this.#producer.shutdown());
  }

  #start(): Promise<void> {
    this.#starting ??= settled(this.#cluster, 'the start of the producer', sendLimit, this.#producer.start());
    return this.#starting;
  }

  /** While the broker is away no more than {@link width} wait for it: what was not sent meanwhile is not made up for. */
  async #load(
    { topic, rate, shardingKeys }: OperationOf<'startLoad'>,
    sent: SentTopic,
    ending: AbortSignal,
  ): Promise<void> {
    const sends = new Set<Promise<void>>();
    const perTick = Math.max(1, Math.round((rate * loadTick) / 1000));
    while (!ending.aborted) {
      for (let free = Math.min(perTick, width - sends.size); free > 0; free -= 1) {
        const send = this.#sendUntilStored(this.#message(topic, sent.next++), shardingKeys);
        sends.add(send);
        send.then(
          () => sends.delete(send),
          () => {}, // stays, for the end to reject
        );
      }
      await passed(this.#cluster.clock, loadTick);
    }
    await Promise.all(sends);
  }

  /** A broker that is away comes back: a message may so be stored twice. */
  async #sendUntilStored(message: Message, shardingKeys: number | undefined): Promise<void> {
    for (;;) {
      try {
        await this.#send(message, shardingKeys);
        return;
      } catch (thrown) {
        if (this.#closing.signal.aborted) throw thrown;
        await passed(this.#cluster.clock, loadTick);
      }
    }
  }

  /** With sharding keys: `key-0`, `key-1`, … by the message's number. */
  async #send(message: Message, shardingKeys: number | undefined): Promise<void> {
    if (shardingKeys === undefined) await this.#producer.send(message);
    else await this.#producer.sendOrderly(message, `key-${Number(message.keys) % shardingKeys}`);
  }

  #message(topic: string, sequence: number): Message {
    return { topic: this.#names.fresh(topic), keys: String(sequence), body: bodyOf(sequence) };
  }

  #topic(topic: string): SentTopic {
    const known = this.#topics.get(topic);
    if (known !== undefined) return known;
    const made: SentTopic = { next: 0, tags: new Map(), loading: undefined };
    this.#topics.set(topic, made);
    return made;
  }
}

function chunks<Item>(items: readonly Item[], size: number): readonly (readonly Item[])[] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, index) =>
    items.slice(index * size, (index + 1) * size),
  );
}

function passed(clock: Clock, ms: number): Promise<void> {
  return new Promise(resolve => {
    clock.setTimeout(resolve, ms);
  });
}
