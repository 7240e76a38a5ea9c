// SPDX-License-Identifier: Apache-2.0
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type FlowLimits, SharedFlow } from '../../../src/flow/flow-gate.ts';
import { OwnedQueue } from '../../../src/flow/owned-queue.ts';
import { RateLimit } from '../../../src/flow/rate-limit.ts';
import { ConcurrentDispatcher } from '../../../src/listeners/concurrent-dispatcher.ts';
import type { FailedMessage } from '../../../src/listeners/dispatcher.ts';
import { HandlerSlots } from '../../../src/listeners/handler-slots.ts';
import { letGo } from '../../../src/listeners/let-go.ts';
import {
  type ConsumeContext,
  type ConsumeReturn,
  concurrently,
  type MessageBatch,
} from '../../../src/listeners/listener.ts';
import { ConsumeResult } from '../../../src/model/consume-result.ts';
import type { MessageExt } from '../../../src/model/message.ts';
import { TestClock } from '../../../src/testing/test-clock.ts';
import {
  at,
  type Deferred,
  deferred,
  messagesBetween,
  offsetsOf,
  queueNumber,
  turn,
} from '../../support/builders.ts';

/** Of one message in the present epoch. */
type Fate = 'new' | 'running' | 'again' | 'returning' | 'done';
type Outcome = 'success' | 'firstOnly' | 'later' | 'throw' | 'nonsense' | 'letGo';

interface Running {
  readonly epoch: number;
  readonly offsets: readonly number[];
  readonly context: ConsumeContext;
  readonly hand: Deferred<unknown>;
  /** When a sweep saw it first. */
  since: number | undefined;
  isStuck: boolean;
}

interface Options {
  readonly batchSize: number;
  readonly concurrency: number;
  readonly gathers: boolean;
  readonly perSecond: number | undefined;
  readonly autoCommit: boolean;
  readonly limits: FlowLimits;
}

const consumeTimeoutMs = 1000;
const limits = [
  { countOfQueue: 6, bytesOfQueue: 900, spanOfQueue: 12, countOfTopic: 9, countOfAll: 10, bytesOfAll: 1500 },
  {
    countOfQueue: 99,
    bytesOfQueue: 300,
    spanOfQueue: 99,
    bytesOfTopic: 500,
    countOfAll: 12,
    bytesOfAll: 1500,
  },
  { countOfQueue: 99, bytesOfQueue: 900, spanOfQueue: 6, countOfAll: 20, bytesOfAll: 300 },
] as const;

const answers: Readonly<Record<Outcome, unknown>> = {
  success: undefined,
  firstOnly: ConsumeResult.SUCCESS,
  later: ConsumeResult.RECONSUME_LATER,
  throw: undefined,
  nonsense: 'yes',
  letGo,
};

/** One queue, its listener, its puller and its broker do as they like; the model says what must hold. */
class Queue {
  readonly owned: OwnedQueue<MessageExt>;
  readonly dispatcher: ConcurrentDispatcher;
  readonly running: Running[] = [];
  readonly failed: FailedMessage[] = [];
  readonly fates = new Map<number, Fate>();
  readonly told: string[] = [];
  gathersAt: number | undefined;
  isThrottled = false;
  isOpen = false;
  isGivenUp = false;
  #committed = 0;
  #approved = Number.POSITIVE_INFINITY;
  readonly #frames: { readonly offsets: readonly number[]; readonly bytes: number }[] = [];
  readonly #world: World;

  constructor(id: number, world: World) {
    this.#world = world;
    const { options, clock } = world;
    const commits = {
      advance: (point: number) => {
        if (point > this.#committed) this.#committed = point;
      },
      reset: (point: number) => (this.#committed = point),
    };
    this.owned = new OwnedQueue<MessageExt>(queueNumber(id), commits, world.flow, options);
    const listener = concurrently((messages, context) => this.#listen(messages, context) as ConsumeReturn);
    const settings = {
      batchSize: options.batchSize,
      batchMaxWaitMs: options.gathers ? 50 : 0,
      consumeTimeoutMs,
    };
    this.dispatcher = new ConcurrentDispatcher(this.owned, world.slots, settings, {
      listenerOf: () => listener,
      mayDeliver: () => world.mayDeliver,
      stopSignal: new AbortController().signal,
      now: () => clock.now(),
      onGather: ms => (this.gathersAt = clock.now() + ms),
      onStuck: ({ queueOffset }) => this.told.push(`stuck ${queueOffset}`),
      onFailed: messages => void this.failed.push(...messages),
      onMisuse: () => {},
    });
    this.owned.whenWorkArrives(() => {
      this.dispatcher.noteArrival();
      this.dispatcher.pump();
    });
    this.restart(0);
  }

  pull(count: number): void {
    if (this.isGivenUp || this.isThrottled) return;
    if (this.owned.gate.cause() !== undefined) {
      this.isThrottled = true;
      this.#world.seen.add(`throttled by ${this.owned.gate.cause()}`);
      this.owned.gate.whenOpen(() => (this.isThrottled = false));
      return;
    }
    const from = this.owned.pulledTo ?? at(0);
    const messages = messagesBetween(from, from + count);
    const bytes = 100 + 10 * count;
    if (count > 0) this.#frames.push({ offsets: offsetsOf(messages), bytes });
    for (const { queueOffset } of messages) this.fates.set(queueOffset, 'new');
    this.owned.admit(messages, at(from + count + 1), bytes); // the last of each stretch was filtered out
  }

  open(): void {
    if (this.isGivenUp) return;
    this.isOpen = true;
    this.dispatcher.open();
  }

  close(): void {
    this.isOpen = false;
    this.gathersAt = undefined;
    this.dispatcher.close();
  }

  restart(offset = (this.owned.pulledTo ?? 0) + 100): void {
    if (this.running.length > 0) this.#world.seen.add('running across epochs');
    this.fates.clear();
    this.#frames.length = 0;
    this.#approved = this.#world.options.autoCommit ? Number.POSITIVE_INFINITY : offset;
    this.owned.restart(at(offset), true);
  }

  gathered(): void {
    if (this.gathersAt === undefined || this.gathersAt > this.#world.clock.now()) return;
    this.gathersAt = undefined;
    this.#world.seen.add('gathered');
    this.dispatcher.gathered();
  }

  commit(dice: number): void {
    const call = this.running[dice % Math.max(1, this.running.length)];
    if (call === undefined) return;
    if (call.epoch === this.owned.epoch && this.#world.options.autoCommit === false)
      this.#approved = Math.max(this.#approved, (call.offsets.at(-1) ?? 0) + 1);
    call.context.commit();
  }

  sweep(): void {
    const now = this.#world.clock.now();
    for (const call of this.running) {
      if (call.isStuck) continue;
      if (call.since === undefined) call.since = now;
      else if (now - call.since >= consumeTimeoutMs) {
        call.isStuck = true;
        this.#world.seen.add(call.epoch === this.owned.epoch ? 'stuck' : 'stuck of a former epoch');
        if (call.epoch === this.owned.epoch) this.#set(call.offsets, 'returning');
      }
    }
    this.dispatcher.sweep(now);
  }

  async end(dice: number, outcome: Outcome): Promise<void> {
    const [call] = this.running.splice(dice % Math.max(1, this.running.length), 1);
    if (call === undefined) return;
    if (call.isStuck) this.#world.seen.add('late result');
    else this.#foresee(call, outcome);
    if (outcome === 'firstOnly') call.context.ackIndex = 0;
    if (outcome === 'throw') call.hand.reject(new Error('no'));
    else call.hand.resolve(answers[outcome]);
    await turn();
  }

  returned(dice: number, isTaken: boolean): void {
    const [one] = this.failed.splice(dice % Math.max(1, this.failed.length), 1);
    if (one === undefined) return;
    if (one.epoch === this.owned.epoch) {
      if (this.fates.get(one.message.queueOffset) !== 'returning')
        this.#world.broken.push(`${one.message.queueOffset} was handed back twice`);
      this.#set([one.message.queueOffset], isTaken ? 'done' : 'again');
    }
    if (isTaken) this.dispatcher.settle(one);
    else this.dispatcher.redeliver(one);
  }

  giveUp(): void {
    this.close();
    this.isGivenUp = true;
    this.isThrottled = false;
    this.owned.gate.forget(); // as its pull actor does
    for (const [offset, fate] of this.fates) if (fate === 'new') this.fates.delete(offset);
    this.dispatcher.drop();
    this.dispatcher.whenDrained(() => this.told.push('drained'));
  }

  get unfinished(): readonly number[] {
    return [...this.fates].filter(([, fate]) => fate !== 'done').map(([offset]) => offset);
  }

  get heldBytes(): number {
    const unfinished = new Set(this.unfinished);
    const held = this.#frames.filter(({ offsets }) => offsets.some(offset => unfinished.has(offset)));
    return held.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  get runningCalls(): number {
    return this.running.filter(({ isStuck }) => !isStuck).length;
  }

  check(): void {
    const { owned, dispatcher } = this;
    const point = Math.min(...this.unfinished, owned.pulledTo ?? 0);
    expect(owned.commitPoint, 'the commit point').toBe(point);
    expect(this.#committed, 'committed').toBeLessThanOrEqual(Math.min(point, this.#approved));
    expect([owned.count, owned.bytes], 'held').toEqual([this.unfinished.length, this.heldBytes]);
    expect(dispatcher.runningCalls, 'running calls').toBe(this.runningCalls);
    expect(dispatcher.hasStuck, 'stuck').toBe(this.running.some(({ isStuck }) => isStuck));
    const again = [...this.fates.values()].filter(fate => fate === 'again').length;
    expect(dispatcher.pending, 'pending').toBe(owned.count - again);
    if (this.isThrottled && owned.gate.cause() !== 'rate' && this.#world.options.perSecond === undefined)
      expect(owned.gate.cause(), 'throttled without a cause').toBeDefined();
    if (this.isGivenUp) expect(this.told.includes('drained')).toBe(dispatcher.pending === 0);
  }

  /** A call might start and nobody is going to start it. */
  get isForgotten(): boolean {
    const { options, mayDeliver } = this.#world;
    if (!this.isOpen || !mayDeliver || options.perSecond !== undefined) return false;
    const fates = [...this.fates.values()];
    if (fates.includes('again')) return true;
    if (!fates.includes('new')) return false;
    return !options.gathers || this.gathersAt === undefined;
  }

  #listen(messages: MessageBatch, context: ConsumeContext): unknown {
    const offsets = offsetsOf(messages);
    for (const offset of offsets) {
      const fate = this.fates.get(offset);
      if (fate !== 'new' && fate !== 'again')
        this.#world.broken.push(`${offset} was delivered while ${fate}`);
      if (fate === 'again' && offsets.length > 1)
        this.#world.broken.push(`${offsets} mixed with a repeated one`);
    }
    if (!this.isOpen || !this.#world.mayDeliver) this.#world.broken.push(`${offsets} delivered while closed`);
    this.#set(offsets, 'running');
    const { epoch } = this.owned;
    const call = { epoch, offsets, context, hand: deferred<unknown>(), since: undefined, isStuck: false };
    const soon = this.#world.atOnce.shift();
    if (soon === undefined) {
      this.running.push(call);
      return call.hand.promise;
    }
    soon.inside(this, this.#world);
    if (call.epoch !== this.owned.epoch) this.#world.seen.add('restarted by its own listener');
    this.#foresee(call, soon.outcome);
    if (soon.outcome === 'firstOnly') context.ackIndex = 0;
    if (soon.outcome === 'throw') throw new Error('no');
    return answers[soon.outcome];
  }

  #foresee({ epoch, offsets }: Running, outcome: Outcome): void {
    this.#world.seen.add(outcome);
    if (epoch !== this.owned.epoch) return void this.#world.seen.add('old result');
    if (outcome === 'letGo') this.#set(offsets, 'again');
    else {
      const done = outcome === 'success' ? offsets.length : outcome === 'firstOnly' ? 1 : 0;
      this.#set(offsets.slice(0, done), 'done');
      this.#set(offsets.slice(done), 'returning');
    }
  }

  #set(offsets: readonly number[], fate: Fate): void {
    for (const offset of offsets) if (this.fates.has(offset)) this.fates.set(offset, fate);
  }
}

class World {
  readonly seen = new Set<string>();
  /** What a listener call showed to be wrong; thrown there, it would be taken for a failure of the listener. */
  readonly broken: string[] = [];
  readonly clock = new TestClock();
  readonly options: Options;
  readonly slots: HandlerSlots;
  readonly flow: SharedFlow;
  readonly queues: readonly Queue[];
  /** What the next calls do and answer at once; when there is nothing they are ended by a step. */
  readonly atOnce: { readonly outcome: Outcome; readonly inside: (queue: Queue, world: World) => void }[] =
    [];
  mayDeliver = true;

  constructor(options: Options) {
    this.options = options;
    const { perSecond, concurrency } = options;
    const rate = perSecond === undefined ? undefined : new RateLimit(perSecond, this.clock);
    this.slots = new HandlerSlots(concurrency, rate);
    this.flow = new SharedFlow(options.limits, rate);
    this.queues = [0, 1, 2].map(id => new Queue(id, this));
    this.slots.open();
    for (const queue of this.queues) queue.open();
  }

  allow(mayDeliver: boolean): void {
    this.mayDeliver = mayDeliver;
    if (mayDeliver) for (const queue of this.queues) if (queue.isOpen) queue.open(); // as after a suspension
  }

  sweep(): void {
    for (const queue of this.queues) queue.sweep();
  }

  check(): void {
    if (this.broken.length > 0) expect.fail(this.broken.join('\n'));
    for (const queue of this.queues) queue.check();
    const sum = (of: (queue: Queue) => number) => this.queues.reduce((total, each) => total + of(each), 0);
    const running = sum(each => each.runningCalls);
    expect(this.slots.running, 'slots').toBe(running);
    expect(running, 'more calls than slots').toBeLessThanOrEqual(this.options.concurrency);
    expect([this.flow.count, this.flow.bytes], 'flow').toEqual([
      sum(each => each.unfinished.length),
      sum(each => each.heldBytes),
    ]);
    if (running < this.options.concurrency)
      expect(
        this.queues.some(each => each.isForgotten),
        'a free slot, and work that nobody starts',
      ).toBe(false);
  }

  /** Everything goes well from now on. */
  async finishAll(): Promise<void> {
    this.atOnce.length = 0;
    this.allow(true);
    for (const queue of this.queues) queue.open();
    const isBusy = (queue: Queue) =>
      queue.running.length + queue.failed.length > 0 || (!queue.isGivenUp && queue.unfinished.length > 0);
    for (let rounds = 0; this.queues.some(isBusy); rounds++) {
      if (rounds > 500) expect.fail('it does not end');
      for (const queue of this.queues) {
        await queue.end(0, 'success');
        queue.returned(0, true);
        queue.gathered();
      }
      await this.clock.advance(100);
      this.check();
    }
    for (const queue of this.queues) {
      queue.close();
      if (queue.isGivenUp) queue.owned.letGo();
    }
    expect(
      this.queues.map(({ isThrottled }) => isThrottled),
      'throttled for ever',
    ).toEqual([false, false, false]);
    expect([this.slots.running, this.clock.pending], 'slots and timers').toEqual([0, 0]);
    expect([this.flow.count, this.flow.bytes], 'flow').toEqual([0, 0]);
  }
}

const outcome = fc.constantFrom<Outcome[]>(
  'success',
  'success',
  'firstOnly',
  'later',
  'throw',
  'nonsense',
  'letGo',
);
const dice = fc.nat(99);
const which = fc.nat(2);
type Step = (world: World) => Promise<void> | void;
type OnQueue = (queue: Queue) => Promise<void> | void;

function onQueue(of: fc.Arbitrary<OnQueue>): fc.Arbitrary<Step> {
  return fc.tuple(which, of).map(([id, act]) => world => {
    const queue = world.queues[id];
    return queue && act(queue);
  });
}

const insides = fc.constantFrom<((queue: Queue, world: World) => void)[]>(
  () => {},
  queue => queue.restart(),
  queue => queue.close(),
  queue => queue.pull(3),
  (_, world) => world.queues[0]?.open(),
  (_, world) => world.queues[1]?.pull(2),
  (_, world) => void world.queues[1]?.restart(),
);

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 12, arbitrary: onQueue(fc.nat(5).map(count => (queue: Queue) => queue.pull(count))) },
  {
    weight: 20,
    arbitrary: onQueue(
      fc.tuple(dice, outcome).map(
        ([die, how]) =>
          (queue: Queue) =>
            queue.end(die, how),
      ),
    ),
  },
  {
    weight: 8,
    arbitrary: onQueue(
      fc.tuple(dice, fc.boolean()).map(
        ([die, ok]) =>
          (queue: Queue) =>
            queue.returned(die, ok),
      ),
    ),
  },
  {
    weight: 6,
    arbitrary: fc.tuple(outcome, insides).map(
      ([how, inside]) =>
        (world: World) =>
          void world.atOnce.push({ outcome: how, inside }),
    ),
  },
  { weight: 6, arbitrary: fc.constant((world: World) => world.sweep()) },
  { weight: 6, arbitrary: fc.constantFrom(10, 60, 600).map(ms => (world: World) => world.clock.advance(ms)) },
  { weight: 4, arbitrary: onQueue(fc.constant((queue: Queue) => queue.gathered())) },
  { weight: 2, arbitrary: onQueue(dice.map(die => (queue: Queue) => queue.commit(die))) },
  { weight: 3, arbitrary: onQueue(fc.constant((queue: Queue) => queue.open())) },
  { weight: 1, arbitrary: onQueue(fc.constant((queue: Queue) => queue.close())) },
  { weight: 2, arbitrary: onQueue(fc.constant((queue: Queue) => queue.restart())) },
  { weight: 1, arbitrary: fc.boolean().map(may => (world: World) => world.allow(may)) },
);

const options = fc.record({
  batchSize: fc.integer({ min: 1, max: 3 }),
  concurrency: fc.integer({ min: 1, max: 4 }),
  gathers: fc.boolean(),
  perSecond: fc.constantFrom(undefined, undefined, 20, 200),
  autoCommit: fc.boolean(),
  limits: fc.constantFrom(...limits),
});

const allOf = [
  ...['success', 'firstOnly', 'later', 'throw', 'nonsense', 'letGo', 'gathered'],
  ...['old result', 'running across epochs', 'restarted by its own listener'],
  ...['stuck', 'stuck of a former epoch', 'late result'],
  ...['countOfQueue', 'sizeOfQueue', 'spanOfQueue', 'countOfTopic', 'sizeOfTopic'].map(
    cause => `throttled by ${cause}`,
  ),
  ...['countOfAll', 'sizeOfAll', 'rate'].map(cause => `throttled by ${cause}`),
];

describe('concurrent queues that share slots and room, whatever their listeners do and whenever', () => {
  it('deliver nothing twice at a time, commit nothing unfinished, and give every slot and byte back', async () => {
    const seen = new Set<string>();
    await fc.assert(
      fc.asyncProperty(
        options,
        fc.array(step, { minLength: 30, maxLength: 120, size: 'max' }),
        fc.boolean(),
        async (chosen, steps, givesUp) => {
          const world = new World(chosen);
          for (const one of steps) {
            await one(world);
            world.check();
          }
          if (givesUp) world.queues[0]?.giveUp();
          await world.finishAll();
          for (const each of world.seen) seen.add(each);
        },
      ),
      { numRuns: 150 },
    );
    expect(
      allOf.filter(each => !seen.has(each)),
      'never happened',
    ).toEqual([]);
  });
});
