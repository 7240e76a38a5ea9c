// SPDX-License-Identifier: Apache-2.0
/**
 * Two members share queues at a broker that keeps locks as a real one does, behind a network that delays and breaks:
 * may both commit, or deliver, at the same time, and does a lock get from one to the other?
 */
import { createActor } from 'xstate';
import { ConnectionError } from '../../../src/errors/errors.ts';
import { LockBook } from '../../../src/machines/locks/lock-book.ts';
import { locksMachine } from '../../../src/machines/locks/locks.machine.ts';
import type { LockKind, LocksPort, QueueLock } from '../../../src/machines/locks/locks.types.ts';
import { LockTable } from '../../../src/testing/embedded/clients/lock-table.ts';
import { TestClock } from '../../../src/testing/test-clock.ts';
import { queueNumber } from '../builders.ts';
import { defineRace, type Race, type RaceWorld } from './race-kit.ts';

const gone = new ConnectionError('RMQ_CONNECTION_LOST', 'gone');
const brokerName = 'broker-a';
/** At the broker. Unit: ms. */
const lockLife = 60_000;

async function settle(clock: TestClock): Promise<void> {
  for (let i = 0; i < 3; i++) await clock.flush();
}

interface Travelling {
  readonly member: Member;
  /** The request arrives; answers what comes back. */
  readonly arrive: () => () => void;
  readonly breakOff: () => void;
  answer?: () => void;
}

export type NetKind =
  | 'want'
  | 'travel'
  | 'time'
  | 'freeze'
  | 'wake'
  | 'cut'
  | 'restart'
  | 'connect'
  | 'confirm'
  | 'release';

class Member {
  readonly clock = new TestClock();
  readonly book: LockBook;
  readonly actor;
  readonly locks = new Map<number, QueueLock>();
  isConnected = true;
  /** When it was stopped, by the broker's clock. */
  frozenAt: number | undefined;

  constructor(id: string, kind: LockKind, port: (member: Member, id: string) => LocksPort) {
    const { clock } = this;
    const ways = port(this, id);
    this.book = new LockBook({ kind, clientId: id, port: ways, clock });
    this.actor = createActor(locksMachine, {
      clock,
      input: {
        ...{ book: this.book, port: ways, kind, clientId: id, handoverTimeout: 1e9, clock },
        ...{ random: () => 0.5, parent: { send: () => {} } },
      },
    }).start();
  }
}

export class TwoMembers implements RaceWorld<NetKind> {
  readonly problems: string[] = [];
  readonly seen = new Set<string>();
  /** The broker's; each member has its own. */
  readonly clock = new TestClock();
  readonly #table = new LockTable(this.clock);
  readonly #travelling: Travelling[] = [];
  readonly #kind: LockKind;
  readonly #members: readonly Member[];

  constructor(kind: LockKind) {
    this.#kind = kind;
    const port = (member: Member, id: string) => this.#port(member, id);
    this.#members = [new Member('a', kind, port), new Member('b', kind, port)];
  }

  async take(kind: NetKind, dice: number): Promise<void> {
    const member = this.#members[dice % 2];
    if (member === undefined) return;
    await this.#do(kind, member, dice >> 1);
    await this.#settle();
    this.#check(kind);
  }

  /** A lock goes from the first to the second member, in order or because the first one sleeps, or all stops at once. */
  async finish(dice: number): Promise<string> {
    const [first, second] = this.#members;
    if (first === undefined || second === undefined) throw new Error('there are two');
    const holds = this.#committing(first) + this.#committing(second) > 0;
    const isAwake = this.#members.every(({ frozenAt }) => frozenAt === undefined);
    if (dice % 4 === 0) {
      await this.end();
      return holds ? 'hard stop, somebody holds a lock' : 'hard stop, nobody holds one';
    }
    for (const member of this.#members) await this.#recover(member);
    await this.#getAll(first, second);
    const from = this.clock.now();
    if (dice % 4 === 1) await this.#do('freeze', first, 0);
    else for (const queueId of [0, 1]) await this.#do('release', first, queueId);
    if (dice % 4 === 3) await this.#do('cut', first, 0);
    await this.#getAll(second, first);
    const ms = this.clock.now() - from;
    await this.#do('wake', first, 0);
    await this.#settle();
    this.#check('the hand-over');
    await this.end();
    if (dice % 4 === 1) return 'taken over from a frozen member';
    const how = ms < lockLife ? 'given back' : 'expired';
    return `handed over, ${how}${isAwake ? '' : ', after a freeze'}`;
  }

  #committing({ locks }: Member): number {
    return [...locks.values()].filter(lock => lock.mayCommit()).length;
  }

  async #recover(member: Member): Promise<void> {
    await this.#do('wake', member, 0);
    await this.#do('connect', member, 0);
    await this.#settle();
  }

  /** Whoever wants both locks has them after a while, if the other one lets go of them or has to. */
  async #getAll(member: Member, other: Member): Promise<void> {
    for (let i = 0; i < 60 && this.#committing(member) < 2; i++) {
      for (const queueId of [0, 1]) {
        if (other.frozenAt === undefined) await this.#do('release', other, queueId);
        if (member.locks.get(queueId) === undefined) await this.#do('want', member, queueId);
      }
      await this.#settle();
      for (let j = 0; j < 20 && this.#travelling.length > 0; j++) {
        await this.#do('travel', member, j);
        await this.#settle();
      }
      this.#check('handing over');
      if (this.#committing(member) < 2) await this.#pass(2000);
      await this.#settle();
    }
    if (this.#committing(member) < 2)
      this.problems.push('the locks were never granted, and nobody else has them');
  }

  async end(): Promise<void> {
    for (const member of this.#members) {
      member.actor.stop();
      member.isConnected = false;
    }
    for (const { breakOff } of this.#travelling) breakOff();
    for (const { clock } of this.#members) {
      await settle(clock);
      if (clock.pending > 0) this.problems.push(`${clock.pending} timers left`);
    }
  }

  #do(kind: NetKind, member: Member, dice: number): unknown {
    const queueId = dice % 2;
    const lock = member.locks.get(queueId);
    if (kind === 'travel') return this.#travel(dice);
    if (kind === 'time') return this.#pass([40, 400, 4000, 15_000][dice % 4] ?? 0);
    if (kind === 'restart') return this.#restart();
    if (kind === 'wake') return this.#wake(member);
    if (member.frozenAt !== undefined) return undefined;
    switch (kind) {
      case 'freeze':
        member.frozenAt = this.clock.now();
        return undefined;
      case 'cut':
        return this.#cut(member);
      case 'connect':
        return this.#connect(member);
      case 'want':
        return lock === undefined ? this.#want(member, queueId) : undefined;
      case 'confirm':
        lock?.confirm(new AbortController().signal).catch(() => {}); // how it ends is seen by mayCommit
        return undefined;
      case 'release':
        member.locks.delete(queueId);
        lock?.release({ timeoutMs: 3000 }).catch(() => {}); // then it expires
        return undefined;
    }
  }

  #want(member: Member, queueId: number): void {
    const lock = member.book.lockOf(queueNumber(queueId));
    member.locks.set(queueId, lock);
    lock.want(({ type }) => {
      this.seen.add(type);
      if (type === 'lock.lost') member.locks.delete(queueId);
      if (type === 'lock.unfenced') this.problems.push('unfenced, although nobody gave up waiting');
    });
  }

  #port(member: Member, id: string): LocksPort {
    return {
      lock: (_, queues) => this.#send(member, () => this.#table.lock('g', id, queues)),
      unlock: (_, queues, { clientId }) =>
        this.#send(member, () => this.#table.unlock('g', clientId, queues)),
      memberIds: () => Promise.resolve(['a', 'b']),
      queuesOf: () => [queueNumber(0), queueNumber(1)],
    };
  }

  #send<T>(member: Member, handle: () => T): Promise<T> {
    return new Promise((resolve, reject) => {
      if (!member.isConnected) return reject(gone);
      const arrive = (): (() => void) => {
        const answer = handle();
        return () => resolve(answer);
      };
      this.#travelling.push({ member, arrive, breakOff: () => reject(gone) });
      return undefined;
    });
  }

  /** Something arrives: a request at the broker, in any order, or an answer at its member. */
  #travel(dice: number): void {
    const one = this.#travelling[dice % Math.max(1, this.#travelling.length)];
    if (one === undefined) return;
    if (one.answer === undefined) one.answer = one.arrive();
    else if (one.member.frozenAt === undefined) {
      this.#travelling.splice(this.#travelling.indexOf(one), 1);
      one.answer();
    }
  }

  async #pass(ms: number): Promise<void> {
    this.clock.jump(ms);
    for (const { clock, frozenAt } of this.#members) if (frozenAt === undefined) await clock.advance(ms);
  }

  /** Socket data and the end of a connection are seen before any timer fires. */
  #wake(member: Member): void {
    if (member.frozenAt === undefined) return;
    member.clock.jump(this.clock.now() - member.frozenAt);
    member.frozenAt = undefined;
    this.seen.add('woken');
    for (const one of this.#travelling.filter(each => each.member === member && each.answer !== undefined)) {
      this.#travelling.splice(this.#travelling.indexOf(one), 1);
      one.answer?.();
    }
    if (!member.isConnected) this.#noteCut(member);
  }

  /** Requests on the way may have arrived, or may not. */
  #cut(member: Member): void {
    member.isConnected = false;
    if (member.frozenAt === undefined) this.#noteCut(member);
  }

  #noteCut(member: Member): void {
    for (const one of this.#travelling.filter(each => each.member === member)) {
      this.#travelling.splice(this.#travelling.indexOf(one), 1);
      one.breakOff();
    }
    member.actor.send({ type: 'broker.lost', brokerName });
  }

  #restart(): void {
    this.#table.clear();
    for (const one of this.#travelling) if (one.answer === undefined) one.answer = one.breakOff;
    for (const member of this.#members) this.#cut(member);
  }

  /** The greeting, then everybody else. */
  async #connect(member: Member): Promise<void> {
    if (member.isConnected) return;
    const id = member === this.#members[0] ? 'a' : 'b';
    await member.book.reclaim(brokerName, async queues => this.#table.lock('g', id, queues));
    member.isConnected = true;
    member.actor.send({ type: 'broker.back', brokerName });
  }

  async #settle(): Promise<void> {
    for (const { clock, frozenAt } of this.#members) if (frozenAt === undefined) await settle(clock);
  }

  #check(when: string): void {
    const awake = this.#members.filter(({ frozenAt }) => frozenAt === undefined);
    for (const queueId of [0, 1]) {
      const locks = awake.flatMap(({ locks: all }) => all.get(queueId) ?? []);
      const committing = locks.filter(lock => lock.mayCommit()).length;
      if (committing > 0) this.seen.add('may commit');
      if (committing > 1) this.problems.push(`after ${when} both may commit for ${queueId}`);
      if (this.#kind === 'orderly' && locks.filter(lock => lock.mayDeliver()).length > 1)
        this.problems.push(`after ${when} both may deliver of ${queueId}`);
    }
  }
}

/** How often each thing happens beside the others. */
export const netWeights: Readonly<Record<NetKind, number>> = {
  ...{ want: 10, travel: 50, time: 12, freeze: 1, wake: 3, cut: 2, restart: 1, connect: 6 },
  ...{ confirm: 2, release: 4 },
};

function lockRace(kind: LockKind, name: string): Race {
  return defineRace<NetKind>({
    name,
    ends: [
      ...['hard stop, somebody holds a lock', 'hard stop, nobody holds one'],
      ...['given back', 'expired', 'given back, after a freeze', 'expired, after a freeze'].map(
        how => `handed over, ${how}`,
      ),
      'taken over from a frozen member',
    ],
    weights: netWeights,
    mostSteps: 100,
    world: () => new TwoMembers(kind),
  });
}

export const fencesRace = lockRace('fence', 'locks (fences)');
export const orderlyLocksRace = lockRace('orderly', 'locks (orderly)');
