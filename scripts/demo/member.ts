// SPDX-License-Identifier: Apache-2.0
/** What does one member of the group do and show? A consumer actor, with counters beside it. */
import { setTimeout as pause } from 'node:timers/promises';
import {
  type ConsumeContext,
  type ConsumerActor,
  createConsumerActor,
  type MessageExt,
  type ShutdownReport,
  shutdown,
  silentLogger,
  simple,
  whenRunning,
} from '../../src/index.ts';
import { type MemberFigures, rangesOf } from './figures.ts';
import { Meter } from './meter.ts';
import { failingOrder, failures, type Orders } from './orders.ts';
import type { Tone } from './paint.ts';
import type { Stage } from './stage.ts';

export interface MemberOptions {
  readonly name: string;
  readonly tone: Tone;
  readonly stage: Stage;
  readonly orders: Orders;
  /** Adds a line of this member to the event log. */
  readonly tell: (text: string, tone?: Tone) => void;
  readonly now: () => number;
  /** How many times faster than for a human eye. */
  readonly tempo: number;
}

/** How long an order takes. Unit: ms. */
const shortestWork = 15;
const longestWork = 45;
/** Queues that come and go within this time are one line of the log. Unit: ms. */
const quietBeforeTelling = 120;
const complaint = 'the payment service does not answer';

export class Member {
  readonly name: string;
  readonly #options: MemberOptions;
  readonly #actor: ConsumerActor;
  readonly #consumed: Meter;
  #state = 'idle';
  #retried = 0;
  #told = '';
  #leaving: Promise<ShutdownReport | undefined> | undefined = undefined;
  #telling: NodeJS.Timeout | undefined = undefined;

  constructor(options: MemberOptions) {
    this.name = options.name;
    this.#options = options;
    this.#consumed = new Meter(options.now);
    const { stage } = options;
    this.#actor = createConsumerActor(
      {
        consumerGroup: stage.group,
        namesrvAddr: stage.namesrvAddr,
        instanceName: options.name,
        consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
        consumeConcurrency: 4,
        persistConsumerOffsetInterval: 1000,
        startTimeout: 5000,
        subscriptions: [{ topic: stage.topic }],
        listener: simple((message, context) => this.#handle(message, context)),
      },
      { logger: silentLogger }, // what goes wrong is told as a fault
    );
    this.#listen();
  }

  get figures(): MemberFigures {
    const { name, tone } = this.#options;
    const { assignedQueues } = this.#actor.getSnapshot().context;
    const held = assignedQueues.reduce((sum, queue) => sum + queue.held, 0);
    const { count: consumed, rate } = this.#consumed;
    const isGone = this.#state === 'stopped';
    return {
      ...{ name, tone, state: this.#state, queues: isGone ? [] : this.#queues() },
      ...{ consumed, rate, held: isGone ? 0 : held, retried: this.#retried },
    };
  }

  get consumed(): number {
    return this.#consumed.count;
  }

  get isRunning(): boolean {
    return this.#state.startsWith('running');
  }

  async join(): Promise<void> {
    const begin = this.#options.now();
    this.#actor.start();
    await whenRunning(this.#actor);
    this.#options.tell(`joined, ${this.#state} after ${Math.round(this.#options.now() - begin)} ms`, 'green');
  }

  /** Never rejects; undefined when it never came. Everybody who asks gets the same report. */
  leave(): Promise<ShutdownReport | undefined> {
    this.#leaving ??= this.#state === 'idle' ? Promise.resolve(undefined) : this.#leave();
    return this.#leaving;
  }

  async #leave(): Promise<ShutdownReport> {
    clearTimeout(this.#telling);
    const report = await shutdown(this.#actor, { timeout: 3000 });
    this.#options.tell(leavingText(report), report.clean ? 'plain' : 'red');
    return report;
  }

  async #handle(message: MessageExt, context: ConsumeContext): Promise<void> {
    const { orders, stage, tell, tempo } = this.#options;
    const order = orders.nameOf(message);
    if (order === undefined) return; // left over from an earlier run
    await pause((shortestWork + Math.random() * (longestWork - shortestWork)) / tempo);
    if (order === failingOrder && context.attempt <= failures) {
      tell(`${order} fails: ${complaint}`, 'red');
      context.delayLevelWhenNextConsume = stage.delayLevel;
      throw new Error(complaint);
    }
    if (order === failingOrder) tell(`${order} succeeds at attempt ${context.attempt}`, 'green');
    orders.noteHandled(order);
    this.#consumed.add();
  }

  #listen(): void {
    const { stage, tell } = this.#options;
    this.#actor.on('consumer.stateChanged', ({ to }) => {
      this.#state = to;
    });
    this.#actor.on('message.retried', ({ attempt }) => {
      this.#retried++;
      tell(`${failingOrder} is at its broker again, for attempt ${attempt + 1}`, 'yellow');
    });
    this.#actor.on('fault', ({ error }) => {
      if (error.code !== 'RMQ_LISTENER_FAILED') tell(`${error.code}: ${error.message}`, 'red'); // told by the listener
    });
    for (const type of ['queue.assigned', 'queue.revoked'] as const) {
      this.#actor.on(type, ({ queue }) => {
        if (queue.topic === stage.topic) this.#tellQueuesSoon();
      });
    }
  }

  #tellQueuesSoon(): void {
    clearTimeout(this.#telling);
    this.#telling = setTimeout(() => {
      const queues = rangesOf(this.#queues());
      if (queues !== this.#told && this.isRunning) this.#options.tell(`reads queues ${queues || 'none'}`);
      this.#told = queues;
    }, quietBeforeTelling);
  }

  #queues(): readonly string[] {
    const { stage } = this.#options;
    return this.#actor
      .getSnapshot()
      .context.assignedQueues.filter(({ queue }) => queue.topic === stage.topic)
      .map(({ queue }) => stage.labelOf(queue))
      .toSorted((a, b) => a.localeCompare(b, 'en', { numeric: true }));
  }
}

/** How the steps are told that talk to listeners or brokers; the others take no time. */
const toldSteps = { draining: 'drain', persisting: 'persist', releasing: 'release' } as const;

function leavingText({ clean, durationMs, steps }: ShutdownReport): string {
  const told = steps.flatMap(
    ({ step, ms }) =>
      step in toldSteps ? `${toldSteps[step as keyof typeof toldSteps]} ${Math.round(ms)}` : [], // it is in there
  );
  return `left ${clean ? 'cleanly' : 'NOT cleanly'} in ${Math.round(durationMs)} ms: ${told.join(', ')}`;
}
