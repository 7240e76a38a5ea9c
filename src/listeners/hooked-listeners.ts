// SPDX-License-Identifier: Apache-2.0
/** How do hooks see every listener call without the dispatchers knowing of them? Without hooks no listener is touched. */
import { ConsumerError, type RocketmqError, toError } from '../errors/errors.ts';
import { queueKey } from '../model/message-queue.ts';
import type { ConsumeCall, ConsumeEnd, ConsumeHook, ConsumeOutcome } from './consume-hook.ts';
import { letGo } from './let-go.ts';
import type {
  ConcurrentListener,
  ConsumeReturn,
  DeliveryContext,
  Listener,
  MessageBatch,
  OrderlyContext,
  OrderlyListener,
  OrderlyReturn,
} from './listener.ts';
import {
  isThenable,
  type OrderlyVerdict,
  orderlyVerdictOf,
  toPromise,
  type Verdict,
  verdictOf,
} from './outcome.ts';

export interface HookedOptions {
  readonly consumerGroup: string;
  /** When a call counts as timed out. Unit: ms. */
  readonly consumeTimeoutMs: number;
  /** Monotonic ms. */
  readonly now: () => number;
  /** Hears of hooks that failed. */
  readonly onFault: (error: RocketmqError) => void;
}

/** From one fault of a hook to the next. Unit: ms. */
const faultPause = 60_000;

type Word = Exclude<ConsumeOutcome, 'TIME_OUT'>;

export class HookedListeners {
  readonly #hooks: readonly ConsumeHook[];
  readonly #options: HookedOptions;
  readonly #made = new WeakMap<Listener, Listener>();
  readonly #toldAt = new Map<ConsumeHook, number>();

  constructor(hooks: readonly ConsumeHook[], options: HookedOptions) {
    this.#hooks = hooks;
    this.#options = options;
  }

  /** There are no hooks: no listener need be asked for here. */
  get isIdle(): boolean {
    return this.#hooks.length === 0;
  }

  /** Made once for each listener. */
  of(listener: Listener): Listener {
    const known = this.#made.get(listener);
    if (known !== undefined) return known;
    const made = listener.kind === 'orderly' ? this.#orderly(listener) : this.#concurrent(listener);
    this.#made.set(listener, made);
    return made;
  }

  #concurrent(listener: ConcurrentListener): ConcurrentListener {
    // what was let go nobody looked at: it comes again
    const wordOf = (answer: unknown): Word => (answer === letGo ? 'FAILED' : words[verdictOf(answer)]);
    return {
      ...listener,
      consume: (messages, context) =>
        // what the listener answers is handed on as it is
        this.#called(messages, context, () => listener.consume(messages, context), wordOf) as ConsumeReturn,
    };
  }

  #orderly(listener: OrderlyListener): OrderlyListener {
    const wordOf = (answer: unknown, context: OrderlyContext): Word =>
      words[orderlyVerdictOf(answer, context)];
    return {
      ...listener,
      consume: (messages, context) =>
        this.#called(
          messages,
          context,
          () => listener.consume(messages, context),
          answer => wordOf(answer, context),
        ) as OrderlyReturn, // as above
    };
  }

  #called(
    messages: MessageBatch,
    context: DeliveryContext,
    consume: () => unknown,
    wordOf: (answer: unknown) => Word,
  ): unknown {
    const { consumerGroup, now } = this.#options;
    const call: ConsumeCall = { consumerGroup, queue: context.queue, messages, context };
    const since = now();
    const answered = (answer: unknown): unknown => {
      this.#after(call, since, wordOf(answer), undefined);
      return answer;
    };
    const failed = (thrown: unknown): never => {
      this.#after(call, since, 'EXCEPTION', thrown);
      throw thrown;
    };
    for (const hook of this.#hooks) this.#run(hook, 'before', call, () => hook.before?.(call));
    let answer: unknown;
    let later: Promise<unknown> | undefined;
    try {
      answer = consume();
      later = isThenable(answer) ? toPromise(answer) : undefined;
    } catch (thrown) {
      return failed(thrown);
    }
    return later === undefined ? answered(answer) : later.then(answered, failed);
  }

  #after(call: ConsumeCall, since: number, word: Word, error: unknown): void {
    const durationMs = this.#options.now() - since;
    const isLate = durationMs >= this.#options.consumeTimeoutMs && (word === 'SUCCESS' || word === 'FAILED');
    const outcome = isLate ? 'TIME_OUT' : word;
    // A late concurrent call was given up, and its messages sent back; a late orderly one counts.
    const success =
      word === 'SUCCESS' && !(isLate && call.context.signal.aborted && !isOrderly(call.context));
    const end: ConsumeEnd = { outcome, success, error, durationMs };
    for (const hook of this.#hooks) this.#run(hook, 'after', call, () => hook.after?.(call, end));
  }

  #run(hook: ConsumeHook, which: 'before' | 'after', call: ConsumeCall, run: () => unknown): void {
    try {
      const answer = run();
      if (isThenable(answer)) {
        toPromise(answer).then(undefined, thrown => this.#tell(hook, which, call, thrown));
      }
    } catch (thrown) {
      this.#tell(hook, which, call, thrown);
    }
  }

  #tell(hook: ConsumeHook, which: string, { queue }: ConsumeCall, thrown: unknown): void {
    const now = this.#options.now();
    if (now - (this.#toldAt.get(hook) ?? Number.NEGATIVE_INFINITY) < faultPause) return;
    this.#toldAt.set(hook, now);
    const name = hook.name ?? `[${this.#hooks.indexOf(hook)}]`;
    const key = queueKey(queue);
    const message = `${which} of consumeHooks ${name} threw for ${key}: ${toError(thrown).message}`;
    this.#options.onFault(
      new ConsumerError('RMQ_HOOK_FAILED', message, { cause: thrown, context: { queue: key, hook: name } }),
    );
  }
}

const words: Readonly<Record<Verdict | OrderlyVerdict, Word>> = {
  ...{ done: 'SUCCESS', commit: 'SUCCESS', keep: 'SUCCESS' },
  ...{ later: 'FAILED', rollback: 'FAILED', notAResult: 'RETURNNULL' },
};

function isOrderly(context: DeliveryContext): boolean {
  return 'suspendTimeMillis' in context;
}
