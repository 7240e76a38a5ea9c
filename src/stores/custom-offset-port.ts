// SPDX-License-Identifier: Apache-2.0
/** How is a user's own offset store called, so that it can neither throw into the consumer nor hold it up? */
import type { CustomOffsetStore, OffsetStoreContext, StoredOffset } from '../config/custom-offset-store.ts';
import { ConsumerError, type RocketmqError, toError } from '../errors/errors.ts';
import type { Clock } from '../model/clock.ts';
import { type MessageQueue, queueKey } from '../model/message-queue.ts';
import { type QueueOffset, queueOffset } from '../model/queue-offset.ts';
import type { CallOptions } from './offset-store.ts';
import type { RemoteOffsetPort } from './remote-offset-store.ts';
import { within } from './wait-for.ts';

export interface CustomOffsetPortOptions {
  readonly store: CustomOffsetStore;
  readonly consumerGroup: string;
  readonly clientId: string;
  readonly clock: Clock;
  /** For a call that brings none of its own. Unit: ms. */
  readonly timeoutMs: number;
  /** Hears what `close` throws. */
  readonly onFault: (error: RocketmqError) => void;
}

/** Writes of one turn that go to the store together. */
interface Batch {
  readonly positions: StoredOffset[];
  readonly written: Promise<void>;
}

/** Every call is bounded, and fails with ConsumerError `RMQ_OFFSET_STORE_FAILED`. It has no one-way writes. */
export class CustomOffsetPort implements RemoteOffsetPort {
  readonly #options: CustomOffsetPortOptions;
  #batch: Batch | undefined;

  constructor(options: CustomOffsetPortOptions) {
    this.#options = options;
  }

  async load(): Promise<void> {
    const { store, consumerGroup } = this.#options;
    await this.#bounded(`loading the offsets of ${consumerGroup}`, {}, context => store.load?.(context));
  }

  async query(queue: MessageQueue, options: CallOptions): Promise<QueueOffset | undefined> {
    const what = `reading the offset of ${queueKey(queue)}`;
    const answer: unknown = await this.#bounded(what, options, context =>
      this.#options.store.read(queue, context),
    );
    if (answer === undefined || answer === null) return undefined;
    try {
      return queueOffset(Number(typeof answer === 'number' ? answer : Number.NaN));
    } catch (cause) {
      throw failed(what, `it answered ${typeof answer === 'number' ? answer : typeof answer}`, cause);
    }
  }

  update(queue: MessageQueue, offset: QueueOffset, options: CallOptions): Promise<void> {
    this.#batch ??= this.#begin(options);
    const { positions, written } = this.#batch;
    positions.push({ queue, offset });
    return written;
  }

  /** Never rejects; what goes wrong is told. */
  close(): void {
    const { store, onFault } = this.#options;
    const report = (thrown: unknown): void => onFault(failed('closing', toError(thrown).message, thrown));
    void callLater(() => store.close?.()).catch(report);
  }

  /** The batch takes what comes in this turn, and goes out at its end. */
  #begin(options: CallOptions): Batch {
    const positions: StoredOffset[] = [];
    const written = this.#bounded('writing offsets', options, context => {
      this.#batch = undefined;
      return this.#options.store.write(positions, context);
    });
    return { positions, written };
  }

  async #bounded<T>(
    what: string,
    { timeoutMs = this.#options.timeoutMs, signal }: CallOptions,
    call: (context: OffsetStoreContext) => T | PromiseLike<T>,
  ): Promise<T> {
    const { clock, consumerGroup, clientId } = this.#options;
    const limit = new AbortController();
    const deadline = clock.now() + ownLimit(timeoutMs);
    const work = callLater(() => call({ consumerGroup, clientId, signal: limit.signal }));
    const tooLate = (): Error => {
      const why = signal?.aborted === true ? 'the wait was given up' : `no answer within ${timeoutMs} ms`;
      limit.abort(failed(what, why, undefined));
      return toError(limit.signal.reason);
    };
    try {
      return await within(work, { clock, deadline, signal, tooLate });
    } catch (thrown) {
      if (thrown === limit.signal.reason) throw thrown;
      throw failed(what, toError(thrown).message, thrown);
    }
  }
}

/** A little less than the caller has, so that the caller hears what it was about. Unit: ms. */
function ownLimit(timeoutMs: number): number {
  return timeoutMs - Math.min(100, timeoutMs / 10);
}

/** At the end of this turn. */
async function callLater<T>(call: () => T | PromiseLike<T>): Promise<T> {
  await Promise.resolve();
  return call();
}

function failed(what: string, why: string, cause: unknown): RocketmqError {
  const message = `${what} by the offset store of the config failed: ${why}`;
  return new ConsumerError('RMQ_OFFSET_STORE_FAILED', message, cause === undefined ? {} : { cause });
}
