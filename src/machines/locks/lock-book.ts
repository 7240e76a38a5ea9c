// SPDX-License-Identifier: Apache-2.0
/** Which queues are locked, wanted, in doubt or lost? What is known, a page for each broker; the machines beside decide when to ask. */
import { toRocketmqError } from '../../errors/errors.ts';
import type { Clock } from '../../model/clock.ts';
import type { MessageQueue } from '../../model/message-queue.ts';
import { takesNoLocks } from './broker-locks.logic.ts';
import { BrokerPage } from './broker-page.ts';
import type { AskForLocks, BookNote, LockKind, LocksOfBrokers, LocksPort, QueueLock } from './locks.types.ts';
import { endOfTurn } from './unlock-batch.ts';

export interface LockBookOptions {
  readonly kind: LockKind;
  readonly clientId: string;
  readonly port: Pick<LocksPort, 'unlock'>;
  readonly clock: Clock;
}

/**
 * All locks of one consumer.
 * @example
 * const book = new LockBook({ kind: 'fence', clientId, port, clock });
 * const locks = createActor(locksMachine, { clock, input: { book, port, kind: 'fence', clientId, handoverTimeout, clock, parent } });
 * const lock = book.lockOf(queue);
 * lock.want(event => queueActor.send(event), { alone: false });
 */
export class LockBook implements LocksOfBrokers {
  readonly #options: LockBookOptions;
  readonly #pages = new Map<string, BrokerPage>();
  /** Brokers whose page changed in this turn. */
  readonly #changed = new Set<string>();
  /** Greetings that failed for their locks, one after the other. */
  readonly #failed = new Map<string, number>();
  #tell: (note: BookNote) => void = () => {};

  constructor(options: LockBookOptions) {
    this.#options = options;
  }

  /** The lock of a new assignment. Nothing is asked before `want`. */
  lockOf(queue: MessageQueue): QueueLock {
    return this.page(queue.brokerName).newLock(queue);
  }

  /**
   * Part of the greeting of a broker, after the heartbeat and before anything else: a broker that was restarted has
   * forgotten every lock. Asks for all that are held there: granted ones are confirmed, refused ones are lost. Codes 1, 3
   * and 16 end the fences of this broker, and leave an orderly lock in doubt.
   * @param ask a 41 over the connection that is being greeted
   * @throws any other failure of `ask`, the first time: the greeting is to be tried again. The second time it is a fault: who
   *   has no lock to do with shall not be kept waiting, and the locks are in doubt until they are granted anew
   */
  async reclaim(brokerName: string, ask: AskForLocks): Promise<void> {
    const page = this.page(brokerName);
    page.doubt();
    try {
      await page.ask('held', ask);
      this.#failed.delete(brokerName);
      this.#noteChange(brokerName); // the fences may have been switched off meanwhile
    } catch (thrown) {
      const error = toRocketmqError(thrown);
      if (takesNoLocks(thrown)) this.#tell({ type: 'locks.refused', brokerName, error });
      else if (this.#isFirstFailure(brokerName)) throw error;
      else this.#tell({ type: 'fault', error, actor: `locks ${brokerName}` });
    }
  }

  #isFirstFailure(brokerName: string): boolean {
    const failed = (this.#failed.get(brokerName) ?? 0) + 1;
    if (failed === 1) this.#failed.set(brokerName, failed);
    else this.#failed.delete(brokerName);
    return failed === 1;
  }

  page(brokerName: string): BrokerPage {
    const known = this.#pages.get(brokerName);
    if (known !== undefined) return known;
    const page = new BrokerPage({
      ...this.#options,
      brokerName,
      onChange: () => this.#noteChange(brokerName),
      onFault: thrown =>
        this.#tell({ type: 'fault', error: toRocketmqError(thrown), actor: `locks ${brokerName}` }),
    });
    this.#pages.set(brokerName, page);
    return page;
  }

  brokerNames(): readonly string[] {
    return [...this.#pages].filter(([, page]) => !page.isEmpty).map(([brokerName]) => brokerName);
  }

  attach(tell: (note: BookNote) => void): () => void {
    this.#tell = tell;
    for (const brokerName of this.brokerNames()) this.#noteChange(brokerName);
    return () => {
      if (this.#tell === tell) this.#tell = () => {};
    };
  }

  /** Once for each turn: a shard of queues wants its locks one by one, and all of them go into one question. */
  #noteChange(brokerName: string): void {
    if (this.#changed.size === 0) void endOfTurn().then(() => this.#tellChanges());
    this.#changed.add(brokerName);
  }

  #tellChanges(): void {
    const changed = [...this.#changed];
    this.#changed.clear();
    for (const brokerName of changed) this.#tell({ type: 'locks.changed', brokerName });
  }
}
