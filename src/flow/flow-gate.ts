// SPDX-License-Identifier: Apache-2.0
/**
 * May this queue pull more, and if not, why? Counters are shared by reference and asked on the pull path;
 * a queue that was refused is called back once, when there is room again.
 */
import { FlowPool, type RoomWaiter } from './flow-pool.ts';
import type { RateLimit } from './rate-limit.ts';

/**
 * What a queue waits for: that its own messages become fewer, smaller, or lie closer together; that the broker gets what is
 * done of it; that the queues of its topic, or all queues, hold less; or that its messages may start (maxMessagesPerSecond).
 */
export type ThrottleCause =
  | 'countOfQueue'
  | 'sizeOfQueue'
  | 'spanOfQueue'
  | 'uncommittedOfQueue'
  | 'countOfTopic'
  | 'sizeOfTopic'
  | 'countOfAll'
  | 'sizeOfAll'
  | 'rate';

/**
 * Unit: messages, bytes of frames kept in memory, and offsets for `span` and `uncommitted`. A queue is closed when a figure
 * is above its limit. A limit that is not there limits nothing. Source: ProcessQueue, DefaultMQPushConsumerImpl.pullMessage.
 */
export interface FlowLimits {
  readonly countOfQueue: number;
  readonly bytesOfQueue: number;
  readonly spanOfQueue: number;
  readonly uncommittedOfQueue?: number;
  readonly countOfTopic?: number;
  readonly bytesOfTopic?: number;
  readonly countOfAll: number;
  readonly bytesOfAll: number;
}

/** What one queue holds at the moment. */
export interface FlowFigures {
  readonly count: number;
  readonly bytes: number;
  readonly span: number;
  /** Messages that no listener has yet. */
  readonly waitingCount: number;
  /** Whether more than so many offsets are pulled that the broker will not have as committed, also when one more pull is written. */
  isUncommittedBeyond(offsets: number): boolean;
}

/** Received, not yet admitted. */
interface Arriving {
  readonly count: number;
  readonly bytes: number;
}

/** What all queues of a consumer share: the limits, what they hold together, by topic too, and the rate. */
export class SharedFlow {
  readonly limits: Required<FlowLimits>;
  readonly rate: RateLimit | undefined;
  readonly all: FlowPool;
  readonly #topics = new Map<string, FlowPool>();

  constructor(limits: FlowLimits, rate?: RateLimit) {
    this.limits = {
      uncommittedOfQueue: Number.POSITIVE_INFINITY,
      countOfTopic: Number.POSITIVE_INFINITY,
      bytesOfTopic: Number.POSITIVE_INFINITY,
      ...limits,
    };
    this.rate = rate;
    this.all = new FlowPool({ count: limits.countOfAll, bytes: limits.bytesOfAll });
  }

  get count(): number {
    return this.all.count;
  }

  get bytes(): number {
    return this.all.bytes;
  }

  /** What this consumer's queues of the topic hold together; undefined when that is not limited, and hence not counted. */
  topic(name: string): FlowPool | undefined {
    const { countOfTopic, bytesOfTopic } = this.limits;
    if (Math.min(countOfTopic, bytesOfTopic) === Number.POSITIVE_INFINITY) return undefined;
    const known = this.#topics.get(name);
    if (known !== undefined) return known;
    const pool = new FlowPool({ count: countOfTopic, bytes: bytesOfTopic });
    this.#topics.set(name, pool);
    return pool;
  }
}

/**
 * One queue's view of the limits. Waiting, it stands with whatever has no room: with its topic, with all queues, or alone,
 * so that a finished message asks only those who may gain by it.
 */
export class FlowGate implements RoomWaiter {
  readonly #figures: FlowFigures;
  readonly #shared: SharedFlow;
  readonly #topic: FlowPool | undefined;
  #onOpen: (() => void) | undefined;
  #awaits: ThrottleCause | undefined;
  /** Where it waits; undefined: alone, or not at all. */
  #pool: FlowPool | undefined;

  constructor(figures: FlowFigures, shared: SharedFlow, topic: string) {
    this.#figures = figures;
    this.#shared = shared;
    this.#topic = shared.topic(topic);
  }

  /** Waits for messages of this queue to be started. */
  get awaitsStart(): boolean {
    return this.#awaits === 'rate';
  }

  /** Why no further batch may be pulled, or undefined when it may. */
  cause(arriving: Arriving = nothing): ThrottleCause | undefined {
    return this.#causeOfQueue(arriving) ?? this.#causeOfMany(arriving) ?? this.#causeOfRate(arriving);
  }

  /** Asks for one call when there is room again. */
  whenOpen(callback: () => void): void {
    this.#onOpen = callback;
    this.#standWith(this.cause());
  }

  /** The call is no longer wanted. */
  forget(): void {
    this.#onOpen = undefined;
    this.#standWith(undefined);
  }

  add(count: number, bytes: number): void {
    this.#shared.all.add(count, bytes);
    this.#topic?.add(count, bytes);
  }

  /** Gives room back and calls those that waited for it. */
  release(count: number, bytes: number): void {
    const { all } = this.#shared;
    const isAlone = this.#onOpen !== undefined && this.#pool === undefined;
    all.release(count, bytes);
    this.#topic?.release(count, bytes);
    if (this.#topic?.hasWaiting === true) this.#topic.wake();
    if (all.hasWaiting) all.wake();
    if (isAlone) this.recheck();
  }

  roomGiven(): void {
    this.#pool = undefined;
    this.recheck();
  }

  /** Something changed that room is not all of: is there still something to wait for? */
  recheck(): void {
    const callback = this.#onOpen;
    if (callback === undefined) return;
    const cause = this.cause();
    this.#standWith(cause);
    if (cause !== undefined) return;
    this.#onOpen = undefined;
    callback();
  }

  #causeOfQueue({ count, bytes }: Arriving): ThrottleCause | undefined {
    const { limits } = this.#shared;
    const queue = this.#figures;
    if (queue.count + count > limits.countOfQueue) return 'countOfQueue';
    if (queue.bytes + bytes > limits.bytesOfQueue) return 'sizeOfQueue';
    if (queue.span > limits.spanOfQueue) return 'spanOfQueue';
    return queue.isUncommittedBeyond(limits.uncommittedOfQueue) ? 'uncommittedOfQueue' : undefined;
  }

  #causeOfMany(arriving: Arriving): ThrottleCause | undefined {
    const ofTopic = this.#topic?.passed(arriving);
    if (ofTopic !== undefined) return ofTopic === 'count' ? 'countOfTopic' : 'sizeOfTopic';
    const ofAll = this.#shared.all.passed(arriving);
    if (ofAll === undefined) return undefined;
    return ofAll === 'count' ? 'countOfAll' : 'sizeOfAll';
  }

  /** A burst's worth is kept ready, so that a slow broker does not slow the listeners; half of it, before the queue is pulled again. */
  #causeOfRate({ count }: Arriving): ThrottleCause | undefined {
    const { rate } = this.#shared;
    if (rate === undefined) return undefined;
    const enough = this.awaitsStart ? rate.burst / 2 : rate.burst;
    return rate.isAwaited && this.#figures.waitingCount + count >= enough ? 'rate' : undefined;
  }

  #standWith(cause: ThrottleCause | undefined): void {
    this.#awaits = cause;
    const pool = this.#poolOf(cause);
    if (pool === this.#pool) return;
    this.#pool?.forget(this);
    this.#pool = pool;
    pool?.wait(this);
  }

  #poolOf(cause: ThrottleCause | undefined): FlowPool | undefined {
    if (cause === 'countOfTopic' || cause === 'sizeOfTopic') return this.#topic;
    return cause === 'countOfAll' || cause === 'sizeOfAll' ? this.#shared.all : undefined;
  }
}

const nothing: Arriving = { count: 0, bytes: 0 };
