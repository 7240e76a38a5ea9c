// SPDX-License-Identifier: Apache-2.0
/** A consumer in this process whose deliveries and words are written down, and a producer for what it consumes. */
import {
  type ConsumeMessages,
  type ConsumerConfig,
  type ConsumerEvent,
  concurrently,
  createConsumerActor,
  createProducer,
  type Environment,
  type MessageExt,
  type ShutdownReport,
  shutdown,
  silentLogger,
  whenRunning,
} from '../../../src/index.ts';
import type { Place } from './place.ts';

type Told<Type> = Extract<ConsumerEvent, { readonly type: Type }>;

/** What a handler was given. */
export interface Seen {
  readonly body: string;
  readonly message: MessageExt;
  /** Times it had failed before. */
  readonly attempts: number;
  /** Monotonic ms. */
  readonly at: number;
  /** Deliveries of one call share it. */
  readonly call: number;
}

export interface WatchedOptions {
  readonly group: string;
  readonly topic: string;
  readonly config?: Partial<ConsumerConfig>;
  readonly environment?: Environment;
}

export class WatchedConsumer implements AsyncDisposable {
  readonly seen: Seen[] = [];
  readonly #events: { readonly event: ConsumerEvent; readonly at: number }[] = [];
  readonly #actor: ReturnType<typeof createConsumerActor>;
  #calls = 0;

  private constructor(
    place: Place,
    { group, topic, config, environment }: WatchedOptions,
    handler: ConsumeMessages,
  ) {
    this.#actor = createConsumerActor(
      {
        consumerGroup: group,
        namesrvAddr: place.namesrvAddr,
        consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
        persistConsumerOffsetInterval: 500,
        subscriptions: [{ topic }],
        listener: concurrently((messages, context) => {
          this.#note(messages);
          return handler(messages, context);
        }),
        ...config,
      },
      { logger: silentLogger, ...environment },
    );
    for (const type of ['message.retried', 'message.deadLettered', 'message.dropped', 'fault'] as const)
      this.#actor.on(type, event => this.#events.push({ event, at: performance.now() }));
  }

  static async start(
    place: Place,
    options: WatchedOptions,
    handler: ConsumeMessages,
  ): Promise<WatchedConsumer> {
    const consumer = new WatchedConsumer(place, options, handler);
    consumer.#actor.start();
    await whenRunning(consumer.#actor);
    return consumer;
  }

  /** Deliveries of one message, in order. */
  of(body: string): readonly Seen[] {
    return this.seen.filter(each => each.body === body);
  }

  told<Type extends ConsumerEvent['type']>(type: Type): readonly (Told<Type> & { readonly at: number })[] {
    return this.#events.flatMap(
      ({ event, at }) => (event.type === type ? [{ ...(event as Told<Type>), at }] : []), // of that type, as was just asked
    );
  }

  /** Codes of the faults, each once, sorted. */
  faults(): readonly string[] {
    return [...new Set(this.told('fault').map(({ error }) => error.code))].sort();
  }

  stop(): Promise<ShutdownReport> {
    return shutdown(this.#actor);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  #note(messages: readonly MessageExt[]): void {
    const at = performance.now();
    this.#calls += 1;
    for (const message of messages) {
      const { reconsumeTimes: attempts } = message;
      this.seen.push({ body: message.body.toString(), message, attempts, at, call: this.#calls });
    }
  }
}

/** Sends these bodies to the topic, one after the other, each with an id of its own. */
export async function produce(place: Place, topic: string, bodies: readonly string[]): Promise<void> {
  await using producer = createProducer({ namesrvAddr: place.namesrvAddr, producerGroup: `to-${topic}` });
  await producer.start();
  for (const body of bodies) await producer.send({ topic, body: Buffer.from(body) });
}

/** The dead letters of a group, read by a group of their own until there are that many. */
export async function readDeadLetters(
  place: Place,
  given: { readonly group: string; readonly reader: string; readonly count: number },
  until: (what: string, timeoutMs: number, isTrue: () => boolean) => Promise<void>,
): Promise<readonly MessageExt[]> {
  const { group, reader, count } = given;
  await place.openDeadLetters(group);
  const options = { group: reader, topic: `%DLQ%${group}` };
  await using consumer = await WatchedConsumer.start(place, options, () => {});
  await until(`${count} dead letters of ${group}`, 30_000, () => consumer.seen.length >= count);
  return consumer.seen.map(({ message }) => message);
}
