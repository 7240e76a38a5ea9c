// SPDX-License-Identifier: Apache-2.0
/** Members come and go, lists fail, hang and lack us, decisions are applied late or never: does a member hold what is its share? */
import { createActor } from 'xstate';
import { average } from '../../../src/allocation/average.ts';
import { ConnectionError } from '../../../src/errors/errors.ts';
import { rebalanceMachine } from '../../../src/machines/rebalance/rebalance.machine.ts';
import type { AssignmentDecided, RebalanceReport } from '../../../src/machines/rebalance/rebalance.types.ts';
import { type MessageQueue, type QueueKey, queueKey } from '../../../src/model/message-queue.ts';
import { TestClock } from '../../../src/testing/test-clock.ts';
import { type Chance, defineRace, type RaceWorld } from './race-kit.ts';

const me = 'me@1';
const others = ['a@1', 'you@2', 'zoe@3'];
const failed = new ConnectionError('RMQ_REQUEST_TIMEOUT', 'no answer');
/** Units: ms. */
const interval = 20_000;
const collectLimit = 10_000;
const applyLimit = 15_000;
const leastPause = 250;
const unaskedPause = 1000;
const mostTopics = 2;

/** All questions of one round, which share a signal, and what was answered. */
interface Round {
  readonly signal: AbortSignal;
  readonly at: number;
  readonly lists: Map<string, readonly string[] | 'failed'>;
}

interface Ticket {
  /** Rounds that had begun when it came. */
  readonly after: number;
  isDone: boolean;
}

type Kind = 'members' | 'queues' | 'topic' | 'drop' | 'now' | 'ticket' | 'quirk' | 'time';

class RebalanceWorld implements RaceWorld<Kind> {
  readonly clock = new TestClock();
  readonly problems: string[] = [];
  readonly #chance: Chance;
  readonly #actor;
  readonly #topics = new Set(['bills', 'orders']);
  /** Readable queues of a topic; a topic that is not here has no route. */
  readonly #queues = new Map([
    ['bills', 3],
    ['orders', 4],
  ]);
  readonly #members = new Set([me]);
  readonly #rounds: Round[] = [];
  readonly #tickets: Ticket[] = [];
  readonly #held = new Map<QueueKey, MessageQueue>();
  /** A decision that was not applied yet. */
  #deciding: { readonly round: number; readonly until: number } | undefined;
  #changedAt = 0;
  /** What brokers and parent do wrong at present. */
  #quirk: 'none' | 'failing' | 'silent' | 'forgetful' | 'unapplied' = 'none';
  #isOver = false;
  #sawOverdue = false;

  constructor(chance: Chance) {
    this.#chance = chance;
    this.#actor = createActor(rebalanceMachine, {
      clock: this.clock,
      input: {
        ...{ clientId: me, consumerGroup: 'g', allocate: average, interval, collectLimit, applyLimit },
        topics: () => [...this.#topics],
        port: {
          memberIds: (topic, signal) => this.#ask(topic, signal),
          queuesOf: topic => this.#queuesOf(topic),
        },
        parent: { send: report => this.#hear(report) },
      },
    });
    this.#actor.subscribe({ error: error => this.problems.push(`it died of ${String(error)}`) });
    this.#actor.start();
    this.take('now');
  }

  take(kind: Kind, dice = 0): unknown {
    if (kind === 'time') return this.clock.advance([30, 260, 1100, interval][dice % 4] ?? 0);
    if (kind === 'quirk') {
      this.#quirk = (['none', 'failing', 'silent', 'forgetful', 'unapplied'] as const)[dice % 5] ?? 'none';
      return undefined;
    }
    this.#changedAt = this.clock.now();
    switch (kind) {
      case 'members':
        toggle(this.#members, others[dice % others.length] ?? '');
        return this.#actor.send({ type: 'members.changed' });
      case 'queues':
        return this.#reroute(dice);
      case 'topic':
        toggle(this.#topics, dice % 2 === 0 ? 'bills' : 'orders');
        return this.#actor.send({ type: 'subscription.changed' });
      case 'ticket':
        return this.#enter();
      case 'drop':
        return this.#drop(dice);
      case 'now':
        return this.#actor.send({ type: 'rebalance.now' });
    }
  }

  async finish(dice: number): Promise<string> {
    if (dice % 8 === 4) await this.#failOnce();
    if (dice % 4 === 0) return this.#stop();
    if (this.#quirk === 'unapplied' || dice % 4 > 1) this.#quirk = 'none';
    this.take('now');
    for (let i = 0; i < 60; i++) {
      await this.#chance.exhaust(this.clock);
      await this.clock.advance(unaskedPause);
    }
    const end = this.#endOf();
    await this.#stop();
    return end;
  }

  /** A round in which no list could be had, and the rest after it. */
  async #failOnce(): Promise<void> {
    this.#quirk = 'failing';
    this.take('now');
    for (let i = 0; i < mostTopics; i++) await this.#chance.arrive();
    await this.clock.advance(leastPause + 10);
  }

  #endOf(): string {
    const { value } = this.#actor.getSnapshot();
    if (this.#quirk !== 'none' && this.#askable().length > 0)
      return `holds what it held, lists are ${this.#quirk}`;
    if (value !== 'idle') this.problems.push(`left alone it is in ${JSON.stringify(value)}`);
    for (const { isDone } of this.#tickets) if (!isDone) this.problems.push('a ticket was never done');
    const share = [...this.#topics].flatMap(topic => this.#shareOf(topic, [...this.#members]) ?? []);
    const wanted = share.map(queueKey).sort();
    if (String(wanted) !== String([...this.#held.keys()].sort()))
      this.problems.push(`holds ${[...this.#held.keys()]}, its share is ${wanted}`);
    if (this.#sawOverdue) return 'holds its share, one decision was overdue';
    return wanted.length === 0 ? 'holds nothing, rightly' : 'holds its share';
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

  #reroute(dice: number): void {
    const topic = dice % 2 === 0 ? 'bills' : 'orders';
    if (dice % 7 === 0) this.#queues.delete(topic);
    else this.#queues.set(topic, dice % 5);
    this.#actor.send({ type: 'route.changed' });
  }

  #enter(): void {
    const ticket: Ticket = { after: this.#actor.getSnapshot().context.round, isDone: false };
    this.#tickets.push(ticket);
    const done = (): void => {
      if (ticket.isDone) this.problems.push('a ticket was done twice');
      if ((this.#deciding?.round ?? 0) <= ticket.after)
        this.problems.push('a ticket was done by a round that began before it came');
      ticket.isDone = true;
    };
    this.#actor.send({ type: 'subscription.changed', ticket: { done } });
  }

  #drop(dice: number): void {
    const [key, queue] = [...this.#held][dice % Math.max(1, this.#held.size)] ?? [];
    if (key === undefined || queue === undefined) return;
    this.#held.delete(key);
    this.#actor.send({ type: 'queue.dropped', queue });
  }

  #ask(topic: string, signal: AbortSignal): Promise<readonly string[]> {
    const now = this.clock.now();
    let round = this.#rounds.find(each => each.signal === signal);
    if (round === undefined) {
      this.#checkPause(now);
      round = { signal, at: now, lists: new Map() };
      this.#rounds.push(round);
    }
    if (this.#deciding !== undefined)
      this.problems.push('a round began before the last decision was applied');
    const { lists } = round;
    if (this.#quirk === 'silent') return new Promise(() => {});
    return this.#chance.later(`38 ${topic}`, () => {
      if (this.#quirk === 'failing') {
        lists.set(topic, 'failed');
        throw failed;
      }
      const ids = [...this.#members].filter(id => id !== me || this.#quirk !== 'forgetful');
      lists.set(topic, ids);
      return ids;
    });
  }

  #checkPause(now: number): void {
    const last = this.#rounds.at(-1);
    if (last === undefined) return;
    const rest = now - last.at;
    if (rest < leastPause) this.problems.push(`a round ${rest} ms after the one before`);
    else if (rest < unaskedPause && this.#changedAt < last.at)
      this.problems.push(`a round ${rest} ms after the one before, and nothing had changed`);
  }

  #hear(report: RebalanceReport): void {
    if (this.#isOver) this.problems.push(`${report.type} after the stop`);
    if (report.type === 'assignment.decided') this.#decided(report);
    if (report.type === 'fault') this.#overdue();
  }

  #decided({ round, queues, added, removed }: AssignmentDecided): void {
    if (this.#deciding !== undefined) this.problems.push('a second decision before the first was applied');
    const before = new Set(this.#held.keys());
    const after = new Map(queues.map(queue => [queueKey(queue), queue] as const));
    compare(this.problems, 'queues', [...after.keys()], this.#expected().map(queueKey));
    compare(
      this.problems,
      'added',
      added.map(queueKey),
      [...after.keys()].filter(key => !before.has(key)),
    );
    compare(
      this.problems,
      'removed',
      removed.map(queueKey),
      [...before].filter(key => !after.has(key)),
    );
    this.#held.clear();
    for (const [key, queue] of after) this.#held.set(key, queue);
    this.#deciding = { round, until: this.clock.now() + applyLimit };
    if (this.#quirk === 'unapplied') return;
    void this.#chance.later('applied', () => {
      if (this.#isOver) return;
      this.#actor.send({ type: 'assignment.applied', round });
      if (this.#deciding?.round === round) this.#deciding = undefined; // not when it is too late
    });
  }

  /** It stops waiting for a parent that does not apply a decision, not before its time and not twice. */
  #overdue(): void {
    this.#sawOverdue = true;
    if (this.#deciding === undefined) this.problems.push('a fault, and nothing is overdue');
    else if (this.clock.now() < this.#deciding.until) this.problems.push('overdue before its time');
    this.#deciding = undefined;
  }

  /** By the answers of the last round alone; what was not answered, or without us, keeps what is held. */
  #expected(): readonly MessageQueue[] {
    return [...this.#topics].flatMap(topic => {
      const list = this.#rounds.at(-1)?.lists.get(topic);
      const isAsked = list !== undefined && list !== 'failed' && list.includes(me);
      const share = this.#queues.get(topic) === 0 ? [] : isAsked ? this.#shareOf(topic, list) : undefined;
      return share ?? [...this.#held.values()].filter(queue => queue.topic === topic);
    });
  }

  /** As even as can be, the first members get one more. Undefined: nothing is known of it. */
  #shareOf(topic: string, members: readonly string[]): readonly MessageQueue[] | undefined {
    const queues = this.#queuesOf(topic);
    if (queues === undefined) return [...this.#held.values()].filter(queue => queue.topic === topic);
    const place = [...members].sort().indexOf(me);
    const startOf = (index: number): number =>
      index * Math.floor(queues.length / members.length) + Math.min(index, queues.length % members.length);
    return queues.slice(startOf(place), startOf(place + 1));
  }

  #askable(): readonly string[] {
    return [...this.#topics].filter(topic => (this.#queues.get(topic) ?? 0) > 0);
  }

  #queuesOf(topic: string): readonly MessageQueue[] | undefined {
    const count = this.#queues.get(topic);
    return count === undefined
      ? undefined
      : Array.from({ length: count }, (_, queueId) => ({ topic, brokerName: 'a', queueId }));
  }
}

function toggle<T>(set: Set<T>, one: T): void {
  if (!set.delete(one)) set.add(one);
}

function compare(problems: string[], what: string, is: readonly string[], wanted: readonly string[]): void {
  const [a, b] = [String([...is].sort()), String([...wanted].sort())];
  if (a !== b) problems.push(`${what} ${a}, by the answers ${b}`);
}

export const rebalanceRace = defineRace<Kind>({
  name: 'rebalance',
  ends: [
    ...['holds its share', 'holds nothing, rightly', 'holds its share, one decision was overdue'],
    ...['failing', 'silent', 'forgetful'].map(quirk => `holds what it held, lists are ${quirk}`),
    ...['idle', 'collecting', 'applying', 'resting', 'unbalanced'].map(state => `hard stop in ${state}`),
  ],
  weights: { members: 5, queues: 2, topic: 2, drop: 2, now: 2, ticket: 2, quirk: 3, time: 10 },
  world: chance => new RebalanceWorld(chance),
});
