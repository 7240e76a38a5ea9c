// SPDX-License-Identifier: Apache-2.0
/** A consumer in this process, one of whose handler calls never ends by itself. What it was given and what it said is written down. */
import { setTimeout as pause } from 'node:timers/promises';
import {
  type ConsumerConfig,
  type ConsumerEvent,
  concurrently,
  createConsumerActor,
  type MessageBatch,
  type MessageExt,
  orderly,
  type ShutdownReport,
  shutdown,
  silentLogger,
  whenRunning,
} from '../../../src/index.ts';
import { type Delivery, monotonicMs } from '../../../test/support/history/deliveries.ts';

export interface HangingOptions {
  readonly namesrvAddr: string;
  readonly topic: string;
  readonly group: string;
  readonly orderly: boolean;
  readonly handlerMs: number;
  readonly config: Partial<ConsumerConfig>;
}

/** The call that hangs. */
export interface Hung {
  readonly message: MessageExt;
  readonly signal: AbortSignal;
  readonly delivery: Delivery;
  /** Unit of all times: CLOCK_MONOTONIC ms. */
  readonly at: number;
  abortedAt: number | undefined;
  /** Lets it end well. */
  end(): void;
}

export type Told<Type extends ConsumerEvent['type']> = Extract<ConsumerEvent, { readonly type: Type }> & {
  readonly at: number;
};

const kept = ['message.stuck', 'message.retried', 'message.deadLettered', 'queue.revoked', 'fault'] as const;

export class HangingConsumer {
  readonly name = 'solo';
  readonly #deliveries: (Delivery & { until: number | undefined; isDone: boolean })[] = [];
  readonly #events: { readonly event: ConsumerEvent; readonly at: number }[] = [];
  readonly #actor: ReturnType<typeof createConsumerActor>;
  readonly #handlerMs: number;
  /** What ends after consumeTimeout is done all the same. */
  readonly #lateCounts: boolean;
  /** The next message of this queue hangs. */
  #hangsIn: number | undefined;
  #hung: Hung | undefined;

  constructor(given: HangingOptions) {
    const { topic } = given;
    this.#handlerMs = given.handlerMs;
    this.#lateCounts = given.orderly;
    this.#actor = createConsumerActor(
      {
        consumerGroup: given.group,
        namesrvAddr: given.namesrvAddr,
        consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
        persistConsumerOffsetInterval: 500,
        subscriptions: [{ topic }],
        listener: given.orderly
          ? orderly((messages, context) => this.#handle(messages, context))
          : concurrently((messages, context) => this.#handle(messages, context)),
        ...given.config,
      },
      { logger: silentLogger },
    );
    for (const type of kept) this.#actor.on(type, event => this.#events.push({ event, at: monotonicMs() }));
  }

  async start(): Promise<void> {
    await whenRunning(this.#actor.start());
  }

  stop(): Promise<ShutdownReport> {
    return shutdown(this.#actor);
  }

  hangIn(queueId: number): void {
    this.#hangsIn = queueId;
  }

  get hung(): Hung | undefined {
    return this.#hung;
  }

  deliveries(): readonly Delivery[] {
    return this.#deliveries;
  }

  told<Type extends ConsumerEvent['type']>(type: Type): readonly Told<Type>[] {
    return this.#events.flatMap(
      ({ event, at }) => (event.type === type ? [{ ...event, at } as Told<Type>] : []), // of that type, as was just asked
    );
  }

  async #handle(messages: MessageBatch, context: { readonly signal: AbortSignal }): Promise<void> {
    const [message] = messages;
    const delivery = { ...deliveryOf(message), until: undefined as number | undefined, isDone: false };
    this.#deliveries.push(delivery);
    if (this.#hangsIn === message.queueId && message.reconsumeTimes === 0) {
      this.#hangsIn = undefined;
      await this.#hang(message, context.signal, delivery);
      delivery.isDone = this.#lateCounts;
    } else {
      await pause(this.#handlerMs);
      delivery.isDone = true;
    }
    delivery.until = monotonicMs();
  }

  #hang(message: MessageExt, signal: AbortSignal, delivery: Delivery): Promise<void> {
    return new Promise(resolve => {
      const hung: Hung = { message, signal, delivery, at: monotonicMs(), abortedAt: undefined, end: resolve };
      this.#hung = hung;
      signal.addEventListener('abort', () => {
        hung.abortedAt = monotonicMs();
      });
    });
  }
}

function deliveryOf(message: MessageExt): Delivery {
  const { topic, brokerName, queueId, queueOffset: offset, reconsumeTimes } = message;
  const isRetry = message.getProperty('RETRY_TOPIC') !== undefined;
  return {
    queue: `${isRetry ? 'retry of ' : ''}${topic}@${brokerName}#${queueId}`,
    ...{ topic, queueId, offset, reconsumeTimes, isDone: false },
    sequence: Number(message.body.toString('latin1', 0, 10)),
    at: monotonicMs(),
  };
}
