// SPDX-License-Identifier: Apache-2.0
/** Where does a broadcasting consumer keep its offsets? In a file of its own, with the working copy in memory. */
import { type RocketmqError, toRocketmqError } from '../errors/errors.ts';
import type { Clock } from '../model/clock.ts';
import { type MessageQueue, type QueueKey, queueKey } from '../model/message-queue.ts';
import type { QueueOffset } from '../model/queue-offset.ts';
import { storeFull, withheld } from './commit-errors.ts';
import type { CommitCarrier, CommitLine } from './commit-line.ts';
import type { FileSystem, ProcessTable } from './file-system.ts';
import type { OffsetOwner } from './offset-document.ts';
import { OffsetFile } from './offset-file.ts';
import { lateWrite } from './offset-file-errors.ts';
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
import { within } from './wait-for.ts';

/** What a {@link LocalOffsetStore} works with, and whose offsets it keeps. */
export interface LocalOffsetStoreOptions {
  /** Group and client id: they name the file. */
  readonly owner: OffsetOwner;
  /** The directory that everything lies below. */
  readonly storePath: string;
  /** The real one is `nodeFileSystem`. */
  readonly fileSystem: FileSystem;
  /** Tells whether the process that has the file still runs. The real one is `nodeProcesses`. */
  readonly processes: ProcessTable;
  /** Time and timers. The real one is `systemClock`. */
  readonly clock: Clock;
  /** Most queues in memory and in the file. Unit: entries. Default 10000. */
  readonly maxOffsetStoreSize?: number;
  /** For a call that brings no timeout of its own. Unit: ms. Default 5000. */
  readonly timeoutMs?: number;
  /** Hears that the backup had to be used, and of the first write that failed after one that did not. Default: nobody does. */
  readonly onFault?: (error: RocketmqError) => void;
}

interface Taken extends OffsetEntry {
  readonly carrier: CommitCarrier;
}

/**
 * Offsets in a local file. Source: consumer.store.LocalFileOffsetStore, design.md G2. A position is kept when its queue goes,
 * because its route may only be lost for a while.
 * @example
 * const store = new LocalOffsetStore({ owner, storePath, fileSystem: nodeFileSystem, processes: nodeProcesses, clock });
 * await store.load();
 */
export class LocalOffsetStore implements OffsetStore {
  readonly #clock: Clock;
  readonly #file: OffsetFile;
  readonly #maxEntries: number;
  readonly #timeoutMs: number;
  readonly #onFault: (error: RocketmqError) => void;
  readonly #table: OffsetTable;
  readonly #stats = new StoreStats();
  /** Every queue in memory or in the file. */
  readonly #known = new Set<QueueKey>();
  /** What the file has. */
  #kept: ReadonlyMap<QueueKey, QueuePosition> = new Map();
  /** The write under way, and the one that comes after it. */
  #writing: Promise<RocketmqError | undefined> | undefined;
  #following: Promise<RocketmqError | undefined> | undefined;
  #lastWrite: 'good' | 'failed' = 'good';
  #isClosed = false;

  constructor(options: LocalOffsetStoreOptions) {
    this.#clock = options.clock;
    this.#file = new OffsetFile(options);
    this.#maxEntries = options.maxOffsetStoreSize ?? 10_000;
    this.#timeoutMs = options.timeoutMs ?? 5000;
    this.#onFault = options.onFault ?? (() => {});
    this.#table = new OffsetTable(Number.POSITIVE_INFINITY, () => true);
  }

  /** Locks and reads the file. @throws ConsumerError `RMQ_OFFSET_FILE_LOCKED`, `_DAMAGED`, `_VERSION` or `_UNWRITABLE` */
  async load(): Promise<void> {
    const { positions, restored } = await this.#file.open();
    if (this.#isClosed) this.#file.close();
    this.#kept = new Map(positions.map(position => [queueKey(position.queue), position]));
    for (const key of this.#kept.keys()) this.#known.add(key);
    if (restored !== undefined) this.#onFault(restored);
  }

  line(queue: MessageQueue): CommitLine {
    const key = queueKey(queue);
    if (!this.#known.has(key) && this.#known.size >= this.#maxEntries) throw storeFull(key, this.#maxEntries);
    this.#known.add(key);
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
  ): Promise<QueueOffset | undefined> {
    const line = this.#table.get(queue)?.line;
    if (type !== ReadOffsetType.READ_FROM_STORE) {
      this.#stats.read(line?.point !== undefined);
      if (line?.point !== undefined || type === ReadOffsetType.READ_FROM_MEMORY) return line?.point;
    }
    const offset = this.#kept.get(queueKey(queue))?.offset;
    if (offset !== undefined) this.#table.remember(queue, offset);
    return offset;
  }

  async persist(queue: MessageQueue, options: CallOptions = {}): Promise<void> {
    const { uncommitted } = await this.persistAll([queue], { ...options, answered: true });
    const [failed] = uncommitted;
    if (failed !== undefined) throw failed.error;
  }

  /** One write for all queues, whichever are asked for; both forms wait until it is on the disk. */
  async persistAll(queues?: readonly MessageQueue[], options: PersistOptions = {}): Promise<PersistReport> {
    const isAnswered = options.answered === true;
    const asked = this.#table.withPoint(queues).flatMap(({ queue, line }) => {
      const { point, isSettled } = line;
      return point === undefined || (isSettled && !isAnswered) ? [] : [{ queue, line, offset: point }];
    });
    const failure = asked.every(({ line }) => line.isSettled) ? undefined : await this.#write(options);
    const committed: QueuePosition[] = [];
    const uncommitted: UncommittedPosition[] = [];
    for (const { queue, line, offset } of asked) {
      const { handed, isSettled } = line;
      if (handed !== undefined && (isSettled || handed >= offset)) committed.push({ queue, offset: handed });
      else if (failure !== undefined) uncommitted.push({ queue, offset, error: failure });
      else if (isAnswered) uncommitted.push({ queue, offset, error: withheld(queue, line) });
    }
    return { committed, uncommitted };
  }

  /**
   * The last commit of a queue. A line that was withheld is so no more: nobody else has its position.
   * @throws ConsumerError `RMQ_OFFSET_FILE_UNWRITABLE`
   */
  async confirm(queue: MessageQueue, options: CallOptions = {}): Promise<'stored' | 'committed'> {
    const line = this.#table.get(queue)?.line;
    if (line === undefined || line.isSettled) return 'stored';
    line.withhold(false);
    await this.persist(queue, options);
    return 'committed';
  }

  /** What the file has of the queue stays there. */
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

  /** Others may use the file: at once, or when the write under way has ended. */
  close(): void {
    this.#isClosed = true;
    const last = this.#following ?? this.#writing;
    if (last === undefined) this.#file.close();
    else void last.then(() => this.close());
  }

  /** What went wrong, if anything; whoever comes while a write is under way shares the next one. */
  async #write({ timeoutMs = this.#timeoutMs, signal }: CallOptions): Promise<RocketmqError | undefined> {
    const write = this.#writing === undefined ? this.#begin() : this.#next(this.#writing);
    const deadline = this.#clock.now() + timeoutMs;
    try {
      const tooLate = (): RocketmqError => lateWrite(this.#file.paths.main, signal);
      return await within(write, { clock: this.#clock, deadline, signal, tooLate });
    } catch (thrown) {
      return toRocketmqError(thrown);
    }
  }

  #next(writing: Promise<unknown>): Promise<RocketmqError | undefined> {
    this.#following ??= writing.then(() => {
      this.#following = undefined;
      return this.#begin();
    });
    return this.#following;
  }

  #begin(): Promise<RocketmqError | undefined> {
    const writing = this.#writeOnce().finally(() => {
      if (this.#writing === writing) this.#writing = undefined;
    });
    this.#writing = writing;
    return writing;
  }

  async #writeOnce(): Promise<RocketmqError | undefined> {
    const taken = this.#take();
    if (taken.length === 0) return undefined;
    const content = new Map(this.#kept);
    for (const { queue, carrier } of taken) content.set(queueKey(queue), { queue, offset: carrier.offset });
    const from = this.#clock.now();
    try {
      await this.#file.save([...content.values()]);
    } catch (thrown) {
      for (const { line, carrier } of taken) line.refused(carrier);
      return this.#failed(toRocketmqError(thrown));
    } finally {
      this.#stats.called(this.#clock.now() - from);
    }
    this.#stats.answered(this.#clock.now() - from);
    this.#kept = content;
    for (const { line, carrier } of taken) line.settled(carrier, true);
    this.#lastWrite = 'good';
    this.#stats.persisted(true);
    return undefined;
  }

  #take(): readonly Taken[] {
    return this.#table.withPoint().flatMap(entry => {
      const carrier = entry.line.takeFinal(this.#clock.now());
      return carrier === undefined ? [] : [{ ...entry, carrier }];
    });
  }

  #failed(error: RocketmqError): RocketmqError {
    this.#stats.persisted(false);
    if (this.#lastWrite === 'good') this.#onFault(error);
    this.#lastWrite = 'failed';
    return error;
  }
}
