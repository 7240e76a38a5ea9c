// SPDX-License-Identifier: Apache-2.0
/** One queue, its pull, its flow, its listener calls and its offsets, before a broker and a listener that do as they like. */
import { createActor } from 'xstate';
import { ConnectionError, ProtocolError } from '../../../src/errors/errors.ts';
import { SharedFlow } from '../../../src/flow/flow-gate.ts';
import { OwnedQueue } from '../../../src/flow/owned-queue.ts';
import { HandlerSlots } from '../../../src/listeners/handler-slots.ts';
import { concurrently, orderly } from '../../../src/listeners/listener.ts';
import { OutlivedCalls } from '../../../src/listeners/outlived-calls.ts';
import type { LockEvent, QueueLock } from '../../../src/machines/locks/locks.types.ts';
import { LockPermit } from '../../../src/machines/queue/lock-permit.ts';
import { queueMachine } from '../../../src/machines/queue/queue.machine.ts';
import type { QueueEvent, QueueReport, QueueWork } from '../../../src/machines/queue/queue.types.ts';
import type { MessageExt } from '../../../src/model/message.ts';
import { RemoteOffsetStore } from '../../../src/stores/remote-offset-store.ts';
import { TestClock } from '../../../src/testing/test-clock.ts';
import type { PullAnswer } from '../../../src/transport/pull-calls.ts';
import { aQueue, at, bytesOf, foundMessages, messageAt } from '../builders.ts';
import { CommitJudge } from './commit-judge.ts';
import { type Chance, defineRace, type RaceWorld } from './race-kit.ts';

const lost = new ConnectionError('RMQ_CONNECTION_LOST', 'gone');
const unreadable = new ProtocolError('RMQ_BAD_MESSAGE', 'cannot be read');
const messages = Array.from({ length: 400 }, (_, offset) => messageAt(offset));
/** Units: ms. */
const grace = 1000;
const commitTimeout = 3000;
/** A revoke is over by then: listeners, two requests, the lock. */
const revokeLimit = grace + 4 * commitTimeout + 2000;

type Ended = Extract<QueueReport, { readonly type: 'queue.ended' }>;
type Reason = 'rebalance' | 'shutdown' | 'lost' | 'deleted';
type Kind =
  | 'store'
  | 'finish'
  | 'fail'
  | 'return'
  | 'persist'
  | 'suspend'
  | 'resume'
  | 'verify'
  | 'seek'
  | 'quirk'
  | 'stranger'
  | 'short'
  | 'long';

interface Call {
  readonly offset: number;
  readonly end: (isDone: boolean) => void;
}

class QueueWorld implements RaceWorld<Kind> {
  readonly clock = new TestClock();
  readonly #judge = new CommitJudge();
  readonly #chance: Chance;
  readonly #isOrderly: boolean;
  readonly #store: RemoteOffsetStore;
  readonly #owned: OwnedQueue<MessageExt>;
  readonly #actor;
  readonly #ended: Ended[] = [];
  readonly #calls: Call[] = [];
  readonly #failed: { readonly settle: () => void; readonly redeliver: () => void }[] = [];
  #tellLock: (event: LockEvent) => void = () => {};
  #lock: 'none' | 'wanted' | 'held' | 'lost' | 'returned';
  #max = 20;
  #quirk: 'none' | 'failing' | 'refusing commits' | 'moving' | 'damaging' = 'none';
  #isSuspended = false;
  #isRevoked = false;
  /** By force: the sockets are gone, and no answer comes any more. */
  #isCut = false;
  #pulling: { readonly epoch: number } | undefined;

  constructor(chance: Chance) {
    this.#chance = chance;
    this.#isOrderly = chance.below(3) === 0;
    this.#lock = this.#isOrderly || chance.below(2) === 0 ? 'wanted' : 'none';
    this.#store = new RemoteOffsetStore({
      clock: this.clock,
      timeoutMs: commitTimeout,
      port: {
        query: () => this.#answer('14', () => at(this.#judge.stored)),
        update: (_, offset) => this.#commit(offset),
        updateOneway: (_, offset) => {
          this.#judge.leaves(offset, this.clock.now());
          void chance.later('15 one-way', () => this.#judge.lands(offset));
          return true;
        },
      },
    });
    const limits = { countOfQueue: 6, bytesOfQueue: 1e9, spanOfQueue: 40, countOfAll: 1e6, bytesOfAll: 1e9 };
    this.#owned = new OwnedQueue<MessageExt>(aQueue, this.#store.line(aQueue), new SharedFlow(limits));
    const parent = { send: (report: QueueReport): void => this.#hear(report) };
    this.#actor = createActor(queueMachine, {
      clock: this.clock,
      input: { suspended: false, parent, work: this.#work() },
    });
    this.#actor.subscribe({ error: error => this.problems.push(`it died of ${String(error)}`) });
    this.#actor.start();
  }

  get problems(): string[] {
    return this.#judge.problems;
  }

  take(kind: Kind, dice = 0): unknown {
    switch (kind) {
      case 'store':
        this.#max = Math.min(messages.length, this.#max + (dice % 20));
        return undefined;
      case 'finish':
      case 'fail':
        return this.#calls.splice(dice % Math.max(1, this.#calls.length), 1)[0]?.end(kind === 'finish');
      case 'return': {
        const one = this.#failed.shift();
        return dice % 3 === 0 ? one?.redeliver() : one?.settle();
      }
      case 'persist':
        return this.#store.persistAll();
      case 'suspend':
      case 'verify':
        this.#isSuspended = true;
        return this.#tell({ type: `queue.${kind}` });
      case 'resume':
        this.#isSuspended = false;
        return this.#tell({ type: 'queue.resume' });
      case 'seek':
        return this.#seek(dice % this.#max);
      case 'quirk':
        this.#quirk =
          (['none', 'failing', 'refusing commits', 'moving', 'damaging', 'none'] as const)[dice % 6] ??
          'none';
        return undefined;
      case 'stranger':
        return this.#loseLock();
      case 'short':
        return this.clock.advance([5, 60, 250, 900][dice % 4] ?? 0);
      case 'long':
        return this.clock.advance([2000, 6000][dice % 2] ?? 0);
    }
  }

  async finish(dice: number): Promise<string> {
    if (this.#ended.length === 0) {
      if (dice % 9 === 0) return this.#hardStop();
      this.#revoke(
        (['rebalance', 'rebalance', 'rebalance', 'shutdown', 'lost', 'deleted'] as const)[dice % 6],
      );
      for (let i = 0; i < 4; i++) {
        this.take('finish', dice + i);
        await this.#chance.arrive();
      }
    }
    for (let waited = 0; this.#ended.length === 0 && waited < revokeLimit; waited += 50) {
      if (this.#chance.isWaitedFor) await this.#chance.arrive();
      await this.clock.advance(50);
    }
    const [ended] = this.#ended;
    if (ended === undefined) {
      this.problems.push(`not ended ${revokeLimit} ms after its revoke`);
      return 'never';
    }
    const end = this.#endOf(ended);
    await this.#afterwards();
    return end;
  }

  #endOf({ reason, abandoned, commitError }: Ended): string {
    const { stored, donePoint } = this.#judge;
    if (reason === 'lost' || reason === 'deleted') return reason;
    if (reason === 'shutdown')
      return abandoned > 0 ? 'left to the persister, calls abandoned' : 'left to the persister';
    if (commitError !== undefined) return 'given up, last commit not confirmed';
    if (stored < donePoint) this.problems.push(`given up with ${donePoint} done, the broker has ${stored}`);
    const hadLock = this.#lock === 'returned' ? ', lock given back' : '';
    return abandoned > 0 ? 'given up, calls abandoned' : `given up, all committed${hadLock}`;
  }

  /** Whatever comes late finds nothing. */
  async #afterwards(): Promise<void> {
    this.#judge.close(this.#ended[0]?.reason === 'shutdown' ? 'shutdown' : 'ended');
    for (const { settle } of this.#failed.splice(0)) settle();
    for (const { end } of this.#calls.splice(0)) end(true);
    await this.#chance.exhaust(this.clock);
    await this.clock.advance(20_000);
    if (this.#calls.length > 0) this.problems.push('a call began after the end');
    if (this.#ended.length > 1) this.problems.push(`told ${this.#ended.length} times as ended`);
    if (this.clock.pending > 0) this.problems.push(`${this.clock.pending} timers left`);
  }

  async #hardStop(): Promise<string> {
    this.#actor.stop();
    this.#isRevoked = true;
    this.#isCut = true;
    await this.#chance.exhaust(this.clock);
    await this.clock.advance(20_000);
    if (this.clock.pending > 0) this.problems.push(`${this.clock.pending} timers left`);
    return 'hard stop';
  }

  #revoke(reason: Reason = 'rebalance'): void {
    this.#isRevoked = true;
    if (reason === 'lost' || reason === 'deleted') this.#judge.close('lost');
    this.#tell({ type: 'queue.revoke', reason, grace });
  }

  #tell(event: QueueEvent): void {
    if (this.#ended.length === 0) this.#actor.send(event);
  }

  #seek(to: number): void {
    this.#judge.seek(to);
    this.#tell({ type: 'queue.seek', offset: at(to), reason: 'seek' });
  }

  #loseLock(): void {
    if (this.#lock !== 'held') return;
    this.#lock = 'lost';
    this.#isRevoked = true;
    this.#judge.close('lost');
    this.#tellLock({ type: 'lock.lost' });
  }

  #hear(report: QueueReport): void {
    if (report.type === 'queue.ended') {
      this.#ended.push(report);
      return;
    }
    if (this.#ended.length > 0) this.problems.push(`${report.type} after the end`);
    if (report.type === 'queue.corrected') this.#judge.place(report.to);
    if (report.type === 'queue.skipped') this.#judge.done(report.queueOffset);
  }

  #work(): QueueWork {
    const slots = new HandlerSlots(5);
    slots.open();
    const { clock } = this;
    const line = this.#store.line(aQueue);
    const permit =
      this.#lock === 'none'
        ? undefined
        : new LockPermit(this.#queueLock(), this.#isOrderly ? 'lock' : 'fence');
    if (permit !== undefined) line.requireLock(() => this.#lock === 'held');
    const listener = this.#isOrderly
      ? orderly(([{ queueOffset }]) => this.#consume(queueOffset))
      : concurrently(([{ queueOffset }]) => this.#consume(queueOffset));
    return {
      owned: this.#owned,
      slots,
      delivery: {
        ...{ order: this.#isOrderly ? 'queue' : 'concurrent', batchSize: 1, suspendMs: 300 },
        ...{ maxReconsumeTimes: -1, batchMaxWaitMs: 0, consumeTimeoutMs: 900_000 },
      },
      lock: permit,
      onRevoked: undefined,
      pull: this.#pullPort(permit),
      consume: {
        listenerOf: () => listener,
        mayDeliver: () => true,
        lockIsLive: () => !this.#isOrderly || this.#lock === 'held',
        now: () => clock.now(),
        awakeMs: () => clock.now(),
        outlived: new OutlivedCalls(),
        stopSignal: new AbortController().signal,
        sendBack: (all, settle, redeliver) => {
          for (const one of all) {
            const { queueOffset } = one.message;
            this.#failed.push({
              settle: () => {
                if (one.epoch === this.#owned.epoch) this.#judge.done(queueOffset);
                settle(one);
              },
              redeliver: () => redeliver(one),
            });
          }
        },
      },
      settings: {
        ...{ handoverPause: 0, pullInterval: 0, flowControlInterval: 50, maxRereads: 1 },
        ...{ random: () => 0.5, now: () => clock.now(), revokeTimeout: grace, commitTimeout },
      },
      withholdCommits: () => line.withhold(true),
      commitFinal: async options => {
        if (line.point !== undefined) await this.#store.confirm(aQueue, options);
      },
      isCommitting: () => line.mayStillLand(clock.now()),
      release: () => this.#store.removeOffset(aQueue),
    };
  }

  #pullPort(permit: LockPermit | undefined): QueueWork['pull'] {
    const line = this.#store.line(aQueue);
    return {
      permit,
      resolveStart: signal =>
        this.#answer('start', () => {
          signal.throwIfAborted(); // the queue was moved meanwhile, or given up
          this.#judge.place(this.#judge.stored);
          return { offset: at(this.#judge.stored), stored: true };
        }),
      pull: (offset, commit, answer) => this.#pull(offset, commit, answer),
      readCommitted: () => this.#answer('14', () => at(this.#judge.stored)),
      withdraw: () => {},
      judge: () => 'skip',
      correct: async (offset, signal) => {
        this.#judge.place(offset);
        this.#store.updateOffset(aQueue, offset, false);
        await this.#store.persist(aQueue, { signal });
      },
      takeCommit: () => line.take(this.clock.now()),
      settleCommit: (carrier, accepted) => line.settled(carrier, accepted),
      withholdCommits: withheld => line.withhold(withheld),
    };
  }

  /** Granted in its turn, and given back by an answer that comes or does not. */
  #queueLock(): QueueLock {
    return {
      mayCommit: () => this.#lock === 'held',
      mayDeliver: () => this.#lock === 'held',
      confirm: () => this.#answer('41', () => undefined),
      want: onEvent => {
        this.#tellLock = onEvent;
        void this.#chance.later('41', () => {
          if (this.#lock !== 'wanted' || this.#isCut) return;
          this.#lock = 'held';
          onEvent({ type: 'lock.granted' });
        });
      },
      release: () => {
        this.#judge.gaveBack();
        this.#lock = 'returned';
        return this.#answer('42', () => undefined);
      },
      forget: () => {},
    };
  }

  #answer<T>(label: string, decide: () => T): Promise<T> {
    return this.#chance.later(label, () => {
      if (this.#quirk === 'failing') throw lost;
      return decide();
    });
  }

  #commit(offset: number): Promise<void> {
    this.#judge.leaves(offset, this.clock.now());
    return this.#chance.later(`15 ${offset}`, () => {
      this.#judge.answered();
      if (this.#quirk === 'refusing commits' || this.#quirk === 'failing') throw lost;
      this.#judge.lands(offset);
    });
  }

  #pull(offset: number, commit: number | undefined, answer: (answer: PullAnswer) => void): void {
    const pulling = { epoch: this.#owned.epoch };
    if (this.#pulling?.epoch === pulling.epoch) this.problems.push(`a second pull at ${offset}`);
    if (this.#isRevoked) this.problems.push(`a pull at ${offset} after the revoke`);
    if (this.#isSuspended) this.problems.push(`a pull at ${offset} while suspended`);
    if (this.#lock !== 'none' && this.#lock !== 'held')
      this.problems.push(`a pull at ${offset} without the lock`);
    this.#pulling = pulling;
    if (commit !== undefined) this.#judge.leaves(commit, this.clock.now());
    void this.#chance.later(`pull ${offset}`, () => {
      if (this.#isCut) return;
      if (this.#pulling === pulling) this.#pulling = undefined;
      const outcome = this.#outcome(offset);
      if (commit !== undefined) this.#judge.answered();
      if (commit !== undefined && outcome.kind !== 'failed') this.#judge.lands(commit);
      answer(outcome);
    });
  }

  #outcome(offset: number): PullAnswer {
    const some = messages.slice(offset, Math.min(this.#max, offset + 1 + this.#chance.below(8)));
    const next = offset + some.length;
    const isOdd = this.#chance.below(3) === 0;
    if (this.#quirk === 'failing') return { kind: 'failed', error: lost };
    if (this.#quirk === 'moving' && isOdd)
      return { kind: 'moved', correctTo: at(this.#chance.below(this.#max)), reason: 'test' };
    const bad = some.find(({ queueOffset }) => queueOffset % 5 === 0)?.queueOffset;
    if (this.#quirk === 'damaging' && bad !== undefined) {
      const before = messages.slice(offset, bad);
      const found = { messages: before, bytes: bytesOf(before), nextOffset: at(bad) };
      return { kind: 'damaged', ...found, error: unreadable };
    }
    if (some.length === 0) return { kind: 'none', nextOffset: at(offset), mayRepeat: false };
    return foundMessages(some, next);
  }

  #consume(offset: number): Promise<undefined> {
    if (this.#isSuspended) this.problems.push(`${offset} was delivered while suspended`);
    if (this.#isRevoked && !this.#isOrderly) this.problems.push(`${offset} was delivered after the revoke`);
    if (this.#ended.length > 0) this.problems.push(`${offset} was delivered after the end`);
    if (this.#isOrderly && this.#lock !== 'held')
      this.problems.push(`${offset} was delivered without the lock`);
    const { epoch } = this.#owned;
    const judged = this.#judge.begins(offset, this.#isOrderly);
    return new Promise((resolve, reject) => {
      this.#calls.push({
        offset,
        end: isDone => {
          judged.ends(isDone && epoch === this.#owned.epoch && this.#ended.length === 0);
          if (isDone) resolve(undefined);
          else reject(new Error('no'));
        },
      });
    });
  }
}

export const queueRace = defineRace<Kind>({
  name: 'queue',
  ends: [
    ...['given up, all committed', 'given up, all committed, lock given back', 'given up, calls abandoned'],
    ...['given up, last commit not confirmed', 'lost', 'deleted', 'hard stop'],
    ...['left to the persister', 'left to the persister, calls abandoned'],
  ],
  weights: {
    ...{ store: 12, finish: 64, fail: 12, return: 16, persist: 12, suspend: 4, resume: 12, verify: 4 },
    ...{ seek: 4, quirk: 8, stranger: 1, short: 24, long: 8 },
  },
  mostSteps: 60,
  world: chance => new QueueWorld(chance),
});
