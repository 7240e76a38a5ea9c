// SPDX-License-Identifier: Apache-2.0
/** The persister and the real offset store before brokers that answer late, refuse, hang and forget: is what it reports true, and in time? */
import { createActor } from 'xstate';
import { BrokerError, ConnectionError } from '../../../src/errors/errors.ts';
import { offsetsMachine } from '../../../src/machines/offsets/offsets.machine.ts';
import type { OffsetsReport } from '../../../src/machines/offsets/offsets.types.ts';
import { type MessageQueue, queueKey } from '../../../src/model/message-queue.ts';
import type { CallOptions } from '../../../src/stores/offset-store.ts';
import { RemoteOffsetStore } from '../../../src/stores/remote-offset-store.ts';
import { TestClock } from '../../../src/testing/test-clock.ts';
import { at, queueNumber } from '../builders.ts';
import { type Chance, defineRace, type RaceWorld } from './race-kit.ts';

const lost = new ConnectionError('RMQ_CONNECTION_LOST', 'gone');
const refused = new BrokerError('RMQ_BROKER_ERROR', 'no', { responseCode: 1, remark: undefined });
const queueCount = 3;
/** Units: ms. */
const interval = 5000;
const flushTimeout = 3000;
/** A flush is answered so much after its timeout at the latest. */
const flushMargin = 100;
/** So long an answered commit keeps all others of its queue waiting, and a one-way one an answered one. */
const carrierLife = 1000;
const onewayLife = 100;

/** What the test knows of one queue. */
interface Known {
  readonly queue: MessageQueue;
  /** What is done, and may be committed. */
  point: number;
  /** Highest value handed over since the last reset. */
  sent: number;
  /** What the broker has, and the highest of that which it ever told us. */
  stored: number | undefined;
  told: number;
  carrier: { readonly at: number; readonly life: number } | undefined;
  /** Somebody else has committed here. */
  isForeign: boolean;
}

interface Flush {
  readonly from: number;
  readonly until: number;
}

type Flushed = Extract<OffsetsReport, { readonly type: 'offsets.flushed' }>;
type Kind = 'advance' | 'reset' | 'foreign' | 'hold' | 'release' | 'flush' | 'quirk' | 'short' | 'long';

class OffsetsWorld implements RaceWorld<Kind> {
  readonly clock = new TestClock();
  readonly problems: string[] = [];
  readonly #chance: Chance;
  readonly #known: readonly Known[];
  readonly #store: RemoteOffsetStore;
  readonly #actor;
  #flush: Flush | undefined;
  #isHeld = false;
  #quirk: 'none' | 'refusing' | 'losing' | 'silent' = 'none';
  #isOver = false;

  constructor(chance: Chance) {
    this.#chance = chance;
    this.#known = Array.from({ length: queueCount }, (_, id) => ({
      ...{ queue: queueNumber(id), point: 0, sent: 0, stored: 0, told: 0 },
      ...{ carrier: undefined, isForeign: false },
    }));
    this.#store = new RemoteOffsetStore({
      clock: this.clock,
      port: {
        query: (queue, options) => this.#bounded(options, this.#query(this.#of(queue))),
        update: (queue, offset, options) => this.#bounded(options, this.#update(this.#of(queue), offset)),
        updateOneway: (queue, offset) => this.#updateOneway(this.#of(queue), offset),
      },
    });
    for (const { queue } of this.#known) this.#store.line(queue).reset(at(0), true);
    this.#actor = createActor(offsetsMachine, {
      clock: this.clock,
      input: {
        ...{ port: this.#store, interval, retryTimes: 3, clock: this.clock, random: () => 0.5 },
        parent: { send: report => this.#hear(report) },
      },
    });
    this.#actor.subscribe({ error: error => this.problems.push(`it died of ${String(error)}`) });
    this.#actor.start();
  }

  take(kind: Kind, dice = 0): unknown {
    const known = this.#known[dice % queueCount];
    switch (kind) {
      case 'advance':
      case 'reset':
        return known === undefined ? undefined : this.#move(known, kind, 1 + (dice % 20));
      case 'foreign':
        return known === undefined ? undefined : this.#goAhead(known, dice % 30);
      case 'hold':
      case 'release':
        this.#isHeld = kind === 'hold';
        return this.#actor.send({ type: `offsets.${kind}` });
      case 'flush':
        return this.#askToFlush();
      case 'quirk':
        this.#quirk = (['none', 'refusing', 'losing', 'silent'] as const)[dice % 4] ?? 'none';
        return undefined;
      case 'short':
        return this.clock.advance([20, 120, 400, 1100][dice % 4] ?? 0);
      case 'long':
        return this.clock.advance([interval, 2 * flushTimeout][dice % 2] ?? 0);
    }
  }

  /** Told to flush, or stopped in the midst of what it does. */
  async finish(dice: number): Promise<string> {
    if (dice % 8 === 4) await this.#failOnce();
    if (dice % 4 === 0) return this.#stop();
    const hasNews = this.#known.some(({ point, stored }) => point !== stored);
    const ended = new Promise<Flushed>(resolve => {
      this.#onFlushed = resolve;
    });
    this.#askToFlush();
    for (let i = 0; i < 400 && this.#flush !== undefined; i++) {
      if (this.#chance.isWaitedFor && this.#quirk !== 'silent') await this.#chance.arrive();
      else await this.clock.advance(50);
    }
    if (this.#flush !== undefined) this.problems.push('a flush was never answered');
    else this.#judgeEnd(await ended, hasNews);
    await this.#stop();
    return this.#end;
  }

  /** The interval is over, and nothing can be written. */
  async #failOnce(): Promise<void> {
    this.#quirk = 'losing';
    this.take('advance');
    await this.clock.advance(interval);
  }

  #onFlushed: (report: Flushed) => void = () => {};
  #end = 'the flush was never answered';

  #judgeEnd({ uncommitted }: Flushed, hasNews: boolean): void {
    if (uncommitted.length > 0) {
      this.#end = `some not confirmed: ${this.#quirk}`;
      return;
    }
    const isOvertaken = this.#known.some(
      ({ isForeign, stored, point }) => isForeign && (stored ?? 0) > point,
    );
    this.#end = isOvertaken ? 'all confirmed, somebody is ahead' : 'all confirmed';
    if (!hasNews && !isOvertaken) this.#end = 'nothing was new';
  }

  async #stop(): Promise<string> {
    const { value } = this.#actor.getSnapshot();
    this.#actor.stop();
    this.#isOver = true;
    await this.#chance.exhaust(this.clock);
    await this.clock.advance(2 * interval);
    if (this.clock.pending > 0) this.problems.push(`${this.clock.pending} timers left`);
    return `hard stop in ${typeof value === 'string' ? value : Object.keys(value).join()}`;
  }

  #of(queue: MessageQueue): Known {
    const known = this.#known[queue.queueId];
    if (known === undefined) throw new Error(`no such queue: ${queueKey(queue)}`);
    return known;
  }

  #move(known: Known, how: 'advance' | 'reset', count: number): void {
    const line = this.#store.line(known.queue);
    if (how === 'advance') {
      known.point += count;
      line.advance(at(known.point));
      return;
    }
    known.point = Math.max(0, known.point - count);
    known.sent = known.point;
    known.carrier = undefined;
    line.reset(at(known.point));
  }

  #goAhead(known: Known, count: number): void {
    known.isForeign = true;
    known.stored = Math.max(known.stored ?? 0, known.point + count);
  }

  #askToFlush(): void {
    const now = this.clock.now();
    const from = this.#flush?.from ?? now;
    this.#flush = { from, until: now + flushTimeout + flushMargin };
    this.#actor.send({ type: 'offsets.flush', timeout: flushTimeout });
  }

  #hear(report: OffsetsReport): void {
    if (this.#isOver) this.problems.push(`${report.type} after the stop`);
    if (report.type === 'fault') this.problems.push(`a fault: ${report.error.message}`);
    if (report.type === 'offsets.flushed') this.#flushed(report);
  }

  #flushed(report: Flushed): void {
    const { committed, uncommitted } = report;
    if (this.#flush === undefined) this.problems.push('flushed, and nobody asked for it');
    else if (this.clock.now() > this.#flush.until)
      this.problems.push(`flushed ${this.clock.now() - this.#flush.until} ms too late`);
    this.#flush = undefined;
    const told = [...committed, ...uncommitted].map(({ queue }) => queue.queueId).sort();
    if (told.join() !== [...this.#known.keys()].join()) this.problems.push(`flushed tells of ${told}`);
    for (const { queue, offset } of committed) {
      const known = this.#of(queue);
      if (offset > Math.max(known.told, 0))
        this.problems.push(
          `${queue.queueId} told as committed up to ${offset}, its broker told ${known.told}`,
        );
    }
    this.#onFlushed(report);
  }

  /** Each value that leaves is judged when it leaves. */
  #sent(known: Known, offset: number, life: number): void {
    const { queue, point, sent, carrier } = known;
    const { queueId } = queue;
    const now = this.clock.now();
    if (this.#isOver) this.problems.push(`${queueId} commits ${offset} after the stop`);
    if (offset > point) this.problems.push(`${queueId} commits ${offset}, done is ${point}`);
    if (offset < sent) this.problems.push(`${queueId} goes back to ${offset} from ${sent}`);
    if (carrier !== undefined && now - carrier.at < carrier.life)
      this.problems.push(`${queueId} commits beside a commit ${now - carrier.at} ms old`);
    known.sent = offset;
    known.carrier = { at: now, life };
  }

  /** As the transport does: an answer that is not there in time is not waited for. */
  #bounded<T>({ timeoutMs = flushTimeout, signal }: CallOptions, answer: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const timer = this.clock.setTimeout(() => reject(lost), timeoutMs);
      signal?.addEventListener('abort', () => reject(lost), { once: true });
      answer.then(resolve, reject);
      const clear = (): void => this.clock.clearTimeout(timer);
      answer.then(clear, clear);
      signal?.addEventListener('abort', clear, { once: true });
    });
  }

  #update(known: Known, offset: number): Promise<void> {
    this.#sent(known, offset, carrierLife);
    const { carrier } = known;
    if (this.#quirk === 'silent') return new Promise(() => {});
    return this.#chance.later(`15 ${offset}`, () => {
      if (this.#quirk === 'refusing') {
        if (known.carrier === carrier) known.carrier = undefined;
        throw refused;
      }
      known.stored = offset;
      if (this.#quirk === 'losing') throw lost; // it landed, and nobody knows: it counts as under way
      if (known.carrier === carrier) known.carrier = undefined;
      if (known.sent >= offset) known.told = Math.max(known.told, offset);
    });
  }

  #updateOneway(known: Known, offset: number): boolean {
    if (this.#isHeld) this.problems.push(`${known.queue.queueId} commits one-way while held`);
    if (this.#quirk === 'losing') return false;
    this.#sent(known, offset, onewayLife);
    void this.#chance.later(`15 one-way ${offset}`, () => {
      if (this.#quirk === 'none') known.stored = offset;
    });
    return true;
  }

  #query(known: Known): Promise<ReturnType<typeof at> | undefined> {
    if (this.#quirk === 'silent') return new Promise(() => {});
    return this.#chance.later('14', () => {
      if (this.#quirk !== 'none') throw lost;
      const { stored } = known;
      if (stored !== undefined) known.told = Math.max(known.told, stored);
      return stored === undefined ? undefined : at(stored);
    });
  }
}

export const offsetsRace = defineRace<Kind>({
  name: 'offsets',
  ends: [
    ...['all confirmed', 'all confirmed, somebody is ahead', 'nothing was new'],
    ...['refusing', 'losing', 'silent'].map(why => `some not confirmed: ${why}`),
    ...['idle', 'retrying', 'held', 'flushing'].map(state => `hard stop in ${state}`),
  ],
  weights: { advance: 12, reset: 1, foreign: 1, hold: 1, release: 2, flush: 1, quirk: 3, short: 6, long: 4 },
  world: chance => new OffsetsWorld(chance),
});
