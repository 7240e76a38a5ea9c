// SPDX-License-Identifier: Apache-2.0
/** At which offset does a queue start? design.md G5: what the broker knows, never a guess. */
import type { ConsumeFromWhere } from '../config/closed-sets.ts';
import { isForbidden } from '../errors/access.ts';
import { ConsumerError, RocketmqError, toError, toRocketmqError } from '../errors/errors.ts';
import { assertNever } from '../model/assert-never.ts';
import type { Clock } from '../model/clock.ts';
import { type MessageQueue, queueKey, sameQueue } from '../model/message-queue.ts';
import { isRetryTopic } from '../model/names.ts';
import { type QueueOffset, zeroOffset } from '../model/queue-offset.ts';
import type { CallOptions } from './offset-store.ts';

/** What is asked of brokers. Every call rejects with a RocketmqError when there is no certain answer. */
export interface StartPort {
  /** Request 14 with setZeroIfNotFound=false; `undefined` only on 22. */
  queryOffset(queue: MessageQueue, options: CallOptions): Promise<QueueOffset | undefined>;
  /** Request 31. */
  minOffset(queue: MessageQueue, options: CallOptions): Promise<QueueOffset>;
  /** Request 30: the offset the next message will get. */
  maxOffset(queue: MessageQueue, options: CallOptions): Promise<QueueOffset>;
  /** Request 29: the first message stored at or after `timestamp` (ms since 1970). */
  searchOffset(queue: MessageQueue, timestamp: number, options: CallOptions): Promise<QueueOffset>;
}

export interface StartRequest extends CallOptions {
  readonly queue: MessageQueue;
  readonly consumeFromWhere: ConsumeFromWhere;
  /** For CONSUME_FROM_TIMESTAMP. Unit: ms since 1970. */
  readonly consumeTimestamp: number;
  /** The queue was not in the first route seen of a topic after start or subscribe: all of it is unread. */
  readonly appearedAfterStart: boolean;
  /** Whether a committed offset is one of a deleted topic of the same name. Default: none is. */
  readonly isFormer?: (committed: QueueOffset) => boolean;
  /** All queues of the topic; the queue itself may be among them. */
  readonly siblings: readonly MessageQueue[];
  /**
   * Number of the assignment round that brought the queue. All queues of one round share one look at the topic:
   * else the start committed for the first of them would make the group look known to the topic for the second.
   */
  readonly round: number;
}

/** Where a queue starts, and why. */
export interface StartPosition {
  readonly offset: QueueOffset;
  readonly source: 'committed' | 'min' | 'max' | 'timestamp' | 'zero';
  /** Not stored yet: commit it by an answered 15 before the first pull. */
  readonly mustCommit: boolean;
}

/** Queues asked side by side when looking at a topic. */
const lookWidth = 32;
/**
 * How long the queues of a round share a look; long enough to wait for a hand-over. A queue that starts later looks
 * again, finds the others' commits and starts at its min: it may repeat a backlog, but loses nothing. Unit: ms.
 */
const lookLifetime = 60_000;

interface Look {
  readonly answer: Promise<boolean>;
  readonly at: number;
}

/**
 * Finds out where queues start. Keep one for the life of a consumer.
 * @example
 * const start = await positions.resolve({ queue, consumeFromWhere, consumeTimestamp, appearedAfterStart, siblings, round });
 * line.reset(start.offset, !start.mustCommit);
 * if (start.mustCommit) await store.persist(queue);
 */
export class StartPositions {
  readonly #port: StartPort;
  readonly #clock: Clock;
  readonly #looks = new Map<string, Look>();

  constructor(port: StartPort, clock: Clock) {
    this.#port = port;
    this.#clock = clock;
  }

  /**
   * Source: RebalancePushImpl.computePullFromWhere, with the differences of design.md G5.
   * @throws RocketmqError `RMQ_OFFSET_UNKNOWN` when a question was not answered: the queue waits and asks again;
   * `RMQ_TOPIC_FORBIDDEN`, `RMQ_GROUP_FORBIDDEN`, `RMQ_AUTHENTICATION_FAILED` or `RMQ_NO_PERMISSION` when the broker
   * refuses to answer: for an offset by time (29) ACL 2.0 wants the right GET on the topic, which `context.right` says then
   */
  async resolve(request: StartRequest): Promise<StartPosition> {
    const { queue } = request;
    const options = callOptions(request);
    const committed = await asked(queue, 'the committed offset', () =>
      this.#port.queryOffset(queue, options),
    );
    const isFormer = committed !== undefined && request.isFormer?.(committed) === true;
    if (committed !== undefined && !isFormer)
      return { offset: committed, source: 'committed', mustCommit: false };
    if (isRetryTopic(queue.topic)) return { offset: zeroOffset, source: 'zero', mustCommit: true };
    if (isFormer || request.appearedAfterStart || (await this.#isGroupKnown(request, options)))
      return this.#min(queue, options);
    return this.#byConfig(request, options);
  }

  #byConfig(request: StartRequest, options: CallOptions): Promise<StartPosition> {
    const { queue, consumeTimestamp } = request;
    switch (request.consumeFromWhere) {
      case 'CONSUME_FROM_LAST_OFFSET':
        return found(queue, 'max', 'the max offset', () => this.#port.maxOffset(queue, options));
      case 'CONSUME_FROM_FIRST_OFFSET':
        return this.#min(queue, options);
      case 'CONSUME_FROM_TIMESTAMP': {
        const what = `the offset at ${new Date(consumeTimestamp).toISOString()}`;
        return found(
          queue,
          'timestamp',
          what,
          () => this.#port.searchOffset(queue, consumeTimestamp, options),
          'GET',
        );
      }
      default:
        return assertNever(request.consumeFromWhere);
    }
  }

  #min(queue: MessageQueue, options: CallOptions): Promise<StartPosition> {
    return found(queue, 'min', 'the min offset', () => this.#port.minOffset(queue, options));
  }

  /** Has this group a committed offset on any other queue of the topic? A look that failed is not remembered. */
  #isGroupKnown({ queue, siblings, round }: StartRequest, options: CallOptions): Promise<boolean> {
    this.#forgetOldLooks();
    const key = `${round} ${queue.topic}`;
    const known = this.#looks.get(key);
    if (known !== undefined) return known.answer;
    const others = siblings.filter(sibling => !sameQueue(sibling, queue));
    const answer = this.#look(others, callOptions({ timeoutMs: options.timeoutMs })); // shared: no caller's signal ends it
    this.#looks.set(key, { answer, at: this.#clock.now() });
    answer.catch(() => this.#looks.delete(key));
    return answer;
  }

  #forgetOldLooks(): void {
    for (const [key, { at }] of this.#looks)
      if (this.#clock.now() - at > lookLifetime) this.#looks.delete(key);
  }

  /** One committed offset decides, also when another queue could not be asked; none decides only when all answered. */
  async #look(queues: readonly MessageQueue[], options: CallOptions): Promise<boolean> {
    const failures: RocketmqError[] = [];
    for (let from = 0; from < queues.length; from += lookWidth) {
      const answers = await Promise.allSettled(
        queues
          .slice(from, from + lookWidth)
          .map(queue => asked(queue, 'the committed offset', () => this.#port.queryOffset(queue, options))),
      );
      if (answers.some(answer => answer.status === 'fulfilled' && answer.value !== undefined)) return true;
      for (const answer of answers)
        if (answer.status === 'rejected') failures.push(toRocketmqError(answer.reason));
    }
    const [failure] = failures;
    if (failure !== undefined) throw failure;
    return false;
  }
}

function callOptions({
  timeoutMs,
  signal,
}: { readonly [Key in keyof CallOptions]: CallOptions[Key] | undefined }): CallOptions {
  return { ...(timeoutMs === undefined ? {} : { timeoutMs }), ...(signal === undefined ? {} : { signal }) };
}

async function found(
  queue: MessageQueue,
  source: StartPosition['source'],
  what: string,
  ask: () => Promise<QueueOffset>,
  right?: string,
): Promise<StartPosition> {
  return { offset: await asked(queue, what, ask, right), source, mustCommit: true };
}

/**
 * A question to the broker: no answer becomes RMQ_OFFSET_UNKNOWN, a refusal keeps its code.
 * @param right what the user needs on the topic beyond consuming it
 */
async function asked<T>(
  queue: MessageQueue,
  what: string,
  ask: () => Promise<T>,
  right?: string,
): Promise<T> {
  try {
    return await ask();
  } catch (cause) {
    const context = { queue: queueKey(queue) };
    const reason = toError(cause).message;
    if (cause instanceof RocketmqError && isForbidden(cause)) {
      const needs =
        right === undefined ? '' : `. With ACL 2.0 this needs the right ${right} on topic ${queue.topic}`;
      const message = `${what} of ${queueKey(queue)} may not be asked: ${reason.replace(/\.$/, '')}${needs}`;
      throw new ConsumerError(cause.code, message, {
        cause,
        context: { ...context, topic: queue.topic, right },
      });
    }
    const message = `where ${queueKey(queue)} starts is unknown: ${what} was not answered: ${reason}`;
    throw new ConsumerError('RMQ_OFFSET_UNKNOWN', message, { cause, context });
  }
}
