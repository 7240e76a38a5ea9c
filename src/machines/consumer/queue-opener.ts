// SPDX-License-Identifier: Apache-2.0
/** Which real things stand behind the ports of one owned queue: its pull, its listeners, its commits? */
import type { ResolvedConfig } from '../../config/resolved-config.ts';
import { toRocketmqError } from '../../errors/errors.ts';
import type { SharedFlow } from '../../flow/flow-gate.ts';
import { OwnedQueue } from '../../flow/owned-queue.ts';
import { AwakeTime } from '../../listeners/awake-time.ts';
import type { HandlerSlots } from '../../listeners/handler-slots.ts';
import type { HookedListeners } from '../../listeners/hooked-listeners.ts';
import { OutlivedCalls } from '../../listeners/outlived-calls.ts';
import type { Clock } from '../../model/clock.ts';
import type { MessageExt } from '../../model/message.ts';
import { type MessageQueue, type QueueKey, queueKey } from '../../model/message-queue.ts';
import { isRetryTopic } from '../../model/names.ts';
import type { Namespace } from '../../model/namespace.ts';
import type { CommitLine } from '../../stores/commit-line.ts';
import type { FormerOffsets } from '../../stores/former-offsets.ts';
import type { StartPositions } from '../../stores/start-position.ts';
import type { SubscriptionManager } from '../../subscriptions/subscription-manager.ts';
import type { ToldVersions } from '../../subscriptions/told-versions.ts';
import { PullCalls } from '../../transport/pull-calls.ts';
import type { PullTally } from '../../transport/pull-tally.ts';
import type { Switchboard } from '../../transport/switchboard.ts';
import type { LockBook } from '../locks/lock-book.ts';
import type { QueueLock } from '../locks/locks.types.ts';
import type { PullPort, StartPlace } from '../pull/pull.types.ts';
import { PullTarget } from '../pull/pull-target.ts';
import { LockPermit } from '../queue/lock-permit.ts';
import type { QueueWork } from '../queue/queue.types.ts';
import type { IdleQueue } from '../resets/resets.types.ts';
import type { RouteCache } from '../routes/route-cache.ts';
import { AssignedQueueView } from './assigned-queue-view.ts';
import type { ClockComparison } from './clock-comparison.ts';
import { orderOf } from './consume-order.ts';
import type { ConsumerInternalEvent } from './consumer.types.ts';
import type { ListenerChoice } from './listener-choice.ts';
import { type ConsumerOffsetStore, commitsByPull, type QueryOffset } from './offset-place.ts';
import type { QueueOrigins } from './queue-origins.ts';
import { MasterSearch, replicasOf } from './replicas.ts';
import { RevokeCalls } from './revoke-calls.ts';
import type { FiguresBook, QueueFigures } from './server-requests/figures.ts';
import type { ShownQueue } from './server-requests/server-requests.types.ts';

/** Without a lock: how long other members may need to finish and commit a queue that was just given to us. Unit: ms. */
const handoverPause = 400;
/** How often a message that cannot be read is asked for again before its queue halts. design.md G1. */
const maxRereads = 3;

/** What all queues of a consumer share. */
export interface QueueSurroundings {
  readonly config: ResolvedConfig;
  readonly namespace: Namespace | undefined;
  readonly clock: Clock;
  readonly random: () => number;
  readonly cache: RouteCache;
  readonly switchboard: Switchboard;
  readonly committedOffset: QueryOffset;
  readonly store: ConsumerOffsetStore;
  readonly positions: StartPositions;
  readonly origins: QueueOrigins;
  readonly former: FormerOffsets;
  readonly subscriptions: SubscriptionManager;
  readonly told: ToldVersions;
  readonly listeners: ListenerChoice;
  readonly hooked: HookedListeners;
  readonly flow: SharedFlow;
  readonly slots: HandlerSlots;
  readonly pulls: PullTally;
  readonly figures: FiguresBook;
  readonly clocks: ClockComparison;
  /** Undefined: queues are taken without a lock. */
  readonly locks: LockBook | undefined;
  /** False while it is in doubt whether the queues are still ours. */
  readonly isFresh: () => boolean;
  /** Aborted when the whole consumer is over. */
  readonly stopSignal: AbortSignal;
  readonly tell: (event: ConsumerInternalEvent) => void;
}

export class QueueOpener {
  readonly #around: QueueSurroundings;
  readonly #listeners: ListenerChoice;
  readonly #owned = new Map<QueueKey, OwnedQueue<MessageExt>>();
  readonly #lines = new Map<QueueKey, CommitLine>();
  readonly #outlived = new OutlivedCalls();
  readonly #awake = new AwakeTime();
  readonly #permits = new Map<QueueKey, LockPermit>();
  readonly #shown = new Map<QueueKey, ShownQueue>();
  readonly #targets = new Map<QueueKey, PullTarget>();
  readonly #masterSearch: MasterSearch;
  readonly #revokeCalls: RevokeCalls | undefined;
  #round = 0;

  constructor(around: QueueSurroundings) {
    const { config, clock, tell } = around;
    this.#around = around;
    this.#masterSearch = new MasterSearch(clock, () => tell({ type: 'master.missed' }));
    this.#listeners = around.listeners;
    this.#revokeCalls = config.onQueuesRevoked && new RevokeCalls(config.onQueuesRevoked);
  }

  /** Queues opened from now on belong to a new assignment: what a former one found out about start positions is old. */
  beginRound(): void {
    this.#round++;
  }

  viewOf(queue: MessageQueue, paused: boolean): AssignedQueueView {
    const key = queueKey(queue);
    return new AssignedQueueView(
      queue,
      () => this.#owned.get(key),
      () => this.#lines.get(key)?.handed,
      () => this.#targets.get(key)?.brokerId,
      paused,
    );
  }

  /** Undefined for a queue that is not held. */
  heldOf(queue: MessageQueue): OwnedQueue<MessageExt> | undefined {
    return this.#owned.get(queueKey(queue));
  }

  /** All that are held, as a broker may ask for them. */
  shown(): readonly ShownQueue[] {
    return [...this.#shown.values()];
  }

  /** Brokers that queues are held of, those on their way out included. */
  brokerNames(): readonly string[] {
    return [...new Set([...this.#owned.values()].map(({ queue }) => queue.brokerName))];
  }

  /** Those of which nothing is held; a group's retries are nobody's to reset. */
  idle(): readonly IdleQueue[] {
    const now = this.#around.clock.now();
    return [...this.#owned.values()].flatMap(({ queue, key, count }) => {
      const committed =
        count > 0 || isRetryTopic(queue.topic) ? undefined : this.#lines.get(key)?.believed(now);
      return committed === undefined ? [] : [{ queue, committed }];
    });
  }

  /** Everything a queue actor works with; it ends with `release`. */
  open(queue: MessageQueue, { alone }: { readonly alone: boolean }): QueueWork {
    const { config, clock, random, store, slots, flow, locks, figures } = this.#around;
    const line = store.line(queue);
    const work = new OwnedQueue<MessageExt>(queue, line, flow, { autoCommit: config.enableAutoCommit });
    const lock = locks?.lockOf(queue);
    const order = orderOf(config);
    const permit = lock && new LockPermit(lock, order === 'concurrent' ? 'fence' : 'lock');
    if (lock !== undefined) line.requireLock(() => lock.mayCommit());
    this.#owned.set(work.key, work);
    this.#lines.set(work.key, line);
    const watch = figures.ofQueue(queue.topic);
    this.#shown.set(work.key, {
      ...{ owned: work, figures: watch, committed: () => line.handed },
      isLocked: () => permit?.kind === 'lock' && lock?.mayDeliver() === true,
    });
    if (permit !== undefined) this.#permits.set(work.key, permit);
    return {
      owned: work,
      slots,
      pull: this.#pullPort(queue, line, { lock, permit, watch }),
      delivery: {
        order,
        batchSize: this.#listeners.batchSize(queue),
        batchMaxWaitMs: config.batchMaxWaitMillis,
        consumeTimeoutMs: config.consumeTimeout,
        suspendMs: config.suspendCurrentQueueTimeMillis,
        maxReconsumeTimes: config.maxReconsumeTimes,
      },
      consume: this.#consumePort(queue, lock, watch),
      settings: {
        handoverPause: alone ? 0 : handoverPause,
        pullInterval: config.pullInterval,
        flowControlInterval: config.flowControlInterval,
        maxRereads,
        random,
        now: () => clock.now(),
        revokeTimeout: config.revokeTimeout,
        commitTimeout: config.consumerTimeoutMillisOfRequest,
      },
      lock: permit,
      onRevoked: this.#onRevoked(queue, line),
      withholdCommits: () => line.withhold(true),
      commitFinal: options => this.#commitFinal(queue, line, options),
      isCommitting: () => line.mayStillLand(clock.now()),
      release: () => this.#release(work),
    };
  }

  /** Gives back the locks that are left at the end, all but those of queues whose last commit was not confirmed. */
  async unlockAll(
    unconfirmed: ReadonlySet<QueueKey>,
    options: { readonly timeoutMs: number; readonly signal: AbortSignal },
  ): Promise<void> {
    const confirmed = [...this.#permits].filter(([key]) => !unconfirmed.has(key));
    this.#permits.clear();
    const outcomes = await Promise.allSettled(confirmed.map(([, permit]) => permit.release(options)));
    for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
  }

  /** Of a queue whose start was never known the user has not heard. */
  #onRevoked(queue: MessageQueue, line: CommitLine): QueueWork['onRevoked'] {
    const calls = this.#revokeCalls;
    if (calls === undefined) return undefined;
    return async options => {
      if (line.point !== undefined) await calls.tell(queue, options);
    };
  }

  #consumePort(queue: MessageQueue, lock: QueueLock | undefined, watch: QueueFigures): QueueWork['consume'] {
    const { clock, hooked, isFresh, stopSignal, tell } = this.#around;
    const listenerOf = this.#listeners.ofQueue(queue);
    return {
      listenerOf: hooked.isIdle ? listenerOf : message => hooked.of(listenerOf(message)),
      mayDeliver: isFresh,
      watch,
      lockIsLive: () => lock?.mayDeliver() ?? true,
      now: () => clock.now(),
      awakeMs: () => this.#awake.read(clock.now()),
      stopSignal,
      outlived: this.#outlived,
      sendBack: (failed, settle, redeliver) =>
        tell({
          type: 'messages.failed',
          jobs: failed.map(one => ({ queue, failed: one, settle, redeliver })),
        }),
    };
  }

  #pullPort(
    queue: MessageQueue,
    line: CommitLine,
    {
      lock,
      permit,
      watch,
    }: {
      readonly lock: QueueLock | undefined;
      readonly permit: LockPermit | undefined;
      readonly watch: QueueFigures;
    },
  ): PullPort {
    const { clock } = this.#around;
    const { onCorruptMessage } = this.#around.config;
    const mayCommitByPull = commitsByPull(this.#around.config);
    const round = this.#round;
    const target = this.#pullTarget(queue, permit);
    const pulls = this.#pullCalls(queue, watch, target);
    return {
      permit,
      resolveStart: signal => this.#resolveStart(queue, round, signal),
      pull: (offset, commit, onAnswer) => pulls.pull(offset, commit, onAnswer),
      withdraw: () => pulls.withdraw(),
      judge: ({ queueOffset, error }) =>
        typeof onCorruptMessage === 'function'
          ? onCorruptMessage({ queue, queueOffset, error })
          : onCorruptMessage,
      readCommitted: async signal => {
        await lock?.confirm(signal);
        return this.#around.committedOffset(queue, { signal });
      },
      correct: async (offset, signal) => {
        this.#around.store.updateOffset(queue, offset, false);
        await this.#around.store.persist(queue, { signal });
      },
      // A pull that waits for a connection may be written much later, beside a newer commit: it takes none along. A slave would
      // answer it with success, and forget it.
      takeCommit: () => (mayCommitByPull && target.isMasterNext() ? line.take(clock.now()) : undefined),
      settleCommit: (carrier, accepted) => line.settled(carrier, accepted),
      withholdCommits: withheld => line.withhold(withheld),
    };
  }

  #pullTarget(queue: MessageQueue, permit: LockPermit | undefined): PullTarget {
    const { clock, cache, switchboard, tell } = this.#around;
    const target = new PullTarget({
      replicas: replicasOf(queue.brokerName, cache, switchboard),
      mayStandIn: permit?.kind !== 'lock',
      now: () => clock.now(),
      onChanged: change => tell({ type: 'target.changed', queue, ...change }),
      onMasterMissed: () => this.#masterSearch.want(),
    });
    this.#targets.set(queueKey(queue), target);
    return target;
  }

  #pullCalls(queue: MessageQueue, watch: QueueFigures, target: PullTarget): PullCalls {
    const { config, namespace, clock, clocks, subscriptions, told } = this.#around;
    return new PullCalls({
      queue,
      consumerGroup: config.consumerGroup,
      namespace,
      clock,
      batchSize: config.pullBatchSize,
      suspendMs: config.brokerSuspendMaxTimeMillis,
      timeoutMs: config.consumerTimeoutMillisWhenSuspend,
      maxBodySize: config.maxBodySizeBytes,
      replica: () => target.next(),
      onSuggested: (from, brokerId) => target.suggested(from, brokerId),
      storedJustNow: at => clocks.noteStored(queue.brokerName, at),
      subVersion: address => told.upTo(subscriptions.pullVersion(queue.topic), queue.topic, address),
      expressionType: () => subscriptions.pullType(queue.topic),
      tags: () => subscriptions.filterOf(queue.topic),
      watch,
      tally: this.#around.pulls,
    });
  }

  async #resolveStart(queue: MessageQueue, round: number, signal: AbortSignal): Promise<StartPlace> {
    const { config, cache, origins, former, positions, store } = this.#around;
    const start = await positions.resolve({
      queue,
      round,
      consumeFromWhere: config.consumeFromWhere,
      consumeTimestamp: config.consumeTimestamp,
      appearedAfterStart: origins.appearedLater(queue),
      isFormer: committed => former.isFormer(queue, committed),
      siblings: cache.queuesOf(queue.topic) ?? [],
      signal,
    });
    signal.throwIfAborted(); // given up in this very turn: the queue may belong to somebody else by now
    if (start.mustCommit) {
      store.updateOffset(queue, start.offset, false);
      await store.persist(queue, { signal });
    }
    former.forget(queue);
    return { offset: start.offset, stored: true };
  }

  /** Never below what the next owner may have committed meanwhile. */
  async #commitFinal(
    queue: MessageQueue,
    line: CommitLine,
    options: { readonly timeoutMs: number; readonly signal: AbortSignal },
  ): Promise<void> {
    const { point: offset } = line;
    if (offset === undefined) return;
    const { store, tell } = this.#around;
    try {
      if ((await store.confirm(queue, options)) === 'stored') return;
      tell({ type: 'offsets.persisted', committed: [{ queue, offset }] });
    } catch (thrown) {
      const error = toRocketmqError(thrown);
      tell({ type: 'offsets.failed', error, uncommitted: [{ queue, offset, error }] });
      throw error;
    }
  }

  #release(work: OwnedQueue<MessageExt>): void {
    this.#around.store.removeOffset(work.queue);
    if (this.#owned.get(work.key) !== work) return;
    this.#owned.delete(work.key);
    this.#lines.delete(work.key);
    this.#permits.delete(work.key);
    this.#shown.delete(work.key);
    this.#targets.delete(work.key);
  }
}
