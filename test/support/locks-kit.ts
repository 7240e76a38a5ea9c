// SPDX-License-Identifier: Apache-2.0
/** What does a test of locks begin with? The lock book and its actor, with every answer of the brokers in the test's hand. */
import fc from 'fast-check';
import { type AnyActorRef, createActor, type InspectionEvent } from 'xstate';
import { LockBook } from '../../src/machines/locks/lock-book.ts';
import { locksMachine } from '../../src/machines/locks/locks.machine.ts';
import type { LockKind, LocksPort, LocksReport, QueueLock } from '../../src/machines/locks/locks.types.ts';
import type { MessageQueue } from '../../src/model/message-queue.ts';
import { TestClock } from '../../src/testing/test-clock.ts';
import { aQueue, type Deferred, deferred, queueNumber } from './builders.ts';

/** A 41 that is not answered yet. */
interface OpenAsk extends Deferred<readonly MessageQueue[]> {
  readonly at: number;
  readonly queues: readonly MessageQueue[];
  readonly signal: AbortSignal;
}

export interface Asked {
  /** When. Monotonic ms. */
  readonly at: number;
  readonly brokerName: string;
  readonly queueIds: readonly number[];
}

export interface Unlocked extends Asked {
  readonly clientId: string;
  readonly timeoutMs: number;
}

export interface LocksKitOptions {
  readonly kind?: LockKind;
  readonly handoverTimeout?: number;
  readonly machine?: typeof locksMachine;
  /** Default: a new one. */
  readonly book?: LockBook;
  /** Instead of the ways in the test's hand. */
  readonly port?: Partial<LocksPort>;
  readonly inspect?: (event: InspectionEvent) => void;
}

export const me = 'me@1';

/** When nobody waits for a 41 any more. Unit: ms. */
const askLimit = 1500;

/** A lock that a test wants and watches. */
export interface Watched {
  readonly lock: QueueLock;
  /** What its owner heard, in order. */
  readonly heard: string[];
}

export class LocksKit {
  readonly clock = new TestClock();
  readonly book: LockBook;
  readonly actor;
  readonly faults: LocksReport[] = [];
  readonly asks: Asked[] = [];
  readonly unlocks: Unlocked[] = [];
  /** Times of every 38. */
  readonly looks: number[] = [];
  /** What a 38 brings: a list, an error, or undefined for no answer. */
  members: readonly string[] | Error | undefined = [me, 'somebody@2'];
  /** How a 42 ends: answered, refused, or not at all. */
  unlocking: 'answered' | Error | 'silent' = 'answered';
  readonly #open: OpenAsk[] = [];

  constructor(options: LocksKitOptions = {}) {
    const { kind = 'fence', handoverTimeout = 30_000, machine = locksMachine, inspect } = options;
    const { clock } = this;
    const port = { ...this.#port(), ...options.port };
    this.book = options.book ?? new LockBook({ kind, clientId: me, port, clock });
    this.actor = createActor(machine, {
      clock,
      ...(inspect !== undefined && { inspect }),
      input: {
        ...{ book: this.book, port, kind, clientId: me, handoverTimeout, clock, random: () => 0.999_999 },
        parent: { send: report => this.faults.push(report) },
      },
    });
    this.actor.subscribe({
      error: error => this.faults.push({ type: 'fault', error: error as never, actor: 'died' }),
    }); // shown by the test that looks at faults
    this.actor.start();
  }

  /** A lock of broker-a, wanted. */
  want(queueId: number): Watched {
    return this.wantOf(queueNumber(queueId));
  }

  wantOf(queue: MessageQueue): Watched {
    const heard: string[] = [];
    const lock = this.book.lockOf(queue);
    lock.want(({ type }) => heard.push(type));
    return { lock, heard };
  }

  /** The oldest open 41 is answered: these queues are ours, the others another member has. */
  async grant(...queueIds: readonly number[]): Promise<void> {
    const ask = this.#next();
    ask.resolve(ask.queues.filter(({ queueId }) => queueIds.includes(queueId)));
    await this.settle();
  }

  async grantAll(): Promise<void> {
    const ask = this.#next();
    ask.resolve(ask.queues);
    await this.settle();
  }

  async fail(error: Error): Promise<void> {
    this.#next().reject(error);
    await this.settle();
  }

  /** The oldest 41 that is not answered yet is granted, however old it is. */
  async grantLate(): Promise<void> {
    const ask = this.#open.shift();
    ask?.resolve(ask.queues);
    await this.settle();
  }

  /** Signals of the 41 that are waited for. */
  openSignals(): readonly AbortSignal[] {
    return this.#waitedFor().map(({ signal }) => signal);
  }

  /** Whatever can happen without time passing has happened. */
  async settle(): Promise<void> {
    for (let i = 0; i < 4; i++) await this.clock.flush();
  }

  /** Asks since the last look, as `at: ids`. */
  asked(): readonly string[] {
    return this.asks.splice(0).map(({ at, queueIds }) => `${at}: ${queueIds.join(' ')}`);
  }

  /** Faults since the last look, as `code: message`. */
  told(): readonly string[] {
    return this.faults.splice(0).map(({ error }) => `${error.code}: ${error.message}`);
  }

  /** Where the actor of a broker stands. */
  state(brokerName = aQueue.brokerName): unknown {
    const children: Readonly<Record<string, AnyActorRef | undefined>> = this.actor.getSnapshot().children;
    return children[`locks ${brokerName}`]?.getSnapshot().value;
  }

  /** Where it stands with asking. */
  locking(brokerName?: string): unknown {
    const state = this.state(brokerName);
    return typeof state === 'object' && state !== null && 'locking' in state ? state.locking : undefined;
  }

  #waitedFor(): readonly OpenAsk[] {
    return this.#open.filter(({ at }) => this.clock.now() - at < askLimit);
  }

  #next(): OpenAsk {
    const [ask] = this.#waitedFor();
    if (ask === undefined) throw new Error('no 41 is under way');
    this.#open.splice(this.#open.indexOf(ask), 1);
    return ask;
  }

  #port(): LocksPort {
    return {
      lock: (brokerName, queues, { signal }) => {
        const hand = deferred<readonly MessageQueue[]>();
        this.#open.push({ ...hand, queues, signal, at: this.clock.now() });
        signal.addEventListener('abort', () => this.#forget(signal), { once: true });
        this.asks.push({ at: this.clock.now(), brokerName, queueIds: idsOf(queues) });
        return hand.promise;
      },
      unlock: (brokerName, queues, { clientId, timeoutMs }) => {
        const at = this.clock.now();
        this.unlocks.push({ at, brokerName, clientId, timeoutMs, queueIds: idsOf(queues) });
        if (this.unlocking === 'answered') return Promise.resolve();
        return this.unlocking === 'silent' ? new Promise(() => {}) : Promise.reject(this.unlocking);
      },
      memberIds: () => {
        this.looks.push(this.clock.now());
        if (this.members === undefined) return new Promise(() => {});
        return this.members instanceof Error ? Promise.reject(this.members) : Promise.resolve(this.members);
      },
      queuesOf: brokerName => [0, 1, 2].map(queueId => ({ ...aQueue, brokerName, queueId })),
    };
  }

  #forget(signal: AbortSignal): void {
    const index = this.#open.findIndex(ask => ask.signal === signal);
    if (index >= 0) this.#open.splice(index, 1);
  }
}

function idsOf(queues: readonly MessageQueue[]): readonly number[] {
  return queues.map(({ queueId }) => queueId);
}

/** How a promise stands, in a word. */
export function watch(promise: Promise<unknown>): { readonly how: () => string } {
  let how = 'open';
  promise.then(
    () => {
      how = 'resolved';
    },
    (error: unknown) => {
      how =
        typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : String(error);
    },
  );
  return { how: () => how };
}

/** Sequences of steps, each of a kind as often as its weight says, with a number to choose by. */
export function stepsOf<Kind extends string>(weights: Readonly<Record<Kind, number>>) {
  const kinds = Object.entries<number>(weights).map(([kind, weight]) => ({
    weight,
    arbitrary: fc.constant(kind as Kind), // the keys of a table of kinds
  }));
  const step = fc.record({ kind: fc.oneof(...kinds), dice: fc.nat(9999) });
  return fc.array(step, { minLength: 60, maxLength: 140, size: 'max' });
}
