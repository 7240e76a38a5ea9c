// SPDX-License-Identifier: Apache-2.0
/**
 * Where do messages wait for the loop of `messages()`, and what becomes of those it does not end? A desk between listener
 * calls and the reader: each message on it is a running listener call, so consumeConcurrency bounds what is on it.
 */
import { letGo } from '../listeners/let-go.ts';
import {
  type ConcurrentListener,
  type ConsumeContext,
  type ConsumeReturn,
  simple,
} from '../listeners/listener.ts';
import { ConsumeResult } from '../model/consume-result.ts';
import type { MessageExt } from '../model/message.ts';
import { type MessageQueue, sameQueue } from '../model/message-queue.ts';
import { DeliveredMessage, type ReceivedMessage } from './received-message.ts';

type Answer = ConsumeResult | typeof letGo;

/** One running listener call. */
interface Handed {
  readonly message: MessageExt;
  readonly context: ConsumeContext;
  readonly answer: (answer: Answer) => void;
}

/** A reader that found the line empty. */
interface Taker {
  readonly resolve: (message: ReceivedMessage | undefined) => void;
  readonly reject: (reason: unknown) => void;
}

type Desk =
  | { readonly is: 'open' }
  /** Nothing more is handed out. `error`: told once to whoever takes next, or waits. */
  | { readonly is: 'closed'; error: Error | undefined };

export class MessageDesk {
  /** Given to the consumer as its listener. */
  readonly listener: ConcurrentListener = simple(
    (message, context) => this.#offer(message, context) as ConsumeReturn, // letGo is known to the dispatcher, not to users
  );
  #desk: Desk = { is: 'open' };
  /** Nobody has seen these, oldest first. */
  #line: Handed[] = [];
  /** The reader has seen these, and has not said what became of them. */
  readonly #out = new Set<Handed>();
  #takers: Taker[] = [];

  /** Whether somebody waits for the next message. */
  get isAwaited(): boolean {
    return this.#takers.length > 0;
  }

  /** The next message, now or when it comes; undefined when there will be none. Rejects with what {@link leave} or {@link close} was given. */
  take(): Promise<ReceivedMessage | undefined> {
    const desk = this.#desk;
    if (desk.is === 'closed') {
      const { error } = desk;
      desk.error = undefined;
      return error === undefined ? Promise.resolve(undefined) : Promise.reject(error);
    }
    const next = this.#line.shift();
    if (next !== undefined) return Promise.resolve(this.#handOut(next));
    return new Promise((resolve, reject) => this.#takers.push({ resolve, reject }));
  }

  /** The reader goes: what it has seen and not ended fails, what it has not seen is let go. `reason`: what those who wait get. */
  leave(reason?: { readonly of: unknown }): void {
    this.#dismiss(reason);
    const out = [...this.#out];
    this.#out.clear();
    for (const { answer } of out) answer(ConsumeResult.RECONSUME_LATER);
    this.letGo();
  }

  /** Takes back what the reader has not seen: all, or what is of that queue or topic. */
  letGo(isMeant: (queue: MessageQueue, message: MessageExt) => boolean = () => true): void {
    this.#takeBack(new Set(this.#line.filter(({ context, message }) => isMeant(context.queue, message))));
  }

  /**
   * A message took longer than consumeTimeout: it is on its way back, and nobody should see it here any more. Its call is
   * aborted after this is told, and messages of one batch may share an id: the signal says which one it is.
   */
  forgetStuck(queue: MessageQueue, msgId: string): void {
    for (const each of this.#line) {
      if (each.message.msgId !== msgId || !sameQueue(each.context.queue, queue)) continue;
      each.context.signal.addEventListener('abort', () => this.#takeBack(new Set([each])), { once: true });
    }
  }

  /** For good: the consumer stops. What the reader has seen may still be ended by it. */
  close(error?: Error): void {
    if (this.#desk.is === 'closed') return;
    this.#desk = { is: 'closed', error: this.isAwaited ? undefined : error };
    this.#dismiss(error && { of: error });
    this.letGo();
  }

  #offer(message: MessageExt, context: ConsumeContext): Promise<Answer> {
    return new Promise(answer => {
      const handed = { message, context, answer };
      const taker = this.#takers.shift();
      if (taker === undefined) this.#line.push(handed);
      else taker.resolve(this.#handOut(handed));
    });
  }

  #handOut(handed: Handed): ReceivedMessage {
    this.#out.add(handed);
    const { message, context } = handed;
    return new DeliveredMessage(message, context, (answer, delayLevel) => {
      if (!this.#out.delete(handed)) return;
      context.delayLevelWhenNextConsume = delayLevel;
      handed.answer(answer);
    });
  }

  #takeBack(unseen: ReadonlySet<Handed>): void {
    const meant = this.#line.filter(each => unseen.has(each));
    this.#line = this.#line.filter(each => !unseen.has(each));
    for (const { answer } of meant) answer(letGo);
  }

  #dismiss(reason: { readonly of: unknown } | undefined): void {
    const takers = this.#takers;
    this.#takers = [];
    for (const { resolve, reject } of takers) {
      if (reason === undefined) resolve(undefined);
      else reject(reason.of);
    }
  }
}
