// SPDX-License-Identifier: Apache-2.0
/** Where does a clustering consumer keep its offsets? At the brokers, with the working copy in memory. */
import { setMaxListeners } from 'node:events';
import { BrokerError, type RocketmqError, toRocketmqError } from '../errors/errors.ts';
import type { Clock } from '../model/clock.ts';
import { type MessageQueue, type QueueKey, sameQueue } from '../model/message-queue.ts';
import type { QueueOffset } from '../model/queue-offset.ts';
import { notCommitted, notWritten, withheld } from './commit-errors.ts';
import type { CommitCarrier, CommitGate, CommitLine } from './commit-line.ts';
import {
  type CallOptions,
  type OffsetStore,
  type OffsetStoreMetrics,
  type PersistOptions,
  type PersistReport,
  type QueuePosition,
  ReadOffsetType,
  type UncommittedPosition,
} from './offset-store.ts';
import { type OffsetEntry, OffsetTable } from './offset-table.ts';
import { StoreStats } from './store-stats.ts';
import { waitFor, within } from './wait-for.ts';

/** The brokers, as this store needs them; the consumer's group and the broker's address are known behind it. */
export interface RemoteOffsetPort {
  /** Request 14. `undefined` only when the broker answered that it has none (22); anything else rejects. */
  query(queue: MessageQueue, options: CallOptions): Promise<QueueOffset | undefined>;
  /** Request 15, answered. Rejects when it was not answered with success. */
  update(queue: MessageQueue, offset: QueueOffset, options: CallOptions): Promise<void>;
  /** Request 15, one-way. False when it could not be written. A port without it gets answered calls only. */
  updateOneway?(queue: MessageQueue, offset: QueueOffset): boolean;
  /** Before anything else, where there is something to prepare. */
  load?(): Promise<void>;
}

/** What a {@link RemoteOffsetStore} works with. */
export interface RemoteOffsetStoreOptions {
  /** Asks and tells the brokers. */
  readonly port: RemoteOffsetPort;
  /** Time and timers. The real one is `systemClock`. */
  readonly clock: Clock;
  /** Asked before every commit of any queue. Default: always. */
  readonly mayCommit?: CommitGate;
  /** Most queues kept in memory. Unit: entries. Default 10000. */
  readonly maxOffsetStoreSize?: number;
  /** Writes to one broker in one go. Unit: queues. Default 100. */
  readonly persistBatchSize?: number;
  /** For a call that brings no timeout of its own. Unit: ms. Default 5000, as Java's offset requests. */
  readonly timeoutMs?: number;
}

/**
 * Offsets at the brokers. Source: consumer.store.RemoteBrokerOffsetStore, design.md G2.
 * @example
 * const store = new RemoteOffsetStore({ port, clock: systemClock });
 * store.line(queue).reset(start);
 * await store.persist(queue);
 */
export class RemoteOffsetStore implements OffsetStore {
  readonly #port: RemoteOffsetPort;
  readonly #clock: Clock;
  readonly #batchSize: number;
  readonly #timeoutMs: number;
  readonly #table: OffsetTable;
  readonly #stats = new StoreStats();

  constructor(options: RemoteOffsetStoreOptions) {
    this.#port = options.port;
    this.#clock = options.clock;
    this.#table = new OffsetTable(options.maxOffsetStoreSize ?? 10_000, options.mayCommit ?? (() => true));
    this.#batchSize = Math.max(1, options.persistBatchSize ?? 100);
    this.#timeoutMs = options.timeoutMs ?? 5000;
  }

  /** The brokers keep the offsets; nothing to read beforehand, unless the port says so. */
  async load(): Promise<void> {
    await this.#port.load?.();
  }

  line(queue: MessageQueue): CommitLine {
    return this.#table.line(queue);
  }

  updateOffset(queue: MessageQueue, offset: QueueOffset, increaseOnly = true): void {
    const line = this.line(queue);
    if (increaseOnly) line.advance(offset);
    else line.reset(offset);
  }

  async readOffset(
    queue: MessageQueue,
    type: ReadOffsetType = ReadOffsetType.MEMORY_FIRST_THEN_STORE,
    options: CallOptions = {},
  ): Promise<QueueOffset | undefined> {
    if (type !== ReadOffsetType.READ_FROM_STORE) {
      const offset = this.#table.get(queue)?.line.point;
      this.#stats.read(offset !== undefined);
      if (offset !== undefined || type === ReadOffsetType.READ_FROM_MEMORY) return offset;
    }
    const timeoutMs = options.timeoutMs ?? this.#timeoutMs;
    const offset = await this.#timed(() => this.#port.query(queue, { ...options, timeoutMs }));
    if (offset !== undefined) this.#table.remember(queue, offset);
    return offset;
  }

  async persist(queue: MessageQueue, options: CallOptions = {}): Promise<void> {
    const entry = this.#table.get(queue);
    if (entry !== undefined) await this.#commit(entry, this.#deadline(options), options.signal);
  }

  async persistAll(queues?: readonly MessageQueue[], options: PersistOptions = {}): Promise<PersistReport> {
    const lanes = lanesByBroker(this.#table.withPoint(queues));
    const report = new Report();
    if (options.signal !== undefined) setMaxListeners(0, options.signal); // one for each queue's call: no leak
    const deadline = this.#deadline(options);
    if (options.answered !== true) {
      const isNew = ({ line }: OffsetEntry): boolean => !line.isSettled;
      await Promise.all(
        this.#port.updateOneway === undefined
          ? lanes.map(lane => this.#commitLane(lane.filter(isNew), deadline, options, report))
          : lanes.map(lane => this.#writeLane(lane, options.signal, report)),
      );
      return report;
    }
    await Promise.all(lanes.map(lane => this.#commitLane(lane, deadline, options, report)));
    await Promise.all(lanes.map(lane => this.#mendLane(lane, deadline, options.signal, report)));
    return report;
  }

  /**
   * The last commit of a queue, believed only when the broker itself says so: it is asked what it has, and gets the point
   * when that is less. Two first commits of a group in a topic that arrive at the same time overwrite each other in the
   * broker (ConsumerOffsetManager.commitOffset), though both are answered. A line that was withheld is so no more, for this
   * one commit.
   * @throws RocketmqError when the broker could not be asked, or did not confirm
   */
  async confirm(queue: MessageQueue, options: CallOptions = {}): Promise<'stored' | 'committed'> {
    const entry = this.#table.get(queue);
    const deadline = this.#deadline(options);
    if (entry === undefined || (await this.#isStored(entry, deadline, options.signal)) !== undefined) {
      return 'stored';
    }
    entry.line.admitFinal(); // not before it is known that nobody else is ahead
    await this.#commit(entry, deadline, options.signal);
    return 'committed';
  }

  removeOffset(queue: MessageQueue): void {
    this.#table.remove(queue);
  }

  cloneOffsetTable(topic?: string): ReadonlyMap<QueueKey, QueueOffset> {
    return this.#table.points(topic);
  }

  uncommitted(): readonly QueuePosition[] {
    return this.#table.unsettled();
  }

  metrics(): OffsetStoreMetrics {
    return { entries: this.#table.size, ...this.#stats.figures() };
  }

  #deadline(options: CallOptions): number {
    return this.#clock.now() + (options.timeoutMs ?? this.#timeoutMs);
  }

  /** The final form for one broker: as many calls side by side as go into one write. */
  async #commitLane(lane: Lane, deadline: number, options: PersistOptions, report: Report): Promise<void> {
    for (let from = 0; from < lane.length; from += this.#batchSize) {
      const batch = lane.slice(from, from + this.#batchSize);
      await Promise.all(batch.map(entry => this.#commitInto(report, entry, deadline, options)));
    }
  }

  /** What was answered is looked up again once all of it is there: a first commit may have undone another one. */
  async #mendLane(
    lane: Lane,
    deadline: number,
    signal: AbortSignal | undefined,
    report: Report,
  ): Promise<void> {
    const settled = lane.filter(({ line }) => line.isSettled && !line.isClosed);
    const missing: OffsetEntry[] = [];
    for (let from = 0; from < settled.length; from += this.#batchSize) {
      const looks = settled.slice(from, from + this.#batchSize).map(async entry => {
        if ((await this.#isStored(entry, deadline, signal)) === undefined) missing.push(entry);
      });
      await Promise.allSettled(looks); // one that is not answered: it was answered before
    }
    for (const entry of missing) {
      try {
        await this.#commit(entry, deadline, signal);
      } catch (error) {
        report.withdraw(entry.queue, toRocketmqError(error));
      }
    }
  }

  /** What the broker has, when that is not less than our point; else the line knows that it has to hand it over again. */
  async #isStored(
    { queue, line }: OffsetEntry,
    deadline: number,
    signal: AbortSignal | undefined,
  ): Promise<QueueOffset | undefined> {
    const timeoutMs = Math.max(1, (deadline - this.#clock.now()) / 2);
    const options = signal === undefined ? { timeoutMs } : { timeoutMs, signal };
    const stored = await this.#timed(() => this.#port.query(queue, options));
    if (line.point === undefined || (stored !== undefined && stored >= line.point))
      return stored ?? line.point;
    line.distrust();
    return undefined;
  }

  async #commitInto(
    report: Report,
    entry: OffsetEntry,
    deadline: number,
    { signal, onlyAhead = false }: PersistOptions,
  ): Promise<void> {
    const { queue, line } = entry;
    try {
      if (onlyAhead && !line.isSettled && (await this.#isOvertaken(entry, deadline, signal, report))) return;
      await this.#commit(entry, deadline, signal);
      if (line.handed !== undefined) report.committed.push({ queue, offset: line.handed });
      else if (line.point !== undefined) throw notCommitted(queue, line, signal); // another place was sought meanwhile
    } catch (error) {
      const offset = line.point;
      if (offset !== undefined) report.uncommitted.push({ queue, offset, error: toRocketmqError(error) });
    }
  }

  /** Somebody else committed what we would, or more: their offset is reported, ours stays away. */
  async #isOvertaken(
    entry: OffsetEntry,
    deadline: number,
    signal: AbortSignal | undefined,
    report: Report,
  ): Promise<boolean> {
    const stored = await this.#isStored(entry, deadline, signal);
    if (stored === undefined) return false;
    report.committed.push({ queue: entry.queue, offset: stored });
    return true;
  }

  /**
   * The final form for one queue: wait for carriers in flight, hand over, believe only an answer. The point of a queue that goes
   * on moves with every pull, which takes it along: it is enough that the one this began with has arrived.
   */
  async #commit({ queue, line }: OffsetEntry, deadline: number, signal?: AbortSignal): Promise<void> {
    const tooLate = (): RocketmqError => notCommitted(queue, line, signal);
    const begun = { epoch: line.epoch, point: line.point };
    const hasArrived = (): boolean =>
      line.isSettled || (line.epoch === begun.epoch && line.hasHanded(begun.point));
    const waitLeft = (): number => (hasArrived() || line.isClosed ? 0 : line.waitForFinal(this.#clock.now()));
    for (let wait = waitLeft(); wait > 0; wait = waitLeft()) {
      if (signal?.aborted === true || this.#clock.now() >= deadline) throw tooLate();
      const ms = Math.min(wait, deadline - this.#clock.now());
      await waitFor(this.#clock, ms, { signal, wake: fn => line.onceSettled(fn) });
    }
    if (hasArrived()) return;
    if (signal?.aborted === true || this.#clock.now() >= deadline) throw tooLate();
    const carrier = line.takeFinal(this.#clock.now());
    if (carrier === undefined) throw withheld(queue, line);
    const timeoutMs = deadline - this.#clock.now();
    const options = signal === undefined ? { timeoutMs } : { timeoutMs, signal };
    await within(this.#update(queue, line, carrier, options), {
      clock: this.#clock,
      deadline,
      signal,
      tooLate,
    });
  }

  /** Tells the line of the outcome whenever it comes, also when nobody waits for it any more. */
  async #update(
    queue: MessageQueue,
    line: CommitLine,
    carrier: CommitCarrier,
    options: CallOptions,
  ): Promise<void> {
    try {
      const from = this.#clock.now();
      await this.#timed(() => this.#port.update(queue, carrier.offset, options));
      this.#stats.answered(this.#clock.now() - from);
    } catch (error) {
      if (error instanceof BrokerError) line.refused(carrier);
      else line.settled(carrier, false);
      this.#stats.persisted(false);
      throw error;
    }
    line.settled(carrier, true);
    this.#stats.persisted(true);
  }

  /** The periodic form for one broker: a batch a turn; after a failed write the rest waits for the next persist. */
  async #writeLane(lane: Lane, signal: AbortSignal | undefined, report: Report): Promise<void> {
    let written = 0;
    for (const entry of lane) {
      const carrier = entry.line.takeOneway(this.#clock.now());
      if (carrier === undefined) continue;
      const { offset } = carrier;
      const error = this.#write(entry, carrier);
      if (error !== undefined) {
        report.uncommitted.push({ queue: entry.queue, offset, error });
        return;
      }
      report.committed.push({ queue: entry.queue, offset });
      if (++written % this.#batchSize === 0) await waitFor(this.#clock, 0, { signal });
      if (signal?.aborted === true) return;
    }
  }

  #write({ queue, line }: OffsetEntry, carrier: CommitCarrier): RocketmqError | undefined {
    let error: RocketmqError | undefined;
    try {
      const { offset } = carrier;
      if (this.#port.updateOneway?.(queue, offset) !== true) error = notWritten(queue, offset);
    } catch (thrown) {
      error = toRocketmqError(thrown);
    }
    if (error !== undefined) line.refused(carrier);
    this.#stats.persisted(error === undefined);
    return error;
  }

  async #timed<T>(call: () => Promise<T>): Promise<T> {
    const from = this.#clock.now();
    try {
      return await call();
    } finally {
      this.#stats.called(this.#clock.now() - from);
    }
  }
}

type Lane = readonly OffsetEntry[];

class Report implements PersistReport {
  readonly committed: QueuePosition[] = [];
  readonly uncommitted: UncommittedPosition[] = [];

  /** It counted as committed, and is not. */
  withdraw(queue: MessageQueue, error: RocketmqError): void {
    const at = this.committed.findIndex(each => sameQueue(each.queue, queue));
    const [position] = at < 0 ? [] : this.committed.splice(at, 1);
    if (position !== undefined) this.uncommitted.push({ ...position, error });
  }
}

function lanesByBroker(entries: readonly OffsetEntry[]): readonly Lane[] {
  const lanes = new Map<string, OffsetEntry[]>();
  for (const entry of entries) {
    const lane = lanes.get(entry.queue.brokerName);
    if (lane === undefined) lanes.set(entry.queue.brokerName, [entry]);
    else lane.push(entry);
  }
  return [...lanes.values()];
}
