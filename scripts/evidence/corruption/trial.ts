// SPDX-License-Identifier: Apache-2.0
/** One topic and one group somewhere, some of whose messages are damaged, and what its consumer made of them. */
import { setTimeout as pause } from 'node:timers/promises';
import {
  type ConsumerConfig,
  type ConsumerEvent,
  createConsumerActor,
  createProducer,
  execute,
  type SeekTarget,
  shutdown,
  silentLogger,
  simple,
  whenRunning,
} from '../../../src/index.ts';
import type { MessageDamage } from '../../../src/testing/index.ts';
import type { Report } from '../kit/report.ts';
import type { Stage } from '../kit/stage.ts';
import type { Spoiled } from './damaging-dialer.ts';
import type { SpoilingPlace } from './spoiling-place.ts';

const queues = 4;
/** Where the damage is; the other queues must not notice. */
export const badQueue = 1;
const pollMs = 50;

export interface TrialOptions {
  readonly policy?: ConsumerConfig['onCorruptMessage'];
  readonly what: MessageDamage;
  /** In so many answers. Default: all. */
  readonly times?: number;
  /** Of the damaged ones in their queue, by its length. */
  readonly where?: (length: number) => readonly number[];
}

type Told<Type> = Extract<ConsumerEvent, { readonly type: Type }>;

export class Trial implements AsyncDisposable {
  readonly topic: string;
  readonly group: string;
  /** Offsets of the damaged messages. */
  bad: readonly number[] = [];
  readonly #stage: Stage;
  readonly #place: SpoilingPlace;
  readonly #options: TrialOptions;
  readonly #events: ConsumerEvent[] = [];
  /** States of the pull actors by queue, each in the order it came. */
  readonly #states = new Map<string, string[]>();
  /** Deliveries by queue and offset. */
  readonly #delivered = new Map<string, number>();
  readonly #samples: number[] = [];
  #damages: readonly Spoiled[] = [];
  #lengths: readonly number[] = [];
  #actor: ReturnType<typeof createConsumerActor> | undefined;
  #polling = true;
  #polled: Promise<void> | undefined;

  private constructor(stage: Stage, place: SpoilingPlace, options: TrialOptions) {
    this.#stage = stage;
    this.#place = place;
    this.#options = options;
    this.topic = stage.fresh('corrupt');
    this.group = stage.fresh('corrupt-group');
  }

  static async begin(stage: Stage, place: SpoilingPlace, options: TrialOptions): Promise<Trial> {
    const trial = new Trial(stage, place, options);
    await trial.#fill();
    trial.#spoil();
    await trial.#consume();
    return trial;
  }

  get #consumer(): ReturnType<typeof createConsumerActor> {
    if (this.#actor === undefined) throw new Error('the consumer was not started');
    return this.#actor;
  }

  /** Messages of the queue with the damage. */
  get badLength(): number {
    return this.#lengths[badQueue] ?? 0;
  }

  get all(): number {
    return this.#lengths.reduce((sum, length) => sum + length, 0);
  }

  /** How many were delivered, each counted once. */
  get deliveredOnce(): number {
    return this.#delivered.size;
  }

  told<Type extends ConsumerEvent['type']>(type: Type): readonly Told<Type>[] {
    return this.#events.filter((event): event is Told<Type> => event.type === type);
  }

  /** Faults that name this queue and one of the damaged messages. */
  reported(): readonly number[] {
    return this.told('fault').flatMap(({ error: { code, context } }) => {
      const isHere = context['topic'] === this.topic && context['queueId'] === badQueue;
      return code === 'RMQ_BAD_MESSAGE' && isHere ? [Number(context['queueOffset'])] : [];
    });
  }

  statesSeen(): readonly string[] {
    return this.#states.get(this.#key(badQueue)) ?? [];
  }

  async until(what: string, isTrue: () => boolean): Promise<void> {
    try {
      await this.#stage.until(`${this.group}: ${what}`, 60_000, isTrue);
    } catch (error) {
      throw new Error(this.#account(), { cause: error });
    }
  }

  /** For whoever has to find out what was waited for in vain. */
  #account(): string {
    const { policy, what } = this.#options;
    const missing = this.#lengths.flatMap((length, queueId) =>
      Array.from({ length }, (_, offset) => `${queueId}:${offset}`).filter(key => !this.#delivered.has(key)),
    );
    const events = this.#events
      .filter(({ type }) => type !== 'offset.committed' && type !== 'consumer.stateChanged')
      .map(event => JSON.stringify(event).slice(0, 300));
    return [
      `${this.group}, ${what}, policy ${String(policy)}: ${this.deliveredOnce} of ${this.all} delivered`,
      `damaged ${this.bad.join()}, not delivered ${missing.join(' ')}`,
      `states ${JSON.stringify([...this.#states])}`,
      ...events,
    ].join('\n');
  }

  /** Nothing is damaged any more. */
  repair(): void {
    for (const damage of this.#damages) damage.remove();
  }

  seek(to: SeekTarget): Promise<void> {
    const queue = { topic: this.topic, brokerName: 'broker-a', queueId: badQueue };
    return execute(this.#consumer, { type: 'queue.seek', queue, to });
  }

  isAssigned(): boolean {
    const { assignedQueues } = this.#consumer.getSnapshot().context;
    return assignedQueues.some(({ queue }) => queue.topic === this.topic && queue.queueId === badQueue);
  }

  /** What holds in all trials: `missing` are the offsets nobody got. */
  async judge(report: Report, missing: readonly number[]): Promise<void> {
    await pause(500); // whatever comes once too often
    this.#polling = false;
    await this.#polled;
    const { clean } = await shutdown(this.#consumer);
    const twice = [...this.#delivered.values()].filter(times => times > 1).length;
    const badOnes = this.bad.filter(offset => this.#delivered.has(`${badQueue}:${offset}`));
    report.check('messages delivered', this.deliveredOnce, { is: this.all - missing.length });
    report.check('delivered more than once', twice, { is: 0 });
    report.check('missing, and delivered all the same', badOnes.filter(o => missing.includes(o)).length, {
      is: 0,
    });
    report.check('stopped clean', clean, { is: true });
  }

  /** Up to now no sample lay behind this offset. */
  judgeCommitted(report: Report, mostly: number): void {
    report.note('samples of the committed offset', this.#samples.length);
    report.check(
      'samples past a message that was not decided upon',
      this.#samples.filter(s => s > mostly).length,
      {
        is: 0,
      },
    );
  }

  async committed(): Promise<number> {
    return (await this.#place.committed(this.group, this.topic, badQueue)) ?? -1;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#polling = false;
    await this.#polled;
    if (this.#actor !== undefined) await shutdown(this.#actor);
  }

  async #fill(): Promise<void> {
    const count = this.#stage.pick({ full: 2000, share: 120 });
    await this.#place.createTopic(this.topic, queues);
    await using producer = createProducer({
      namesrvAddr: this.#place.namesrvAddr,
      producerGroup: `to-${this.topic}`,
    });
    await producer.start();
    const sends = Array.from({ length: count }, (_, i) =>
      producer.send({ topic: this.topic, body: Buffer.from(`message ${i}`) }),
    );
    await Promise.all(sends);
    // A broker answers a send before the message is in its queue.
    await this.#stage.until(`${this.topic}: all in their queues`, 60_000, async () => {
      this.#lengths = await Promise.all(
        Array.from({ length: queues }, (_, queueId) => this.#place.maxOffset(this.topic, queueId)),
      );
      return this.all >= count;
    });
  }

  #spoil(): void {
    const { what, times = Number.POSITIVE_INFINITY, where = middle } = this.#options;
    this.bad = where(this.badLength);
    this.#damages = this.bad.map(queueOffset =>
      this.#place.damage({ topic: this.topic, queueId: badQueue, queueOffset }, what, times),
    );
  }

  async #consume(): Promise<void> {
    const { policy } = this.#options;
    const actor = createConsumerActor(
      {
        consumerGroup: this.group,
        namesrvAddr: this.#place.namesrvAddr,
        consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
        persistConsumerOffsetInterval: 500,
        subscriptions: [{ topic: this.topic }],
        ...(policy !== undefined && { onCorruptMessage: policy }),
        listener: simple(({ queueId, queueOffset }) => {
          const place = `${queueId}:${queueOffset}`;
          this.#delivered.set(place, (this.#delivered.get(place) ?? 0) + 1);
        }),
      },
      { logger: silentLogger, ...this.#place.environment, inspect: event => this.#look(event) },
    );
    this.#actor = actor;
    for (const type of ['fault', 'message.skipped', 'offset.corrected', 'message.retried'] as const)
      actor.on(type, event => this.#events.push(event));
    actor.start();
    await whenRunning(actor);
    this.#polled = this.#poll();
  }

  async #poll(): Promise<void> {
    while (this.#polling) {
      const committed = await this.#place.committed(this.group, this.topic, badQueue).catch(() => undefined);
      if (committed !== undefined) this.#samples.push(committed);
      await pause(pollMs);
    }
  }

  /** The states of the pull actors, which no public event tells. */
  #look(event: { readonly type: string; readonly snapshot?: unknown }): void {
    if (event.type !== '@xstate.snapshot') return;
    const { machine, value, context } = event.snapshot as PullSnapshot; // as far as it is one of the pull chart
    if (machine?.id !== 'pull' || context === undefined) return;
    const states = this.#states.get(context.owned.key) ?? [];
    this.#states.set(context.owned.key, states);
    const state = typeof value === 'string' ? value : Object.keys(value ?? {}).join();
    if (states.at(-1) !== state) states.push(state);
  }

  #key(queueId: number): string {
    return `${this.topic}@broker-a#${queueId}`;
  }
}

interface PullSnapshot {
  readonly machine?: { readonly id: string };
  readonly value?: string | object;
  readonly context?: { readonly owned: { readonly key: string } };
}

function middle(length: number): readonly number[] {
  return [Math.floor(length / 2)];
}

/** The first, two neighbours, and the last of the queue. */
export function scattered(length: number): readonly number[] {
  const half = Math.floor(length / 2);
  return [0, half, half + 1, length - 1];
}
