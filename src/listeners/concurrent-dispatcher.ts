// SPDX-License-Identifier: Apache-2.0
/**
 * Who calls the listener, with which messages, and what follows from its answer? Plain code owned by the consume actor
 * of one queue: per message a function call and counters, no event. Source: ConsumeMessageConcurrentlyService.
 */
import type { RocketmqError } from '../errors/errors.ts';
import type { Epoch, OwnedQueue } from '../flow/owned-queue.ts';
import type { Ticket } from '../flow/process-queue.ts';
import type { MessageExt } from '../model/message.ts';
import type { MessageQueue } from '../model/message-queue.ts';
import { CallSignal } from './call-signal.ts';
import { ConcurrentContext, type ContextOwner } from './consume-context.ts';
import type { Dispatcher, FailedMessage } from './dispatcher.ts';
import type { HandlerSlots, SlotClient } from './handler-slots.ts';
import type { ConcurrentListener, MessageBatch } from './listener.ts';
import { type CallEnds, ListenerCall } from './listener-call.ts';
import { isThenable, listenerFailed, toPromise, verdictOf, wrongResult } from './outcome.ts';

export interface DispatcherPorts {
  /** The listener of the topic the message was first sent to. */
  listenerOf(message: MessageExt): ConcurrentListener;
  /** False while membership is in doubt: nothing may be delivered. */
  mayDeliver(): boolean;
  /** Aborted when the whole consumer is over. */
  readonly stopSignal: AbortSignal;
  /** Failed messages of one call. */
  onFailed(failed: readonly FailedMessage[]): void;
  /** The listener answered something that is no result; told once for each dispatcher. */
  onMisuse(error: RocketmqError): void;
}

export class ConcurrentDispatcher implements Dispatcher, SlotClient, CallEnds, ContextOwner {
  readonly isResting = false;
  readonly #owned: OwnedQueue<MessageExt>;
  readonly #slots: HandlerSlots;
  readonly #batchSize: number;
  readonly #ports: DispatcherPorts;
  readonly #signal: CallSignal;
  readonly #again: FailedMessage[] = [];
  /** Calls that have ended, for the next ones. At most as many as ever ran at once. */
  readonly #spare: ListenerCall[] = [];
  #isOpen = false;
  #toldMisuse = false;
  #onDrained: (() => void) | undefined;

  constructor(owned: OwnedQueue<MessageExt>, slots: HandlerSlots, batchSize: number, ports: DispatcherPorts) {
    this.#owned = owned;
    this.#slots = slots;
    this.#batchSize = batchSize;
    this.#ports = ports;
    this.#signal = new CallSignal(ports.stopSignal);
  }

  get queue(): MessageQueue {
    return this.#owned.queue;
  }

  /** Of the calls of this queue; aborted by {@link abort}. */
  get signal(): AbortSignal {
    return this.#signal.signal;
  }

  /** Held messages that are neither done nor waiting to be delivered again. */
  get pending(): number {
    if (this.#again.length === 0) return this.#owned.count;
    return this.#owned.count - this.#again.filter(({ epoch }) => epoch === this.#owned.epoch).length;
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Its messages need no lock: a fence was waited for before they were pulled. */
  lockIsLive(): boolean {
    return true;
  }

  /** Lets calls start, and starts what waits. */
  open(): void {
    this.#isOpen = true;
    this.pump();
  }

  /** No further call starts; running ones go on. */
  close(): void {
    this.#isOpen = false;
    this.#slots.leave(this);
  }

  /** Starts calls until nothing waits or no slot is free. */
  pump(): void {
    if (!this.#hasWork() || !this.#ports.mayDeliver()) return;
    do {
      if (!this.#slots.tryTake()) {
        this.#slots.queueUp(this);
        return;
      }
      this.#startCall();
    } while (this.#hasWork());
  }

  startOne(): void {
    if (!this.#hasWork() || !this.#ports.mayDeliver() || !this.#slots.tryTake()) return;
    this.#startCall();
    if (this.#hasWork()) this.#slots.queueUp(this);
  }

  /** Nothing rests here. */
  wake(): void {}

  /** Calls start in the order of offsets: there is nothing before a started message. */
  drop(): void {
    this.#owned.dropWaiting();
  }

  /** Calls once, when no held message is in a listener or on its way back any more: at once if so. */
  whenDrained(onDrained: () => void): void {
    this.#onDrained = onDrained;
    this.#noteDrained();
  }

  /** A failed message was handed back to the broker: it is done here. */
  settle(failed: FailedMessage): void {
    this.#owned.finish(failed.epoch, failed.ticket, failed.message.storeSize);
    this.#noteDrained();
  }

  /** A failed message could not be handed back: it is delivered once more from here, as soon as calls may start. */
  redeliver(failed: FailedMessage): void {
    if (failed.epoch !== this.#owned.epoch) return;
    this.#again.push(failed);
    this.pump();
    this.#noteDrained();
  }

  /** Aborts the signal of running calls, for good. Nobody waits for their results any more; they may still come. */
  abort(reason: Error): void {
    this.#onDrained = undefined;
    this.#signal.abort(reason);
  }

  answered(call: ListenerCall, answer: unknown): void {
    const { messages, context } = call;
    if (messages === undefined || context === undefined) return;
    const verdict = verdictOf(answer);
    if (verdict === 'notAResult') this.#tellMisuse(answer);
    this.#settleCall(call, messages, context, verdict === 'done' ? context.ackIndex : -1, undefined);
  }

  failed(call: ListenerCall, thrown: unknown): void {
    const { messages, context } = call;
    if (messages === undefined || context === undefined) return;
    const error = listenerFailed(thrown, messages[0], this.#owned.key);
    this.#settleCall(call, messages, context, -1, error);
  }

  #hasWork(): boolean {
    return this.#isOpen && (this.#owned.hasWaiting || this.#again.length > 0);
  }

  #startCall(): void {
    const { epoch } = this.#owned;
    const again = this.#again.length > 0 ? this.#again.shift() : undefined;
    if (again !== undefined) {
      if (again.epoch === epoch) this.#call(epoch, again.ticket, [again.message]);
      else this.#slots.giveBack();
      return;
    }
    const first = this.#owned.nextTicket;
    const messages = this.#owned.take(this.#batchSize);
    if (isBatch(messages)) this.#call(epoch, first, messages);
    else this.#slots.giveBack();
  }

  #call(epoch: Epoch, first: Ticket, messages: MessageBatch): void {
    const call = this.#spare.pop() ?? new ListenerCall(this);
    const context = new ConcurrentContext(this, messages);
    call.epoch = epoch;
    call.first = first;
    call.messages = messages;
    call.context = context;
    let answer: unknown;
    let later: Promise<unknown> | undefined;
    try {
      answer = this.#ports.listenerOf(messages[0]).consume(messages, context);
      later = isThenable(answer) ? toPromise(answer) : undefined;
    } catch (thrown) {
      this.failed(call, thrown);
      return;
    }
    if (later === undefined) this.answered(call, answer);
    else later.then(call.onAnswer, call.onFailure);
  }

  /** Ends the call: messages up to `lastDone` are done, the others failed. */
  #settleCall(
    call: ListenerCall,
    messages: MessageBatch,
    context: ConcurrentContext,
    lastDone: number,
    error: RocketmqError | undefined,
  ): void {
    const { epoch, first } = call;
    call.messages = undefined;
    call.context = undefined;
    this.#spare.push(call);
    const done = countUpTo(lastDone, messages.length);
    for (let i = 0; i < done; i++) this.#owned.finish(epoch, first + i, messages[i]?.storeSize ?? 0);
    if (done < messages.length && epoch === this.#owned.epoch) {
      const delayLevel = levelOf(context);
      this.#ports.onFailed(
        messages
          .slice(done)
          .map((message, i) => ({ epoch, ticket: first + done + i, message, delayLevel, error })),
      );
    }
    this.#noteDrained();
    this.#slots.giveBack();
  }

  #noteDrained(): void {
    if (this.#onDrained === undefined || this.pending > 0) return;
    const onDrained = this.#onDrained;
    this.#onDrained = undefined;
    onDrained();
  }

  #tellMisuse(answer: unknown): void {
    if (this.#toldMisuse) return;
    this.#toldMisuse = true;
    const { queue, key } = this.#owned;
    this.#ports.onMisuse(wrongResult(answer, queue.topic, key));
  }
}

function isBatch(messages: readonly MessageExt[]): messages is MessageBatch {
  return messages.length > 0;
}

/** How many messages an ackIndex calls done. A listener may write anything there; what is no number is none. */
function countUpTo(lastDone: number, size: number): number {
  return lastDone >= 0 ? Math.min(size, Math.floor(lastDone) + 1) : 0;
}

/** As above: what is no level leaves the choice to the broker. */
function levelOf({ delayLevelWhenNextConsume: level }: ConcurrentContext): number {
  return Number.isInteger(level) ? level : 0;
}
