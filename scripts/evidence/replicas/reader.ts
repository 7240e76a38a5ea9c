// SPDX-License-Identifier: Apache-2.0
/** A consumer of this process that writes down what it was given, and from which replica it reads. */
import { setTimeout as pause } from 'node:timers/promises';
import {
  type ConsumeContext,
  type Consumer,
  concurrently,
  createConsumer,
  type MessageExt,
  orderly,
  silentLogger,
} from '../../../src/index.ts';
import { type Delivery, monotonicMs } from '../../../test/support/history/deliveries.ts';
import type { Stage } from '../kit/stage.ts';

export type ReaderKind = 'concurrent' | 'orderly';

export class ReplicaReader implements AsyncDisposable {
  readonly kind: ReaderKind;
  readonly group: string;
  readonly deliveries: Delivery[] = [];
  /** Codes of the errors told, each with how often. */
  readonly #faults = new Map<string, number>();
  readonly #sequences = new Set<number>();
  readonly #topic: string;
  readonly #consumer: Consumer;
  /** When the last queue went back to the master. Monotonic ms. */
  backAt: number | undefined;
  corrected = 0;
  #begun: number[] = [];

  constructor(
    stage: Stage,
    {
      topic,
      kind,
      handlerMs,
    }: { readonly topic: string; readonly kind: ReaderKind; readonly handlerMs: number },
  ) {
    this.kind = kind;
    this.#topic = topic;
    this.group = stage.fresh(`replicas-${kind}`);
    const consume = async (
      [message]: readonly MessageExt[],
      { queue }: Pick<ConsumeContext, 'queue'>,
    ): Promise<void> => {
      if (message === undefined) return;
      const at = monotonicMs();
      this.#begun.push(at);
      await pause(handlerMs);
      const sequence = Number(message.body.toString('latin1', 0, 10));
      this.#sequences.add(sequence);
      const place = { queue: `${queue.topic}@${queue.brokerName}#${queue.queueId}`, queueId: queue.queueId };
      const { topic: shown, queueOffset: offset, reconsumeTimes } = message;
      this.deliveries.push({
        ...place,
        topic: shown,
        offset,
        sequence,
        at,
        until: monotonicMs(),
        reconsumeTimes,
        isDone: true,
      });
    };
    this.#consumer = createConsumer(
      {
        ...{ consumerGroup: this.group, namesrvAddr: stage.cluster.namesrvAddr, instanceName: kind },
        ...{ consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET', pullThresholdForQueue: 100 },
        consumeConcurrency: 16, // slow enough for an outage in the middle
        subscriptions: [{ topic }],
        listener: kind === 'orderly' ? orderly(consume) : concurrently(consume),
      },
      undefined,
      { logger: silentLogger },
    );
    this.#consumer.on('fault', ({ error: { code } }) =>
      this.#faults.set(code, (this.#faults.get(code) ?? 0) + 1),
    );
    this.#consumer.on('offset.corrected', () => {
      this.corrected += 1;
    });
    this.#consumer.on('queue.replicaChanged', ({ to }) => {
      if (to === 0) this.backAt = monotonicMs();
    });
  }

  /** Different messages. */
  get done(): number {
    return this.#sequences.size;
  }

  get faults(): readonly string[] {
    return [...this.#faults].map(([code, times]) => `${code} ${times}`);
  }

  start(): Promise<void> {
    return this.#consumer.start();
  }

  /** How many queues of the topic are read from the replica of that broker id now. */
  readFrom(brokerId: number): number {
    const ours = this.#consumer.getAssignedQueues().filter(({ queue }) => queue.topic === this.#topic);
    return ours.filter(each => each.brokerId === brokerId).length;
  }

  begunBetween(from: number, to: number): number {
    return this.#begun.filter(at => at > from && at < to).length;
  }

  /** Deliveries that did not follow the one before in their queue. */
  outOfOrder(): number {
    const next = new Map<string, number>();
    return this.deliveries.filter(({ queue, offset }) => {
      const wanted = next.get(queue) ?? 0;
      next.set(queue, offset + 1);
      return offset !== wanted;
    }).length;
  }

  /** True when nothing was left over. */
  async stop(): Promise<boolean> {
    return (await this.#consumer.shutdown()).clean;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#consumer.shutdown();
  }
}
