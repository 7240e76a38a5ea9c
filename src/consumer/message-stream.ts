// SPDX-License-Identifier: Apache-2.0
/** How does `for await (const message of consumer.messages())` begin, go on and end? */
import type { ReceivedMessage } from './received-message.ts';

/** What a loop reads from. */
export interface ReadingPort {
  /** @throws ConsumerError `RMQ_ALREADY_READING` when another loop has begun and not ended */
  begin(loop: MessageStream): void;
  /** The next message; undefined when the consumer stops. */
  take(): Promise<ReceivedMessage | undefined>;
  readonly isAwaited: boolean;
  /** Left by break, return or throw: what was not ended goes back. `reason`: for whoever waits. */
  leave(reason?: { readonly of: unknown }): void;
  /** Nothing more will come; what was seen may still be ended. */
  end(): void;
}

type Result = IteratorResult<ReceivedMessage, undefined>;

const over: Result = { done: true, value: undefined };

/** It begins with the first `next()`, as a generator does, and ends once. */
export class MessageStream implements AsyncIterableIterator<ReceivedMessage, undefined, undefined> {
  readonly #port: ReadingPort;
  readonly #signal: AbortSignal | undefined;
  #state: 'new' | 'reading' | 'ended' = 'new';

  constructor(port: ReadingPort, signal: AbortSignal | undefined) {
    this.#port = port;
    this.#signal = signal;
  }

  async next(): Promise<Result> {
    if (this.#state === 'ended') return over;
    if (this.#signal?.aborted === true) {
      this.#leave();
      throw this.#signal.reason;
    }
    if (this.#state === 'new') this.#begin();
    try {
      const value = await this.#port.take();
      if (value !== undefined && this.#isReading) return { done: false, value };
      this.#end();
      return over;
    } catch (error) {
      this.#end();
      throw error;
    }
  }

  /** Called by `break`, `return` and whatever is thrown in the loop. */
  return(): Promise<Result> {
    this.#leave();
    return Promise.resolve(over);
  }

  throw(error?: unknown): Promise<Result> {
    this.#leave();
    return Promise.reject(error);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }

  /** Not when it was left meanwhile: what it was about to get has been sent back. */
  get #isReading(): boolean {
    return this.#state === 'reading';
  }

  #begin(): void {
    this.#port.begin(this);
    this.#state = 'reading';
    this.#signal?.addEventListener('abort', this.#onAbort);
  }

  /** In the middle of a turn of the loop it is left with the next one: what it has in hand may still be ended. */
  readonly #onAbort = (): void => {
    if (this.#port.isAwaited) this.#leave({ of: this.#signal?.reason });
  };

  #leave(reason?: { readonly of: unknown }): void {
    if (this.#close()) this.#port.leave(reason);
  }

  #end(): void {
    if (this.#close()) this.#port.end();
  }

  /** True when it was reading. */
  #close(): boolean {
    const wasReading = this.#state === 'reading';
    this.#state = 'ended';
    this.#signal?.removeEventListener('abort', this.#onAbort);
    return wasReading;
  }
}
