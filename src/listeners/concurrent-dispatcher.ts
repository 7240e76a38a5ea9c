// SPDX-License-Identifier: Apache-2.0
/**
 * Who calls the listener, with which messages, and what follows from its answer? Plain code owned by the consume actor
 * of one queue: per message a function call and counters, no event. Source: ConsumeMessageConcurrentlyService.
 */
import { setMaxListeners } from 'node:events';
import { ConsumerError, type RocketmqError, toError } from '../errors/errors.ts';
import type { Epoch, OwnedQueue } from '../flow/owned-queue.ts';
import type { Ticket } from '../flow/process-queue.ts';
import type { MessageExt } from '../model/message.ts';
import { ConcurrentContext } from './consume-context.ts';
import type { HandlerSlots, SlotClient } from './handler-slots.ts';
import type { Listener, MessageBatch } from './listener.ts';
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
  /** No message is in a listener or on its way back any more: all held ones are done, or wait to be delivered again. */
  onDrained(): void;
  /** The listener answered something that is no result; told once for each dispatcher. */
  onMisuse(error: RocketmqError): void;
}

export class ConcurrentDispatcher implements SlotClient {
  readonly #owned: OwnedQueue<MessageExt>;
  readonly #slots: HandlerSlots;
  readonly #batchSize: number;
  readonly #ports: DispatcherPorts;
  readonly #again: { readonly epoch: Epoch; readonly ticket: Ticket; readonly message: MessageExt }[] = [];
  #isOpen = false;
  #toldMisuse = false;
  #abort: AbortController | undefined;

  constructor(owned: OwnedQueue<MessageExt>, slots: HandlerSlots, batchSize: number, ports: DispatcherPorts) {
    this.#owned = owned;
    this.#slots = slots;
    this.#batchSize = batchSize;
    this.#ports = ports;
  }

  /** Held messages that are neither done nor waiting to be delivered again. */
  get pending(): number {
    if (this.#again.length === 0) return this.#owned.count;
    return this.#owned.count - this.#again.filter(({ epoch }) => epoch === this.#owned.epoch).length;
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
    while (this.#wantsSlot()) {
      if (!this.#slots.tryTake()) {
        this.#slots.queueUp(this);
        return;
      }
      this.#startCall();
    }
  }

  startOne(): void {
    if (!this.#wantsSlot() || !this.#slots.tryTake()) return;
    this.#startCall();
    if (this.#wantsSlot()) this.#slots.queueUp(this);
  }

  /** A failed message was handed back to the broker: it is done here. */
  settle(failed: FailedMessage): void {
    this.#finish(failed.epoch, failed.ticket, failed.message);
    this.#tellIfDrained();
  }

  /** A failed message could not be handed back: it is delivered once more from here, as soon as calls may start. */
  redeliver(failed: FailedMessage): void {
    if (failed.epoch !== this.#owned.epoch) return;
    this.#again.push(failed);
    if (this.#isOpen) this.pump();
    else this.#tellIfDrained();
  }

  /** Aborts the signals of running calls, for good; their results may still come. */
  abort(reason: Error): void {
    this.#aborting().abort(reason);
  }

  #wantsSlot(): boolean {
    return this.#isOpen && (this.#owned.hasWaiting || this.#again.length > 0) && this.#ports.mayDeliver();
  }

  #startCall(): void {
    const epoch = this.#owned.epoch;
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
    const context = new ConcurrentContext(
      this.#owned.queue,
      messages[0].reconsumeTimes + 1,
      messages.length,
      () => this.#signal(),
    );
    let answer: unknown;
    let later: Promise<unknown> | undefined;
    try {
      answer = this.#ports.listenerOf(messages[0]).consume(messages, context);
      later = isThenable(answer) ? toPromise(answer) : undefined;
    } catch (thrown) {
      this.#failed(epoch, first, messages, context, thrown);
      return;
    }
    if (later === undefined) {
      this.#answered(epoch, first, messages, context, answer);
      return;
    }
    later.then(
      value => this.#answered(epoch, first, messages, context, value),
      (thrown: unknown) => this.#failed(epoch, first, messages, context, thrown),
    );
  }

  #answered(
    epoch: Epoch,
    first: Ticket,
    messages: MessageBatch,
    context: ConcurrentContext,
    answer: unknown,
  ): void {
    const verdict = verdictOf(answer);
    if (verdict === 'notAResult') this.#tellMisuse(answer);
    this.#settleCall(epoch, first, messages, context, verdict === 'done' ? context.ackIndex : -1, undefined);
  }

  #failed(
    epoch: Epoch,
    first: Ticket,
    messages: MessageBatch,
    context: ConcurrentContext,
    thrown: unknown,
  ): void {
    const { topic, queueOffset, msgId } = messages[0];
    const error = new ConsumerError(
      'RMQ_LISTENER_FAILED',
      `the listener of ${topic} threw on message ${msgId} at ${this.#owned.key}:${queueOffset}: ${toError(thrown).message}`,
      { cause: thrown, context: { topic, queue: this.#owned.key, queueOffset, msgId } },
    );
    this.#settleCall(epoch, first, messages, context, -1, error);
  }

  /** Messages up to `lastDone` are done, the others failed. */
  #settleCall(
    epoch: Epoch,
    first: Ticket,
    messages: MessageBatch,
    context: ConcurrentContext,
    lastDone: number,
    error: RocketmqError | undefined,
  ): void {
    const failed: FailedMessage[] = [];
    for (let i = 0; i < messages.length; i++) {
      const message = messages[i];
      if (message === undefined) continue;
      if (i <= lastDone) this.#finish(epoch, first + i, message);
      else {
        const delayLevel = levelOf(context);
        failed.push({ epoch, ticket: first + i, message, delayLevel, error });
      }
    }
    if (failed.length > 0 && epoch === this.#owned.epoch) this.#ports.onFailed(failed);
    else if (epoch === this.#owned.epoch) this.#tellIfDrained();
    this.#slots.giveBack();
  }

  #tellIfDrained(): void {
    if (this.pending === 0) this.#ports.onDrained();
  }

  #finish(epoch: Epoch, ticket: Ticket, message: MessageExt): void {
    this.#owned.finish(epoch, ticket, message.storeSize);
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

  #signal(): AbortSignal {
    return this.#aborting().signal;
  }

  /** One for all calls, made when the first asks for it; once aborted it stays so. */
  #aborting(): AbortController {
    if (this.#abort === undefined) {
      this.#abort = new AbortController();
      setMaxListeners(0, this.#abort.signal); // every running call may listen: no leak, no warning
    }
    return this.#abort;
  }
}

/** A promise of another library may answer twice, or throw when it is asked; a native one wrapped around it does neither. */
function toPromise(answer: PromiseLike<unknown>): Promise<unknown> {
  return answer instanceof Promise ? answer : Promise.resolve(answer);
}

/** A listener may write anything there; what is no level leaves the choice to the broker. */
function levelOf({ delayLevelWhenNextConsume: level }: ConcurrentContext): number {
  return Number.isInteger(level) ? level : 0;
}

function isBatch(messages: readonly MessageExt[]): messages is MessageBatch {
  return messages.length > 0;
}
