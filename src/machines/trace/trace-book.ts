// SPDX-License-Identifier: Apache-2.0
/**
 * What is there to tell of listener calls, and is there room for more? A hook of every call; plain code: two short texts a
 * message, no event, no timer. Source: ConsumeMessageTraceHookImpl.
 */
import type { ConsumeCall, ConsumeEnd, ConsumeHook } from '../../listeners/consume-hook.ts';
import type { MessageExt } from '../../model/message.ts';
import { propertyNames } from '../../protocol/properties.ts';
import { subAfter, subBefore } from '../../protocol/trace-text.ts';
import type { TraceBatch } from './trace.types.ts';

/** Most texts that wait: those of some thousand messages. */
const capacity = 10_000;
/** As Java's trace producer sends at most. Unit: characters. */
const maxText = 128_000;
/** They travel as a property, all of which must fit into 32,767 bytes. Unit: characters. */
const maxKeys = 8000;
/** Of one message; one with more is found by its id only. Unit: characters. */
const maxOwnKeys = 2000;
/** From one word on lost traces to the next. Unit: ms. */
const tellPause = 60_000;

interface Trace {
  readonly text: string;
  readonly msgId: string;
  readonly keys: string;
}

interface Begun {
  readonly requestId: string;
  readonly messages: readonly MessageExt[];
}

export interface TraceBookOptions {
  readonly nextId: () => string;
  readonly wallNow: () => number;
  /** Monotonic ms. */
  readonly now: () => number;
}

export class TraceBook implements ConsumeHook {
  readonly name = 'message trace';
  readonly #options: TraceBookOptions;
  readonly #begun = new WeakMap<ConsumeCall, Begun>();
  readonly #ended = new Set<() => void>();
  #waiting: Trace[] = [];
  #lost = 0;
  #toldAt = Number.NEGATIVE_INFINITY;

  constructor(options: TraceBookOptions) {
    this.#options = options;
  }

  get isEmpty(): boolean {
    return this.#waiting.length === 0;
  }

  before = (call: ConsumeCall): void => {
    const messages = call.messages.filter(isTraced);
    if (messages.length === 0) return;
    const requestId = this.#options.nextId();
    this.#begun.set(call, { requestId, messages });
    const at = this.#options.wallNow();
    for (const message of messages) {
      const { msgId, keys, properties, reconsumeTimes: retryTimes } = message;
      const regionId = properties.get(propertyNames.msgRegion) ?? '';
      const traced = { msgId, keys: keys.join(' '), regionId, retryTimes, at };
      this.#note(traced, subBefore({ ...traced, requestId, consumerGroup: call.consumerGroup }));
    }
  };

  after = (call: ConsumeCall, { outcome, success, durationMs }: ConsumeEnd): void => {
    const begun = this.#begun.get(call);
    if (begun === undefined) return;
    const { requestId, messages } = begun;
    const costMs = Math.floor(durationMs / call.messages.length);
    const at = this.#options.wallNow();
    for (const { msgId, keys } of messages) {
      const traced = { msgId, keys: keys.join(' '), costMs, success, outcome, at };
      this.#note(traced, subAfter({ ...traced, requestId, consumerGroup: call.consumerGroup }));
    }
  };

  /** The oldest, as many as one message may hold; undefined when none wait. */
  take(): TraceBatch | undefined {
    const words = new Set<string>();
    let length = 0;
    let keysLength = 0;
    let count = 0;
    for (const { text, msgId, keys } of this.#waiting) {
      const own = [msgId, ...(keys.length > maxOwnKeys ? [] : keys.split(' '))];
      const added = own.filter(word => word !== '' && !words.has(word));
      const more = added.reduce((sum, word) => sum + word.length + 1, 0);
      if (count > 0 && (length + text.length > maxText || keysLength + more > maxKeys)) break;
      for (const word of added) words.add(word);
      length += text.length;
      keysLength += more;
      count += 1;
    }
    if (count === 0) return undefined;
    const taken = this.#waiting.slice(0, count);
    this.#waiting = this.#waiting.slice(count);
    return { text: taken.map(({ text }) => text).join(''), keys: [...words].join(' '), count };
  }

  noteLost(count: number): void {
    this.#lost += count;
  }

  takeLost(): number {
    const now = this.#options.now();
    if (this.#lost === 0 || now - this.#toldAt < tellPause) return 0;
    const lost = this.#lost;
    this.#lost = 0;
    this.#toldAt = now;
    return lost;
  }

  noteEnd(): void {
    for (const ended of [...this.#ended]) ended();
  }

  /** Calls once, when all are out or cannot be sent. Returns a function that takes it back. */
  onceEnded(fn: () => void): () => void {
    const ended = (): void => {
      this.#ended.delete(ended);
      fn();
    };
    this.#ended.add(ended);
    return () => this.#ended.delete(ended);
  }

  #note({ msgId, keys }: { readonly msgId: string; readonly keys: string }, text: string): void {
    if (this.#waiting.length >= capacity) this.#lost += 1;
    else this.#waiting.push({ text, msgId, keys });
  }
}

/** A broker can switch it off for what it stores. */
function isTraced({ properties }: MessageExt): boolean {
  return properties.get(propertyNames.traceOn) !== 'false';
}
