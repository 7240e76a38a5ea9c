// SPDX-License-Identifier: Apache-2.0
/**
 * Who calls an orderly listener, with which messages, and what follows from its answer? Plain code owned by the consume
 * actor of one queue. Source: ConsumeMessageOrderlyService, ProcessQueue.
 *
 * Invariants (test/unit/listeners/orderly-dispatcher*.test.ts): 1. a lane has at most one running call, also across
 * epochs; 2. within an epoch its offsets rise, except that the very same messages come again; 3. a message is finished
 * only by SUCCESS, COMMIT or an accepted dead letter; 4. no call starts without mayDeliver and the lock; 5. one slot for
 * each running call, given back after each batch. That replaces Java's slice of 60 s for which a queue may keep its
 * thread: whoever stands in the line for a slot comes before this queue's next batch.
 */
import type { RocketmqError } from '../errors/errors.ts';
import type { OwnedQueue } from '../flow/owned-queue.ts';
import type { MessageExt } from '../model/message.ts';
import type { MessageQueue } from '../model/message-queue.ts';
import { CallSignal } from './call-signal.ts';
import type { ContextOwner } from './consume-context.ts';
import type { Dispatcher, FailedMessage } from './dispatcher.ts';
import type { HandlerSlots, SlotClient } from './handler-slots.ts';
import { LaneBook, type NextBatch } from './lane-book.ts';
import { LaneOutcomes, type OrderlyCall } from './lane-outcomes.ts';
import type { MessageBatch } from './listener.ts';
import { OrderlyCallContext, shownMessage } from './orderly-context.ts';
import type { OrderlyPorts, OrderlySettings } from './orderly-ports.ts';
import {
  isThenable,
  listenerFailed,
  type OrderlyVerdict,
  orderlyVerdictOf,
  toPromise,
  wrongResult,
} from './outcome.ts';

/** `finishing`: given up, but what lies before a started message may still start. `dropped`: given up. */
type Mode = 'closed' | 'open' | 'finishing' | 'dropped';

export class OrderlyDispatcher implements Dispatcher, SlotClient, ContextOwner {
  readonly #owned: OwnedQueue<MessageExt>;
  readonly #slots: HandlerSlots;
  readonly #batchSize: number;
  readonly #ports: OrderlyPorts;
  readonly #signal: CallSignal;
  readonly #book: LaneBook;
  readonly #outcomes: LaneOutcomes;
  #mode: Mode = 'closed';
  #runningCalls = 0;
  #runningMessages = 0;
  /** A listener that ends at once comes back in here: the loop that called it goes on, no deeper stack. */
  #isStarting = false;
  #toldMisuse = false;
  #onDrained: (() => void) | undefined;

  constructor(
    owned: OwnedQueue<MessageExt>,
    slots: HandlerSlots,
    settings: OrderlySettings,
    ports: OrderlyPorts,
  ) {
    this.#owned = owned;
    this.#slots = slots;
    this.#batchSize = settings.batchSize;
    this.#ports = ports;
    this.#signal = new CallSignal(ports.stopSignal);
    this.#book = new LaneBook(owned, message => ports.laneOf(message));
    this.#outcomes = new LaneOutcomes(this.#book, settings, ports);
    owned.countRunningBy(() => this.#runningMessages);
  }

  get queue(): MessageQueue {
    return this.#owned.queue;
  }

  get signal(): AbortSignal {
    return this.#signal.signal;
  }

  get isOpen(): boolean {
    return this.#mode === 'open';
  }

  /** Calls of former epochs count too: they still run. */
  get pending(): number {
    this.#outcomes.catchUp();
    return this.#runningMessages + this.#outcomes.returning;
  }

  get isResting(): boolean {
    return this.#outcomes.isResting;
  }

  lockIsLive(): boolean {
    return this.#ports.lockIsLive() && !this.#ports.outlived.blocks(this.#owned.key, this);
  }

  open(): void {
    this.#mode = 'open';
    this.pump();
  }

  close(): void {
    if (this.#mode === 'open') this.#mode = 'closed';
    this.#slots.leave(this);
  }

  pump(): void {
    this.#takeIn();
    if (this.#isStarting) return;
    while (this.#mayStart()) {
      if (!this.#slots.tryTake()) {
        this.#slots.queueUp(this);
        return;
      }
      this.#startNext();
    }
  }

  startOne(): void {
    this.#takeIn();
    if (this.#isStarting) return;
    if (this.#mayStart() && this.#slots.tryTake()) {
      this.#startNext();
      if (this.#isDue()) this.#slots.queueUp(this);
    }
    this.#noteDrained();
  }

  wake(rest: number): void {
    this.#outcomes.catchUp();
    this.#outcomes.wake(rest);
    this.pump();
  }

  drop(mayFinish: boolean): void {
    this.#outcomes.catchUp();
    this.#owned.dropWaiting();
    this.#outcomes.giveUp();
    this.#mode = mayFinish ? 'finishing' : 'dropped';
    this.pump();
  }

  whenDrained(onDrained: () => void): void {
    this.#onDrained = onDrained;
    this.#noteDrained();
  }

  abort(reason: Error): void {
    this.#onDrained = undefined;
    this.#mode = 'dropped';
    this.#slots.leave(this);
    this.#signal.abort(reason);
  }

  settle(failed: FailedMessage): void {
    this.#outcomes.catchUp();
    this.#outcomes.settle(failed);
    this.pump();
    this.#noteDrained();
  }

  redeliver(failed: FailedMessage): void {
    this.#outcomes.catchUp();
    this.#outcomes.redeliver(failed);
    this.pump();
    this.#noteDrained();
  }

  #takeIn(): void {
    this.#outcomes.catchUp();
    if (this.#mode === 'open') this.#book.takeIn();
  }

  #isDue(): boolean {
    if (this.#mode !== 'open' && this.#mode !== 'finishing') return false;
    const { next } = this.#book;
    return next !== undefined && next.ticket < this.#outcomes.limit;
  }

  #mayStart(): boolean {
    if (!this.#isDue()) return false;
    const isAwake = this.#ports.mayDeliver();
    if (isAwake && this.lockIsLive()) return true;
    if (this.#mode === 'finishing') this.#mode = 'dropped';
    else if (isAwake) {
      this.close();
      this.#ports.onLockMissed();
    }
    return false;
  }

  /** A slot was taken for it. */
  #startNext(): void {
    this.#isStarting = true;
    try {
      const batch = this.#book.takeNext(this.#batchSize, this.#outcomes.limit);
      if (batch === undefined) this.#slots.giveBack();
      else this.#call(batch);
    } finally {
      this.#isStarting = false;
    }
  }

  #call({ lane, entries }: NextBatch): void {
    const [first, ...others] = entries;
    const messages: MessageBatch = [shownMessage(first), ...others.map(shownMessage)];
    const context = new OrderlyCallContext(this, messages);
    const call: OrderlyCall = { lane, entries, epoch: this.#book.epoch, messages, context };
    this.#runningMessages += messages.length;
    if (this.#runningCalls++ === 0) this.#ports.outlived.begin(this.#owned.key, this);
    let answer: unknown;
    let later: Promise<unknown> | undefined;
    try {
      answer = this.#ports.listenerOf(messages[0]).consume(messages, context);
      later = isThenable(answer) ? toPromise(answer) : undefined;
    } catch (thrown) {
      this.#failed(call, thrown);
      return;
    }
    if (later === undefined) this.#answered(call, answer);
    else
      later.then(
        value => this.#answered(call, value),
        thrown => this.#failed(call, thrown),
      );
  }

  #answered(call: OrderlyCall, answer: unknown): void {
    const verdict = orderlyVerdictOf(answer, call.context);
    if (verdict === 'notAResult') this.#tellMisuse(answer);
    this.#end(call, verdict, undefined);
  }

  #failed(call: OrderlyCall, thrown: unknown): void {
    this.#end(call, 'later', listenerFailed(thrown, call.messages[0], this.#owned.key));
  }

  #end(call: OrderlyCall, verdict: OrderlyVerdict, error: RocketmqError | undefined): void {
    this.#runningMessages -= call.entries.length;
    if (--this.#runningCalls === 0) this.#ports.outlived.end(this.#owned.key, this);
    this.#outcomes.catchUp();
    this.#outcomes.follow(call, verdict, error);
    this.#slots.giveBack();
    this.pump();
    this.#noteDrained();
  }

  #noteDrained(): void {
    if (this.#onDrained === undefined || this.pending > 0 || this.#isDue()) return;
    const onDrained = this.#onDrained;
    this.#onDrained = undefined;
    onDrained();
  }

  #tellMisuse(answer: unknown): void {
    if (this.#toldMisuse) return;
    this.#toldMisuse = true;
    const { queue, key } = this.#owned;
    const why =
      answer === 'ROLLBACK' ? 'which needs context.autoCommit = false' : 'which is no orderly result';
    this.#ports.onMisuse(wrongResult(answer, queue.topic, key, why));
  }
}
