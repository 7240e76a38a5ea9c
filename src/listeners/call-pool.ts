// SPDX-License-Identifier: Apache-2.0
/** Which listener calls of a concurrent queue run, which of them were given up, and which call objects may be used again? */
import type { Epoch } from '../flow/owned-queue.ts';
import type { Ticket } from '../flow/process-queue.ts';
import type { ConcurrentContext } from './consume-context.ts';
import type { MessageBatch } from './listener.ts';
import { type CallEnds, ListenerCall, notSeen } from './listener-call.ts';

/** With what was taken out of the call. */
type OnOverdue = (
  call: ListenerCall,
  messages: MessageBatch,
  context: ConcurrentContext,
  runningMs: number,
) => void;

/**
 * Invariant: a call object is used again only after its own end; one that was given up never is, because its listener may
 * still answer.
 */
export class CallPool {
  readonly #ends: CallEnds;
  /** All but those that were given up. At most as many as ever ran at once. */
  readonly #calls: ListenerCall[] = [];
  /** Those of them that have ended, for the next ones. */
  readonly #spare: ListenerCall[] = [];
  /** With a listener: neither those on their way back nor those that wait to be delivered again. */
  #messages = 0;
  #stuck = 0;

  constructor(ends: CallEnds) {
    this.#ends = ends;
  }

  get running(): number {
    return this.#calls.length - this.#spare.length;
  }

  /** Messages with calls that run in time. */
  get runningMessages(): number {
    return this.#messages;
  }

  /** Calls that were given up and have not ended. */
  get stuck(): number {
    return this.#stuck;
  }

  begin(epoch: Epoch, first: Ticket, messages: MessageBatch, context: ConcurrentContext): ListenerCall {
    const call = this.#spare.pop() ?? this.#newCall();
    call.since = notSeen;
    call.epoch = epoch;
    call.first = first;
    call.messages = messages;
    call.context = context;
    this.#messages += messages.length;
    return call;
  }

  /** It has ended in time. */
  end(call: ListenerCall, messages: MessageBatch): void {
    this.#empty(call, messages);
    this.#spare.push(call);
  }

  /** One that was given up has ended. */
  endStuck(): void {
    this.#stuck--;
  }

  /** Gives up what runs longer than so many ms; `awakeMs`: of AwakeTime. */
  sweep(awakeMs: number, timeoutMs: number, onOverdue: OnOverdue): void {
    for (let i = this.#calls.length - 1; i >= 0; i--) {
      const call = this.#calls[i];
      if (call?.messages === undefined || call.context === undefined) continue;
      if (call.since === notSeen) call.since = awakeMs;
      else if (awakeMs - call.since >= timeoutMs) {
        const { messages, context } = call;
        this.#calls.splice(i, 1);
        this.#empty(call, messages);
        this.#stuck++;
        onOverdue(call, messages, context, Math.round(awakeMs - call.since));
      }
    }
  }

  #newCall(): ListenerCall {
    const call = new ListenerCall(this.#ends);
    this.#calls.push(call);
    return call;
  }

  #empty(call: ListenerCall, { length }: MessageBatch): void {
    this.#messages -= length;
    call.messages = undefined;
    call.context = undefined;
  }
}
