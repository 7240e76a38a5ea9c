// SPDX-License-Identifier: Apache-2.0
/** What happens in the demo, and when? Two members share the orders, a third joins, one leaves, one order fails, a rush comes. */
import { setTimeout as pause } from 'node:timers/promises';
import { createProducer, type Producer, type ShutdownReport } from '../../src/index.ts';
import { type Figures, type Happening, historyStep } from './figures.ts';
import { Member } from './member.ts';
import { Orders } from './orders.ts';
import type { Tone } from './paint.ts';
import { type Verdict, verdictOn } from './proof.ts';
import type { QueueOffsets, Stage } from './stage.ts';
import type { View } from './view.ts';

/** Unit: ms since production began. */
const times = { join: 3500, leave: 6500, rush: 8500, end: 10_000 } as const;
const steadyOrders = 400;
const rushOrders = 120;
/** The last orders and the last retry must be done within this. Unit: ms. */
const longestWait = 6000;

export interface ShowOptions {
  readonly stage: Stage;
  readonly view: View;
  /** Ends the show early; everything still stops in order. */
  readonly signal: AbortSignal;
  /** How many times faster than for a human eye. Default 1. */
  readonly tempo?: number;
}

/** Plays it. Rejects when the cluster does not let it begin. */
export async function play(options: ShowOptions): Promise<Verdict> {
  const { stage } = options;
  const producer = createProducer({
    namesrvAddr: stage.namesrvAddr,
    producerGroup: `${stage.group}-producer`,
    startTimeout: 5000,
  });
  await producer.start();
  return new Show(options, producer, await stage.offsets()).play();
}

class Show {
  readonly #options: Required<ShowOptions>;
  readonly #producer: Producer;
  readonly #before: readonly QueueOffsets[];
  readonly #orders: Orders;
  readonly #anna: Member;
  readonly #boris: Member;
  readonly #carla: Member;
  readonly #begin = performance.now();
  readonly #happenings: Happening[] = [];
  readonly #rateHistory: number[] = [];
  readonly #lagHistory: number[] = [];
  readonly #stops = new Map<string, ShutdownReport>();
  #offsets: readonly QueueOffsets[];

  constructor(options: ShowOptions, producer: Producer, before: readonly QueueOffsets[]) {
    this.#options = { tempo: 1, ...options };
    this.#producer = producer;
    this.#before = before;
    this.#offsets = before;
    this.#orders = new Orders(options.stage.topic, producer);
    this.#anna = this.#member('anna', 'cyan');
    this.#boris = this.#member('boris', 'magenta');
    this.#carla = this.#member('carla', 'yellow');
  }

  async play(): Promise<Verdict> {
    const { view, stage, signal } = this.#options;
    const timers = [
      setInterval(() => view.show(this.#figures()), view.every),
      setInterval(() => this.#sample(), historyStep),
      setInterval(() => void this.#look(), stage.offsetsEvery),
    ];
    try {
      await this.#story();
    } catch (error) {
      if (!signal.aborted) throw error;
      this.#tell(undefined, 'interrupted: everybody stops in order', 'yellow');
    } finally {
      await this.#leave(this.#anna, this.#boris, this.#carla);
      await this.#producer.shutdown();
      for (const timer of timers) clearInterval(timer);
    }
    await this.#look();
    view.show(this.#figures());
    return this.#verdict();
  }

  async #story(): Promise<void> {
    const { stage, signal } = this.#options;
    signal.throwIfAborted();
    this.#tell(undefined, `topic ${stage.topic} with ${this.#before.length} queues on ${stage.where}`);
    await Promise.all([this.#anna.join(), this.#boris.join()]);
    await Promise.all([
      this.#orders.sendSteadily(steadyOrders, this.#scaled(times.end), signal),
      this.#at(times.join, () => this.#carla.join()),
      this.#at(times.leave, () => this.#leave(this.#boris)),
      this.#at(times.rush, async () => {
        await this.#orders.sendRush(rushOrders, this.#before.length);
        this.#tell(undefined, `rush hour: ${rushOrders} orders at once`, 'yellow');
      }),
    ]);
    const isDone = (): boolean => this.#orders.consumed >= this.#orders.produced;
    const deadline = this.#now() + longestWait;
    while (!isDone() && this.#now() < deadline) await pause(50, undefined, { signal });
    this.#tell(undefined, isDone() ? 'every order is consumed' : 'some orders are still waiting', 'bold');
    await pause(this.#scaled(800), undefined, { signal });
  }

  async #at(ms: number, act: () => Promise<void>): Promise<void> {
    await pause(this.#scaled(ms), undefined, { signal: this.#options.signal });
    await act();
  }

  async #leave(...members: readonly Member[]): Promise<void> {
    await Promise.all(
      members.map(async member => {
        const report = await member.leave();
        if (report !== undefined) this.#stops.set(member.name, report);
      }),
    );
  }

  /** What the brokers say; when they do not answer, what they said before. */
  async #look(): Promise<void> {
    this.#offsets = await this.#options.stage.offsets().catch(() => this.#offsets);
  }

  #sample(): void {
    this.#rateHistory.push(this.#rate);
    this.#lagHistory.push(this.#orders.produced - this.#orders.consumed);
  }

  #figures(): Figures {
    const { stage } = this.#options;
    const { produced, consumed, repeated } = this.#orders;
    const members = this.#members.map(member => member.figures);
    return {
      ...{ where: stage.where, topic: stage.topic, group: stage.group, elapsed: this.#now() },
      ...{ produced, consumed, repeated, planned: steadyOrders + rushOrders, rate: this.#rate, members },
      retried: members.reduce((sum, { retried }) => sum + retried, 0),
      queues: this.#offsets.map(({ label, max, committed }) => {
        const from = this.#before.find(each => each.label === label)?.max ?? 0;
        return { label, stored: max - from, committed: Math.max(0, (committed ?? 0) - from) };
      }),
      ...{ happenings: this.#happenings, rateHistory: this.#rateHistory, lagHistory: this.#lagHistory },
    };
  }

  async #verdict(): Promise<Verdict> {
    const { produced, consumed, repeated } = this.#orders;
    return verdictOn({
      ...{ produced, consumed, repeated, before: this.#before, after: this.#offsets },
      waitingRetries: await this.#options.stage.waitingRetries(),
      members: this.#members,
      stops: [...this.#stops].map(([name, report]) => ({
        ...{ name, clean: report.clean, ms: Math.round(report.durationMs) },
      })),
      isInterrupted: this.#options.signal.aborted,
    });
  }

  #member(name: string, tone: Tone): Member {
    const { stage, tempo } = this.#options;
    const tell = (text: string, textTone?: Tone): void => this.#tell({ name, tone }, text, textTone);
    return new Member({ name, tone, stage, orders: this.#orders, tell, now: () => this.#now(), tempo });
  }

  get #members(): readonly Member[] {
    return [this.#anna, this.#boris, this.#carla];
  }

  get #rate(): number {
    return this.#members.reduce((sum, { figures }) => sum + figures.rate, 0);
  }

  #tell(who: Happening['who'], text: string, tone: Tone = 'plain'): void {
    const happening: Happening = { at: this.#now(), who, text, tone };
    this.#happenings.push(happening);
    this.#options.view.tell(happening);
  }

  #now(): number {
    return performance.now() - this.#begin;
  }

  #scaled(ms: number): number {
    return ms / this.#options.tempo;
  }
}
