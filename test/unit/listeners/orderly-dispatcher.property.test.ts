// SPDX-License-Identifier: Apache-2.0
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { FailedMessage } from '../../../src/listeners/dispatcher.ts';
import type { MessageBatch, OrderlyContext, OrderlyReturn } from '../../../src/listeners/listener.ts';
import { OrderlyResult } from '../../../src/model/consume-result.ts';
import { at, type Deferred, deferred, messageAt, offsetsOf, turn } from '../../support/builders.ts';
import { keyed, keyOf, orderlyWorld } from './orderly-world.ts';

/** Of one message in the present epoch. */
type Fate = 'new' | 'running' | 'again' | 'kept' | 'returning' | 'done';

interface Model {
  readonly offset: number;
  readonly lane: string;
  fate: Fate;
  failures: number;
}

type Outcome = 'success' | 'commit' | 'rollback' | 'suspend' | 'throw' | 'nonsense';

interface Running {
  readonly epoch: number;
  readonly lane: string;
  readonly offsets: readonly number[];
  readonly context: OrderlyContext;
  readonly hand: Deferred<Awaited<OrderlyReturn>>;
  /** When a sweep saw it first. */
  since: number | undefined;
  isStuck: boolean;
}

const keys = 'abc.';
const consumeTimeoutMs = 1000;

/** A queue, its listener and its broker do as they like; what the listener sees is checked against what must hold. */
class World {
  readonly seen = new Set<string>();
  /** What a listener call showed to be wrong; thrown there, it would be taken for a failure of the listener. */
  readonly #broken: string[] = [];
  readonly #world;
  readonly #byKey: boolean;
  readonly #max: number;
  readonly #running: Running[] = [];
  readonly #busy = new Set<string>();
  /** Lanes whose listener asked for a pause, by the number of the pause. */
  readonly #pauses = new Map<number, string>();
  /** Each call asks for another pause: how long it is tells whose it is. */
  readonly #laneOfPause = new Map<number, string>();
  readonly #failed: FailedMessage[] = [];
  /** What the next calls answer at once; when there is nothing they are ended by a step. */
  readonly #atOnce: { readonly outcome: Outcome; readonly autoCommit: boolean }[] = [];
  #messages: Model[] = [];
  #epoch = 0;
  #awakeMs = 0;
  #point = 0;
  #isOpen = true;
  #newestStarted = -1;
  #mayOnlyFinish = false;

  constructor(options: {
    readonly byKey: boolean;
    readonly batchSize: number;
    readonly concurrency: number;
    readonly max: number;
  }) {
    this.#byKey = options.byKey;
    this.#max = options.max;
    this.#world = orderlyWorld({
      byKey: options.byKey,
      batchSize: options.batchSize,
      concurrency: options.concurrency,
      maxReconsumeTimes: options.max,
      consumeTimeoutMs,
      listen: (messages, context) => this.#listen(messages, context),
    });
  }

  arrive(text: string): void {
    const from = this.#world.owned.pulledTo ?? 0;
    const messages = [...text].map((key, i) => messageAt(from + i, keyed(key, from + i)));
    for (const message of messages)
      this.#messages.push({
        offset: message.queueOffset,
        lane: this.#laneOf(message),
        fate: 'new',
        failures: 0,
      });
    this.#world.owned.admit(messages, at(from + text.length), 0);
  }

  nextAtOnce(outcome: Outcome, autoCommit: boolean): void {
    this.#atOnce.push({ outcome, autoCommit });
  }

  async end(dice: number, outcome: Outcome, autoCommit: boolean): Promise<void> {
    const [call] = this.#running.splice(dice % Math.max(1, this.#running.length), 1);
    if (call === undefined) return;
    call.context.autoCommit = autoCommit;
    this.#foresee(call, outcome, autoCommit);
    if (outcome === 'throw') call.hand.reject(new Error('no'));
    else call.hand.resolve(answers[outcome]);
    await turn();
    this.#noteTold();
  }

  /** So much later. */
  sweep(ms: number): void {
    this.#awakeMs += ms;
    for (const call of this.#running) {
      if (call.since === undefined) call.since = this.#awakeMs;
      else if (!call.isStuck && this.#awakeMs - call.since >= consumeTimeoutMs) {
        call.isStuck = true;
        this.seen.add(call.epoch === this.#epoch ? 'stuck' : 'stuck of a former epoch');
      }
    }
    this.#world.dispatcher.sweep(this.#awakeMs);
  }

  wake(dice: number): void {
    this.#noteTold();
    const rest = [...this.#pauses.keys()][dice % Math.max(1, this.#pauses.size)];
    if (rest === undefined) return;
    this.#pauses.delete(rest);
    this.#world.dispatcher.wake(rest);
  }

  returned(dice: number, isTaken: boolean): void {
    const [one] = this.#failed.splice(dice % Math.max(1, this.#failed.length), 1);
    if (one === undefined) return;
    const message = one.epoch === this.#world.owned.epoch ? this.#find(one.message.queueOffset) : undefined;
    if (message !== undefined) message.fate = isTaken ? 'done' : 'again';
    this.seen.add(message === undefined ? 'old return' : isTaken ? 'taken' : 'not taken');
    if (isTaken) this.#world.dispatcher.settle(one);
    else this.#world.dispatcher.redeliver(one);
    this.#noteTold();
  }

  allow(what: 'lock' | 'delivery', isAllowed: boolean): void {
    this.#world.allows[what] = isAllowed;
  }

  open(): void {
    this.#isOpen = true;
    this.#world.dispatcher.open();
  }

  close(): void {
    this.#isOpen = false;
    this.#world.dispatcher.close();
  }

  restart(): void {
    if (this.#running.length > 0) this.seen.add('running across epochs');
    this.#epoch++;
    this.#messages = [];
    this.#newestStarted = -1;
    this.#point = (this.#world.owned.pulledTo ?? 0) + 1000;
    this.#world.commits.point = this.#point;
    this.#world.owned.restart(at(this.#point), true);
  }

  /** After every step. */
  check(): void {
    this.#noteTold();
    if (this.#broken.length > 0) expect.fail(this.#broken.join('\n'));
    const { owned, commits, slots } = this.#world;
    const unfinished = this.#messages.filter(({ fate }) => fate !== 'done').map(({ offset }) => offset);
    const most = Math.min(...unfinished, owned.pulledTo ?? 0);
    if (commits.point > most)
      expect(commits.point, 'the commit point passed an unfinished message').toBe(most);
    if (commits.point < this.#point) expect(commits.point, 'the commit point went back').toBe(this.#point);
    this.#point = commits.point;
    if (owned.commitPoint !== most) expect(owned.commitPoint, 'the commit point lags').toBe(most);
    const inTime = this.#running.filter(({ isStuck }) => !isStuck).length;
    if (slots.running !== inTime) expect(slots.running, 'slots').toBe(inTime);
  }

  /** Everything goes well from now on: nothing may be left over but what was kept and not committed. */
  async finishAll(): Promise<void> {
    this.#atOnce.length = 0;
    this.#wakeUp();
    for (let rounds = 0; this.#running.length + this.#failed.length + this.#pauses.size > 0; rounds++) {
      if (rounds > 2000) expect.fail('it does not end');
      await this.end(0, 'commit', true);
      this.returned(0, true);
      this.wake(0);
      this.check();
    }
    const rest = this.#messages.filter(({ fate }) => fate !== 'done');
    if (rest.some(({ fate }) => fate !== 'kept')) expect(rest, 'left over').toEqual([]);
    expect(this.#world.dispatcher.pending).toBe(0);
  }

  /** Given up: what is started from now on lies before what was started, and what was started is finished if all goes well. */
  async giveUp(isAwake: boolean): Promise<void> {
    this.#atOnce.length = 0;
    if (isAwake) this.#wakeUp();
    const isClean =
      this.#pauses.size === 0 &&
      this.#messages.every(({ fate }) => fate === 'new' || fate === 'done' || fate === 'running');
    const mayFinish = this.#isOpen && this.#world.allows.lock && this.#world.allows.delivery;
    const newest = this.#newestStarted;
    this.#mayOnlyFinish = true;
    this.#world.dispatcher.drop(mayFinish);
    this.#world.awaitDrained();
    const inDoubt = () => this.#failed.filter(({ epoch }) => epoch === this.#world.owned.epoch).length;
    while (this.#running.length + inDoubt() > 0) {
      expect(this.#world.told).not.toContain('drained');
      await this.end(0, 'commit', true);
      this.returned(0, true);
      this.check();
    }
    expect(this.#world.told).toContain('drained');
    expect(this.#world.dispatcher.pending).toBe(0);
    if (!isClean || !mayFinish) return;
    this.seen.add('clean hand-over');
    const twice = this.#messages.filter(({ offset, fate }) => fate === 'done' && offset >= this.#point);
    expect([twice, this.#point > newest], 'delivered twice').toEqual([[], true]);
  }

  #wakeUp(): void {
    this.allow('lock', true);
    this.allow('delivery', true);
    this.open();
    this.#noteTold();
  }

  #listen(messages: MessageBatch, context: OrderlyContext): OrderlyReturn {
    const offsets = offsetsOf(messages);
    const lane = this.#laneOf(messages[0]);
    this.#checkCall(messages, lane);
    for (const offset of offsets) this.#set(offset, 'running');
    const call = {
      epoch: this.#epoch,
      lane,
      offsets,
      context,
      hand: deferred<Awaited<OrderlyReturn>>(),
      since: undefined,
      isStuck: false,
    };
    this.#busy.add(lane);
    context.suspendTimeMillis = 100 + this.#laneOfPause.size;
    this.#laneOfPause.set(context.suspendTimeMillis, lane);
    const soon = this.#atOnce.shift();
    if (soon === undefined) {
      this.#running.push(call);
      return call.hand.promise;
    }
    context.autoCommit = soon.autoCommit;
    this.#foresee(call, soon.outcome, soon.autoCommit);
    if (soon.outcome === 'throw') throw new Error('no');
    return answers[soon.outcome];
  }

  /** Is this the one batch that may come now? */
  #checkCall(messages: MessageBatch, lane: string): void {
    const { allows } = this.#world;
    const offsets = offsetsOf(messages);
    const all = this.#messages.filter(each => each.lane === lane);
    const first = all.find(({ fate }) => fate === 'again') ?? all.find(({ fate }) => fate === 'new');
    const due =
      first === undefined
        ? []
        : all.filter(({ fate, offset }) => fate === first.fate && offset >= first.offset);
    const problems = [
      this.#busy.has(lane) && 'two calls of a lane run',
      [...this.#pauses.values()].includes(lane) && 'a resting lane was called',
      all.some(({ fate }) => fate === 'returning') &&
        'a lane was called whose messages are on their way back',
      !(allows.lock && allows.delivery) && 'called although it is forbidden',
      !this.#isOpen && 'called although it is closed',
      String(offsets) !== String(offsetsOfModels(due).slice(0, offsets.length)) && 'a gap or an inversion',
      messages.some(({ reconsumeTimes }, i) => reconsumeTimes !== due[i]?.failures) && 'wrong attempts',
      this.#mayOnlyFinish &&
        offsets.some(offset => offset >= this.#newestStarted) &&
        'begun after it was given up',
      this.#mayOnlyFinish && this.#isBehindHeld(offsets[0] ?? 0) && 'begun behind one that stays unfinished',
    ].filter(problem => problem !== false);
    if (problems.length > 0)
      this.#broken.push(`${problems.join(', ')}: ${offsets} in ${JSON.stringify(all)}`);
    if (first?.fate === 'again') this.seen.add('repeated');
    if (this.#mayOnlyFinish) this.seen.add('closed a gap');
    this.#newestStarted = Math.max(this.#newestStarted, ...offsets);
  }

  #isBehindHeld(offset: number): boolean {
    const resting = [...this.#pauses.values()];
    return this.#messages.some(
      ({ offset: other, fate, lane }) =>
        other < offset && (fate === 'kept' || (fate === 'again' && resting.includes(lane))),
    );
  }

  /** What the answer must lead to. */
  #foresee({ epoch, lane, offsets }: Running, outcome: Outcome, autoCommit: boolean): void {
    this.#busy.delete(lane);
    this.seen.add(outcome);
    if (epoch !== this.#epoch) {
      this.seen.add('old result');
      return;
    }
    const kept = this.#messages.filter(each => each.lane === lane && each.fate === 'kept');
    if (outcome === 'success' && !autoCommit) for (const offset of offsets) this.#set(offset, 'kept');
    else if (outcome === 'success' || outcome === 'commit')
      for (const offset of [...offsetsOfModels(kept), ...offsets]) this.#set(offset, 'done');
    else if (outcome === 'rollback' && !autoCommit)
      for (const offset of [...offsetsOfModels(kept), ...offsets]) this.#set(offset, 'again');
    else for (const offset of offsets) this.#foreseeFailure(offset);
  }

  #foreseeFailure(offset: number): void {
    const message = this.#find(offset);
    if (message === undefined) return;
    message.fate = this.#max >= 0 && message.failures >= this.#max ? 'returning' : 'again';
    message.failures++;
  }

  #noteTold(): void {
    for (const one of this.#world.failed.splice(0)) {
      this.#failed.push(one);
      const { queueOffset: offset } = one.message;
      if (one.epoch === this.#world.owned.epoch && this.#find(offset)?.fate !== 'returning')
        this.#broken.push(`${offset} went to the dead letters too early`);
    }
    for (const { rest, ms } of this.#world.rests.splice(0))
      this.#pauses.set(rest, this.#laneOfPause.get(ms) ?? 'unknown');
  }

  #laneOf(message: MessageBatch[0]): string {
    return this.#byKey ? keyOf(message) : '';
  }

  #find(offset: number): Model | undefined {
    return this.#messages.find(each => each.offset === offset);
  }

  #set(offset: number, fate: Fate): void {
    const message = this.#find(offset);
    if (message !== undefined) message.fate = fate;
  }
}

const answers: Readonly<Record<Outcome, Awaited<OrderlyReturn>>> = {
  success: OrderlyResult.SUCCESS,
  commit: OrderlyResult.COMMIT,
  rollback: OrderlyResult.ROLLBACK,
  suspend: OrderlyResult.SUSPEND_CURRENT_QUEUE_A_MOMENT,
  throw: undefined,
  nonsense: 'yes' as unknown as undefined, // a listener without types
};

function offsetsOfModels(models: readonly Model[]): readonly number[] {
  return models.map(({ offset }) => offset);
}

const outcome = fc.constantFrom<Outcome[]>('success', 'commit', 'rollback', 'suspend', 'throw', 'nonsense');
const oftenGood = fc.oneof(
  { weight: 3, arbitrary: fc.constant<Outcome>('success') },
  { weight: 2, arbitrary: outcome },
);
const autoCommit = fc.oneof(
  { weight: 2, arbitrary: fc.constant(true) },
  { weight: 1, arbitrary: fc.constant(false) },
);
const dice = fc.nat(99);
type Step = (world: World) => Promise<void> | void;
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc
      .array(fc.constantFrom(...keys), { minLength: 1, maxLength: 6 })
      .map(text => (world: World) => world.arrive(text.join(''))),
  },
  {
    weight: 20,
    arbitrary: fc.tuple(dice, oftenGood, autoCommit).map(
      ([die, how, auto]) =>
        (world: World) =>
          world.end(die, how, auto),
    ),
  },
  {
    weight: 5,
    arbitrary: fc.tuple(oftenGood, autoCommit).map(
      ([how, auto]) =>
        (world: World) =>
          world.nextAtOnce(how, auto),
    ),
  },
  { weight: 5, arbitrary: dice.map(die => (world: World) => world.wake(die)) },
  {
    weight: 4,
    arbitrary: fc.tuple(dice, fc.boolean()).map(
      ([die, taken]) =>
        (world: World) =>
          world.returned(die, taken),
    ),
  },
  {
    weight: 2,
    arbitrary: fc.tuple(fc.constantFrom('lock' as const, 'delivery' as const), fc.boolean()).map(
      ([what, isAllowed]) =>
        (world: World) =>
          world.allow(what, isAllowed),
    ),
  },
  { weight: 4, arbitrary: fc.constant((world: World) => world.open()) },
  { weight: 1, arbitrary: fc.constant((world: World) => world.close()) },
  { weight: 1, arbitrary: fc.constant((world: World) => world.restart()) },
  { weight: 3, arbitrary: fc.constantFrom(500, 1000).map(ms => (world: World) => world.sweep(ms)) },
);
const options = fc.record({
  byKey: fc.boolean(),
  batchSize: fc.integer({ min: 1, max: 3 }),
  concurrency: fc.integer({ min: 1, max: 4 }),
  max: fc.integer({ min: -1, max: 2 }),
});

describe('an orderly queue, whatever its listener answers and whenever', () => {
  it('is delivered without gap, inversion or two calls of a lane, commits nothing unfinished, and ends', async () => {
    const seen = new Map<string, number>();
    await fc.assert(
      fc.asyncProperty(
        options,
        fc.array(step, { minLength: 30, maxLength: 90, size: 'max' }),
        fc.constantFrom('goes on' as const, 'is given up', 'is given up awake'),
        async (chosen, steps, end) => {
          const world = new World(chosen);
          for (const one of steps) {
            await one(world);
            world.check();
          }
          await (end === 'goes on' ? world.finishAll() : world.giveUp(end === 'is given up awake'));
          world.check();
          for (const each of world.seen) seen.set(each, (seen.get(each) ?? 0) + 1);
        },
      ),
      { numRuns: 300 },
    );
    const all = [
      'success',
      'commit',
      'rollback',
      'suspend',
      'throw',
      'nonsense',
      'repeated',
      'taken',
      'not taken',
    ];
    for (const each of [
      ...all,
      'old result',
      'old return',
      'running across epochs',
      'stuck',
      'stuck of a former epoch',
      'clean hand-over',
      'closed a gap',
    ])
      expect(seen.get(each) ?? 0, each).toBeGreaterThan(2);
  });
});
