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
import type { QueueOffset } from '../model/queue-offset.ts';
import { CallPool } from './call-pool.ts';
import { CallSignals } from './call-signals.ts';
import type { DispatcherPorts, DispatcherSettings } from './concurrent-ports.ts';
import { ConcurrentContext, type ContextOwner } from './consume-context.ts';
import type { Dispatcher, FailedMessage } from './dispatcher.ts';
import { type Gathering, gatheringOf } from './gathering.ts';
import type { HandlerSlots, SlotClient } from './handler-slots.ts';
import { letGo } from './let-go.ts';
import type { MessageBatch } from './listener.ts';
import type { CallEnds, ListenerCall } from './listener-call.ts';
import {
  countUpTo,
  isThenable,
  levelOf,
  listenerFailed,
  listenerStuck,
  toPromise,
  verdictOf,
  wrongResult,
} from './outcome.ts';

export class ConcurrentDispatcher implements Dispatcher, SlotClient, CallEnds, ContextOwner {
  readonly isResting = false;
  readonly #owned: OwnedQueue<MessageExt>;
  readonly #slots: HandlerSlots;
  readonly #settings: DispatcherSettings;
  readonly #ports: DispatcherPorts;
  readonly signals: CallSignals;
  readonly #gathering: Gathering | undefined;
  readonly #again: FailedMessage[] = [];
  readonly #calls = new CallPool(this);
  #isOpen = false;
  #isGathering = false;
  #toldMisuse = false;
  #onDrained: (() => void) | undefined;

  constructor(
    owned: OwnedQueue<MessageExt>,
    slots: HandlerSlots,
    settings: DispatcherSettings,
    ports: DispatcherPorts,
  ) {
    this.#owned = owned;
    this.#slots = slots;
    this.#settings = settings;
    this.#ports = ports;
    this.signals = new CallSignals(ports.stopSignal);
    owned.countRunningBy(() => this.#calls.runningMessages);
    this.#gathering = gatheringOf({ ...settings, now: () => ports.now() });
  }

  get queue(): MessageQueue {
    return this.#owned.queue;
  }

  get committed(): QueueOffset | undefined {
    return this.#owned.committed;
  }

  /** Held messages that are neither done nor waiting to be delivered again. */
  get pending(): number {
    if (this.#again.length === 0) return this.#owned.count;
    return this.#owned.count - this.#again.filter(({ epoch }) => epoch === this.#owned.epoch).length;
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  get isAtWork(): boolean {
    return this.#isOpen || this.runningCalls > 0;
  }

  get runningCalls(): number {
    return this.#calls.running;
  }

  get hasStuck(): boolean {
    return this.#calls.stuck > 0;
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
    this.#isGathering = false;
    this.#slots.leave(this);
  }

  noteArrival(): void {
    this.#gathering?.noteArrival(this.#owned.epoch, this.#owned.endTicket);
  }

  /** Starts calls until nothing waits or no slot is free. */
  pump(): void {
    if (this.#hasWork() && this.#ports.mayDeliver()) {
      do {
        if (!this.#slots.tryTake()) {
          this.#slots.queueUp(this);
          return;
        }
        this.#startCall();
      } while (this.#hasWork());
    }
    if (this.#gathering !== undefined) this.#gather(this.#gathering);
  }

  startOne(): void {
    if (this.#hasWork() && this.#ports.mayDeliver() && this.#slots.tryTake()) {
      this.#startCall();
      if (this.#hasWork()) this.#slots.queueUp(this);
    }
    if (this.#gathering !== undefined) this.#gather(this.#gathering);
  }

  gathered(): void {
    this.#isGathering = false;
    this.pump();
  }

  /** Source: ProcessQueue.cleanExpiredMsg, which sends back without letting the listener know. */
  sweep(awakeMs: number): void {
    this.#calls.sweep(awakeMs, this.#settings.consumeTimeoutMs, (call, messages, context, runningMs) => {
      const error = listenerStuck(messages[0], this.#owned.key, runningMs);
      for (const message of messages) this.#ports.onStuck(message, runningMs);
      context.expire(error);
      this.#conclude(call, messages, context, -1, error);
    });
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
    this.#owned.finish(failed.epoch, failed.ticket);
    this.#noteDrained();
  }

  /** A failed message could not be handed back: it is delivered once more from here, as soon as calls may start. */
  redeliver(failed: FailedMessage): void {
    if (failed.epoch !== this.#owned.epoch) return;
    this.#again.push(failed);
    this.pump();
    this.#noteDrained();
  }

  approve(upTo: QueueOffset, epoch: Epoch): void {
    this.#owned.approve(upTo, epoch);
  }

  /** Aborts the signal of running calls, for good. Nobody waits for their results any more; they may still come. */
  abort(reason: Error): void {
    this.#onDrained = undefined;
    this.signals.abort(reason);
  }

  answered(call: ListenerCall, answer: unknown): void {
    const { messages, context } = call;
    if (messages === undefined || context === undefined) {
      this.#calls.endStuck(); // too late: its messages are on their way to be delivered again
      return;
    }
    if (answer === letGo) {
      this.#takeBack(call, messages, context);
      return;
    }
    const verdict = verdictOf(answer);
    if (verdict === 'notAResult') this.#tellMisuse(answer);
    this.#endCall(call, messages, context, verdict === 'done' ? context.ackIndex : -1, undefined);
  }

  failed(call: ListenerCall, thrown: unknown): void {
    const { messages, context } = call;
    if (messages === undefined || context === undefined) {
      this.#calls.endStuck();
      return;
    }
    const error = listenerFailed(thrown, messages[0], this.#owned.key);
    this.#endCall(call, messages, context, -1, error);
  }

  #hasWork(): boolean {
    if (!this.#isOpen) return false;
    if (this.#again.length > 0) return true;
    return this.#owned.hasWaiting && (this.#gathering === undefined || this.#gathering.isRipe(this.#owned));
  }

  #gather(gathering: Gathering): void {
    const { hasWaiting, nextTicket } = this.#owned;
    if (this.#isGathering || !this.#isOpen || !hasWaiting || gathering.isRipe(this.#owned)) return;
    this.#isGathering = true;
    this.#ports.onGather(gathering.left(gathering.arrivalOf(nextTicket)));
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
    const messages = this.#owned.take(this.#settings.batchSize);
    if (isBatch(messages)) this.#call(epoch, first, messages);
    else this.#slots.giveBack();
  }

  #call(epoch: Epoch, first: Ticket, messages: MessageBatch): void {
    const context = new ConcurrentContext(this, messages, epoch);
    const call = this.#calls.begin(epoch, first, messages, context);
    this.#slots.started(messages.length);
    call.timed = this.#ports.watch?.begin();
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

  /** It has ended in time, and the object may be used again: by a call that starts on the way. */
  #endCall(
    call: ListenerCall,
    messages: MessageBatch,
    context: ConcurrentContext,
    lastDone: number,
    error: RocketmqError | undefined,
  ): void {
    this.#calls.end(call, messages);
    context.end();
    this.#conclude(call, messages, context, lastDone, error);
  }

  /** Nobody looked at the messages: they wait to be delivered again. */
  #takeBack(call: ListenerCall, messages: MessageBatch, context: ConcurrentContext): void {
    const { epoch, first } = call;
    this.#calls.end(call, messages);
    context.end();
    if (epoch === this.#owned.epoch) {
      for (const [i, message] of messages.entries())
        this.#again.push({ epoch, ticket: first + i, message, delayLevel: 0, error: undefined });
    }
    this.#noteDrained();
    this.#slots.giveBack();
    this.pump();
  }

  /** Messages up to `lastDone` are done, the others failed; the slot is free. */
  #conclude(
    { epoch, first, timed }: ListenerCall,
    messages: MessageBatch,
    context: ConcurrentContext,
    lastDone: number,
    error: RocketmqError | undefined,
  ): void {
    const done = countUpTo(lastDone, messages.length);
    this.#slots.ended(done, messages.length - done);
    this.#ports.watch?.end(timed, done, messages.length - done);
    for (let i = 0; i < done; i++) this.#owned.finish(epoch, first + i);
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
