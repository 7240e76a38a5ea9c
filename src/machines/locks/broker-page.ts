// SPDX-License-Identifier: Apache-2.0
/** Which locks of one broker are wanted or held, and what do its answers mean for them? A page of the lock book. */
import { ConnectionError, RocketmqError } from '../../errors/errors.ts';
import type { Clock } from '../../model/clock.ts';
import { type MessageQueue, type QueueKey, queueKey } from '../../model/message-queue.ts';
import { within } from '../../stores/wait-for.ts';
import type { OnGranted } from '../../transport/lock-calls.ts';
import { type Ask, LockEntry, lockLife } from './lock-entry.ts';
import {
  type AskForLocks,
  type LockEvent,
  type LockKind,
  type LocksOfBroker,
  type LocksPort,
  lockCallLimit,
  type QueueLock,
  type ReleaseOptions,
} from './locks.types.ts';
import { UnlockBatch } from './unlock-batch.ts';

export interface PageOptions {
  readonly brokerName: string;
  readonly kind: LockKind;
  readonly clientId: string;
  readonly port: Pick<LocksPort, 'unlock'>;
  readonly clock: Clock;
  /** Something is wanted, in doubt, or given up: whoever decides when to ask should look. */
  readonly onChange: () => void;
  /** Telling an owner threw. */
  readonly onFault: (thrown: unknown) => void;
}

/** A question under way. */
interface Flight {
  readonly asked: ReadonlySet<LockEntry>;
  /** Its answer was taken, or it is given up. Never rejects. */
  readonly ended: Promise<unknown>;
}

/** The port keeps {@link lockCallLimit} and names the cause; this much later we stop believing in it. Unit: ms. */
const callGrace = 500;

export class BrokerPage implements LocksOfBroker {
  readonly #options: PageOptions;
  readonly #entries = new Map<QueueKey, LockEntry>();
  /** Being given back, until the 42 has ended: it could overtake a question for the same queue, and undo it. */
  readonly #leaving = new Set<QueueKey>();
  readonly #flights = new Set<Flight>();
  readonly #unlocks: UnlockBatch;
  #lastAsk = 0;

  constructor(options: PageOptions) {
    this.#options = options;
    const { brokerName, clientId, port, clock } = options;
    this.#unlocks = new UnlockBatch(
      (queues, { timeoutMs }) => port.unlock(brokerName, queues, { clientId, timeoutMs }),
      clock,
    );
  }

  get isEmpty(): boolean {
    return this.#entries.size === 0;
  }

  get isAnyMissing(): boolean {
    return this.#some(({ isMissing }) => isMissing);
  }

  get isAnyRefused(): boolean {
    return this.#some(({ isRefused }) => isRefused);
  }

  get isAnyUrgent(): boolean {
    return this.#some(entry => entry.isUrgent && !this.#leaving.has(entry.key));
  }

  get waitingSince(): number | undefined {
    const since = this.#all().flatMap(({ waitedForSince }) => waitedForSince ?? []);
    return since.length === 0 ? undefined : Math.min(...since);
  }

  /** A lock for a new assignment, unknown here until it is wanted. */
  newLock(queue: MessageQueue): QueueLock {
    const entry = new LockEntry(queue, this.#options.kind, this.#options.clock);
    return {
      want: tell => this.#want(entry, tell),
      mayCommit: () => entry.mayCommit(),
      mayDeliver: () => entry.mayDeliver(),
      confirm: signal => this.#confirm(entry, signal),
      release: options => this.#release(entry, options),
      forget: options => this.#forget(entry, options),
    };
  }

  ask(which: 'all' | 'held', call: AskForLocks, signal?: AbortSignal): Promise<void> {
    const asked = this.#all().filter(
      ({ key, standing }) => !this.#leaving.has(key) && (which === 'all' || standing === 'held'),
    );
    if (asked.length === 0) return Promise.resolve();
    const work = this.#fly(asked, call, signal);
    const flight: Flight = { asked: new Set(asked), ended: work.catch(() => {}) };
    this.#flights.add(flight);
    void flight.ended.then(() => this.#flights.delete(flight));
    return work;
  }

  doubt(): void {
    for (const entry of this.#entries.values()) entry.doubt(this.#lastAsk);
  }

  unfenceSince(time: number): readonly MessageQueue[] {
    const overdue = this.#all().filter(({ waitedForSince }) => (waitedForSince ?? Infinity) <= time);
    this.#tellAll(overdue.map(entry => [entry, entry.unfence()]));
    return overdue.map(({ queue }) => queue);
  }

  unfenceRefused(): void {
    const refused = this.#all().filter(({ isRefused }) => isRefused);
    this.#tellAll(refused.map(entry => [entry, entry.unfence()]));
  }

  unfenceAll(): void {
    const all = this.#all();
    for (const entry of all) entry.disown();
    this.#tellAll(all.map(entry => [entry, entry.unfence()]));
  }

  #want(entry: LockEntry, tell: (event: LockEvent) => void): void {
    if (!entry.want(tell)) return;
    this.#entries.get(entry.key)?.end();
    this.#entries.set(entry.key, entry);
    this.#options.onChange();
  }

  #confirm(entry: LockEntry, signal: AbortSignal): Promise<void> {
    entry.doubt(this.#lastAsk);
    if (entry.isUrgent) this.#options.onChange();
    return entry.confirmed(signal);
  }

  async #release(entry: LockEntry, { timeoutMs, signal }: ReleaseOptions): Promise<void> {
    this.#drop(entry);
    if (!entry.mayBeOurs) return;
    const { clock } = this.#options;
    const deadline = clock.now() + timeoutMs;
    const tooLate = () => notReleased(entry.key, timeoutMs, signal);
    await within(this.#giveBack(entry, deadline), { clock, deadline, signal, tooLate });
  }

  /** A question under way could be answered after the 42 and lock the queue anew, for nobody. */
  async #giveBack(entry: LockEntry, deadline: number): Promise<void> {
    this.#leaving.add(entry.key);
    try {
      await Promise.all(this.#flightsOf(entry).map(({ ended }) => ended));
      if (entry.mayBeOurs) await this.#unlocks.add(entry.queue, deadline);
    } finally {
      this.#leaving.delete(entry.key);
      if (this.#entries.has(entry.key)) this.#options.onChange();
    }
  }

  /** One that was never used, or is asked for anew, is given back, else it would keep everybody waiting for nobody. */
  #forget(entry: LockEntry, { mayRun }: { readonly mayRun: boolean }): void {
    const isAskedAnew = entry.isInDoubt && this.#flightsOf(entry).length > 0;
    if (entry.isMissing || (isAskedAnew && !mayRun)) {
      this.#release(entry, { timeoutMs: lockCallLimit }).catch(() => {}); // it expires then
    } else this.#drop(entry);
  }

  #flightsOf(entry: LockEntry): readonly Flight[] {
    return [...this.#flights].filter(({ asked }) => asked.has(entry));
  }

  #drop(entry: LockEntry): void {
    entry.end();
    this.#strike(entry);
  }

  #strike(entry: LockEntry): void {
    if (this.#entries.get(entry.key) !== entry) return;
    this.#entries.delete(entry.key);
    this.#options.onChange();
  }

  async #fly(asked: readonly LockEntry[], call: AskForLocks, signal: AbortSignal | undefined): Promise<void> {
    const { clock } = this.#options;
    const ask: Ask = { number: ++this.#lastAsk, askedAt: clock.now() };
    for (const entry of asked) entry.asked(ask);
    // Pulls that are answered in the same breath would go on without the lock until the promise is settled.
    const onGranted: OnGranted = granted => {
      if (!isTooOld(ask, clock.now())) this.#take(ask, asked, granted);
    };
    try {
      this.#take(ask, asked, await this.#answerOf(ask, asked, queues => call(queues, onGranted), signal));
    } catch (thrown) {
      for (const entry of asked) entry.unanswered();
      throw thrown;
    }
  }

  async #answerOf(
    ask: Ask,
    asked: readonly LockEntry[],
    call: (queues: readonly MessageQueue[]) => Promise<readonly MessageQueue[]>,
    signal: AbortSignal | undefined,
  ): Promise<readonly MessageQueue[]> {
    const { clock, brokerName } = this.#options;
    const tooLate = () => notAnswered(brokerName, asked.length, signal);
    const deadline = ask.askedAt + lockCallLimit + callGrace;
    const answer = await within(call(asked.map(({ queue }) => queue)), { clock, deadline, signal, tooLate });
    if (isTooOld(ask, clock.now())) throw tooLate();
    return answer;
  }

  /** All stand as the answer says before the first owner hears of it: what it does then finds them so. */
  #take(ask: Ask, asked: readonly LockEntry[], answer: readonly MessageQueue[]): void {
    const granted = new Set(answer.map(queueKey));
    const told = asked.map(
      entry => [entry, granted.has(entry.key) ? entry.granted(ask) : entry.refused()] as const,
    );
    for (const entry of asked) if (entry.standing === 'lost') this.#strike(entry);
    this.#tellAll(told);
  }

  #tellAll(told: readonly (readonly [LockEntry, LockEvent | undefined])[]): void {
    for (const [entry, event] of told) {
      if (event === undefined) continue;
      try {
        entry.tell(event);
      } catch (thrown) {
        this.#options.onFault(thrown);
      }
    }
  }

  #all(): readonly LockEntry[] {
    return [...this.#entries.values()];
  }

  #some(is: (entry: LockEntry) => boolean): boolean {
    for (const entry of this.#entries.values()) if (is(entry)) return true;
    return false;
  }
}

/** Time may have passed without us while the answer lay in the socket: what it granted is over. */
function isTooOld({ askedAt }: Ask, now: number): boolean {
  return now - askedAt >= lockLife;
}

function notAnswered(brokerName: string, count: number, signal: AbortSignal | undefined): RocketmqError {
  const what = `lock of ${count === 1 ? '1 queue' : `${count} queues`} at ${brokerName}`;
  if (signal?.aborted === true)
    return new RocketmqError('RMQ_ABORTED', `${what} was given up`, { cause: signal.reason });
  return new ConnectionError('RMQ_REQUEST_TIMEOUT', `${what} was not answered in time`, {
    context: { brokerName, timeoutMs: lockCallLimit + callGrace },
  });
}

function notReleased(key: QueueKey, timeoutMs: number, signal: AbortSignal | undefined): RocketmqError {
  const what = `unlock of ${key}`;
  if (signal?.aborted === true)
    return new RocketmqError('RMQ_ABORTED', `${what} was given up`, { cause: signal.reason });
  return new ConnectionError('RMQ_REQUEST_TIMEOUT', `${what} was not answered within ${timeoutMs} ms`, {
    context: { queue: key, timeoutMs },
  });
}
