// SPDX-License-Identifier: Apache-2.0
/**
 * Two members share queues at a broker that keeps locks as a real one does, behind a network that delays and breaks:
 * may both commit, or deliver, at the same time?
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createActor } from 'xstate';
import { ConnectionError } from '../../src/errors/errors.ts';
import { LockBook } from '../../src/machines/locks/lock-book.ts';
import { locksMachine } from '../../src/machines/locks/locks.machine.ts';
import type { LockKind, LocksPort, QueueLock } from '../../src/machines/locks/locks.types.ts';
import { LockTable } from '../../src/testing/embedded/clients/lock-table.ts';
import { TestClock } from '../../src/testing/test-clock.ts';
import { queueNumber } from '../support/builders.ts';
import { stepsOf } from '../support/locks-kit.ts';

const gone = new ConnectionError('RMQ_CONNECTION_LOST', 'gone');
const brokerName = 'broker-a';

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

type NetKind =
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

class TwoMembers {
  readonly broken: string[] = [];
  readonly seen = new Set<string>();
  readonly #time = new TestClock();
  readonly #table = new LockTable(this.#time);
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

  async end(): Promise<void> {
    for (const member of this.#members) {
      member.actor.stop();
      member.isConnected = false;
    }
    for (const { breakOff } of this.#travelling) breakOff();
    for (const { clock } of this.#members) {
      await settle(clock);
      if (clock.pending > 0) this.broken.push(`${clock.pending} timers left`);
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
        member.frozenAt = this.#time.now();
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
      if (type === 'lock.unfenced') this.broken.push('unfenced, although nobody gave up waiting');
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
    this.#time.jump(ms);
    for (const { clock, frozenAt } of this.#members) if (frozenAt === undefined) await clock.advance(ms);
  }

  /** Socket data and the end of a connection are seen before any timer fires. */
  #wake(member: Member): void {
    if (member.frozenAt === undefined) return;
    member.clock.jump(this.#time.now() - member.frozenAt);
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
      if (committing > 1) this.broken.push(`after ${when} both may commit for ${queueId}`);
      if (this.#kind === 'orderly' && locks.filter(lock => lock.mayDeliver()).length > 1)
        this.broken.push(`after ${when} both may deliver of ${queueId}`);
    }
  }
}

describe.each(['fence', 'orderly'] as const)('two members and their locks (%s)', kind => {
  it('never both commit or deliver, through freezes, cut connections, restarts of the broker, and late requests', async () => {
    const seen = new Set<string>();
    const steps = stepsOf<NetKind>({
      ...{ want: 10, travel: 50, time: 12, freeze: 1, wake: 3, cut: 2, restart: 1, connect: 6 },
      ...{ confirm: 2, release: 4 },
    });
    await fc.assert(
      fc.asyncProperty(steps, async history => {
        const world = new TwoMembers(kind);
        for (const step of history) await world.take(step.kind, step.dice);
        await world.end();
        expect(world.broken).toEqual([]);
        for (const each of world.seen) seen.add(each);
      }),
      { numRuns: 60, seed: 1 },
    );
    expect(['lock.granted', 'lock.lost', 'may commit', 'woken'].filter(each => !seen.has(each))).toEqual([]);
  });
});
