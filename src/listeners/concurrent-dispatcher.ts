// SPDX-License-Identifier: Apache-2.0
/**
 * Who calls the listener, with which messages, and what follows from its answer? Plain code owned by the consume actor
 * of one queue: per message a function call and counters, no event. Source: ConsumeMessageConcurrentlyService.
 */
import { ConsumerError, type RocketmqError, toError } from '../errors/errors.ts';
import type { Epoch, OwnedQueue } from '../flow/owned-queue.ts';
import type { Ticket } from '../flow/process-queue.ts';
import type { MessageExt } from '../model/message.ts';
import type { MessageQueue } from '../model/message-queue.ts';
import { ConcurrentContext, type ContextOwner } from './consume-context.ts';
import type { HandlerSlots, SlotClient } from './handler-slots.ts';
import type { Listener, MessageBatch } from './listener.ts';
import { type CallEnds, type CallSubject, ListenerCall } from './listener-call.ts';
import { isThenable, verdictOf } from './outcome.ts';

/** A message whose handling failed: it keeps its place, and the offset waits, until somebody settles it. */
export interface FailedMessage {
  readonly epoch: Epoch;
  readonly ticket: Ticket;
  readonly message: MessageExt;
  /** As the listener's context said: 0 the broker decides, 1–18 that level, -1 dead letter. */
  readonly delayLevel: number;
  readonly error: RocketmqError | undefined;
}

export interface DispatcherPorts {
  /** The listener of the topic the message was first sent to. */
  listenerOf(message: MessageExt): Listener;
  /** False while membership is in doubt: nothing may be delivered. */
  mayDeliver(): boolean;
  /** Failed messages of one call. */
  onFailed(failed: readonly FailedMessage[]): void;
  /** The listener answered something that is no result; told once for each dispatcher. */
  onMisuse(error: RocketmqError): void;
}

export class ConcurrentDispatcher implements SlotClient, CallEnds, ContextOwner {
  readonly #owned: OwnedQueue<MessageExt>;
  readonly #slots: HandlerSlots;
  readonly #batchSize: number;
  readonly #ports: DispatcherPorts;
  readonly #again: FailedMessage[] = [];
  /** Calls that have ended, for the next ones. At most as many as ever ran at once. */
  readonly #spare: ListenerCall[] = [];
  #isOpen = false;
  #toldMisuse = false;
  #abort: AbortController | undefined;
  #onDrained: (() => void) | undefined;

  constructor(owned: OwnedQueue<MessageExt>, slots: HandlerSlots, batchSize: number, ports: DispatcherPorts) {
    this.#owned = owned;
    this.#slots = slots;
    this.#batchSize = batchSize;
    this.#ports = ports;
  }

  get queue(): MessageQueue {
    return this.#owned.queue;
  }

  /** Of the calls of this queue; aborted by {@link abort}. */
  get signal(): AbortSignal {
    this.#abort ??= new AbortController();
    return this.#abort.signal;
  }

  get isOpen(): boolean {
    return this.#isOpen;
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

  /** Calls once, when no message is held any more: at once if so. */
  whenDrained(onDrained: () => void): void {
    this.#onDrained = onDrained;
    this.#noteDrained();
  }

  /** A failed message was handed back to the broker: it is done here. */
  settle(failed: FailedMessage): void {
    this.#owned.finish(failed.epoch, failed.ticket, failed.message.storeSize);
    this.#noteDrained();
  }

  /** A failed message could not be handed back: it is delivered once more from here. */
  redeliver(failed: FailedMessage): void {
    if (failed.epoch !== this.#owned.epoch) return;
    this.#again.push(failed);
    this.pump();
  }

  /** Aborts the signals of running calls; their results may still come. */
  abort(reason: Error): void {
    this.#abort?.abort(reason);
    this.#abort = undefined;
  }

  answered(call: ListenerCall, answer: unknown): void {
    const subject = this.#end(call);
    if (subject === undefined) return;
    const verdict = verdictOf(answer);
    if (verdict === 'notAResult') this.#tellMisuse(answer);
    this.#settleCall(subject, verdict === 'done' ? subject.context.ackIndex : -1, undefined);
  }

  failed(call: ListenerCall, thrown: unknown): void {
    const subject = this.#end(call);
    if (subject === undefined) return;
    const { topic, queueOffset, msgId } = subject.messages[0];
    const { key } = this.#owned;
    const error = new ConsumerError(
      'RMQ_LISTENER_FAILED',
      `the listener of ${topic} threw on message ${msgId} at ${key}:${queueOffset}: ${toError(thrown).message}`,
      { cause: thrown, context: { topic, queue: key, queueOffset, msgId } },
    );
    this.#settleCall(subject, -1, error);
  }

  #hasWork(): boolean {
    return this.#isOpen && (this.#owned.hasWaiting || this.#again.length > 0);
  }

  #startCall(): void {
    const { epoch } = this.#owned;
    const again = this.#again.shift();
    if (again !== undefined) {
      if (again.epoch === epoch) this.#call(epoch, again.ticket, [again.message]);
      else this.#slots.giveBack();
      return;
    }
    const { first, messages } = this.#owned.take(this.#batchSize);
    if (isBatch(messages)) this.#call(epoch, first, messages);
    else this.#slots.giveBack();
  }

  #call(epoch: Epoch, first: Ticket, messages: MessageBatch): void {
    const call = this.#spare.pop() ?? new ListenerCall(this);
    const context = new ConcurrentContext(this, messages);
    call.subject = { epoch, first, messages, context };
    let answer: unknown;
    try {
      answer = this.#ports.listenerOf(messages[0]).consume(messages, context);
    } catch (thrown) {
      this.failed(call, thrown);
      return;
    }
    if (isThenable(answer)) answer.then(call.onAnswer, call.onFailure);
    else this.answered(call, answer);
  }

  /** A promise of the user's own making may answer twice: the second time there is no subject. */
  #end(call: ListenerCall): CallSubject | undefined {
    const { subject } = call;
    call.subject = undefined;
    if (subject !== undefined) this.#spare.push(call);
    return subject;
  }

  /** Messages up to `lastDone` are done, the others failed. */
  #settleCall(
    { epoch, first, messages, context }: CallSubject,
    lastDone: number,
    error: RocketmqError | undefined,
  ): void {
    for (let i = 0; i <= lastDone && i < messages.length; i++) {
      this.#owned.finish(epoch, first + i, messages[i]?.storeSize ?? 0);
    }
    if (lastDone < messages.length - 1 && epoch === this.#owned.epoch) {
      const delayLevel = context.delayLevelWhenNextConsume;
      const from = Math.max(0, lastDone + 1);
      this.#ports.onFailed(
        messages
          .slice(from)
          .map((message, i) => ({ epoch, ticket: first + from + i, message, delayLevel, error })),
      );
    }
    this.#noteDrained();
    this.#slots.giveBack();
  }

  #noteDrained(): void {
    if (this.#onDrained === undefined || this.#owned.count > 0) return;
    const onDrained = this.#onDrained;
    this.#onDrained = undefined;
    onDrained();
  }

  #tellMisuse(answer: unknown): void {
    if (this.#toldMisuse) return;
    this.#toldMisuse = true;
    const shown =
      answer === null ? 'null' : typeof answer === 'string' ? `'${answer}'` : `a ${typeof answer}`;
    this.#ports.onMisuse(
      new ConsumerError(
        'RMQ_LISTENER_RESULT',
        `the listener of ${this.#owned.queue.topic} answered ${shown}, which is no consume result`,
        { context: { queue: this.#owned.key } },
      ),
    );
  }
}

function isBatch(messages: readonly MessageExt[]): messages is MessageBatch {
  return messages.length > 0;
}
