// SPDX-License-Identifier: Apache-2.0
/**
 * Who calls an orderly listener, with which messages, and what follows from its answer? Plain code owned by the consume
 * actor of one queue. Source: ConsumeMessageOrderlyService, ProcessQueue.
 *
 * Invariants (test/unit/listeners/orderly-dispatcher*.test.ts): 1. a lane has at most one running call, also across
 * epochs; 2. within an epoch its offsets rise, except that the very same messages come again; 3. a message is finished
 * only by SUCCESS, COMMIT or an accepted dead letter; 4. no call starts without mayDeliver and the lock; 5. one slot for
 * each running call, given back after each batch, or when the call is stuck. That replaces Java's slice of 60 s for which a queue may keep its
 * thread: whoever stands in the line for a slot comes before this queue's next batch.
 */
import type { RocketmqError } from '../errors/errors.ts';
import type { Epoch, OwnedQueue } from '../flow/owned-queue.ts';
import type { MessageExt } from '../model/message.ts';
import type { MessageQueue } from '../model/message-queue.ts';
import type { QueueOffset } from '../model/queue-offset.ts';
import { CallSignals } from './call-signals.ts';
import type { ContextOwner } from './consume-context.ts';
import type { Dispatcher, FailedMessage } from './dispatcher.ts';
import { type Gathering, gatheringOf } from './gathering.ts';
import type { HandlerSlots, SlotClient } from './handler-slots.ts';
import { LaneBook, type NextBatch } from './lane-book.ts';
import { LaneOutcomes, type OrderlyCall } from './lane-outcomes.ts';
import type { MessageBatch } from './listener.ts';
import { OrderlyCallContext, shownMessage } from './orderly-context.ts';
import type { OrderlyPorts, OrderlySettings } from './orderly-ports.ts';
import {
  isThenable,
  listenerFailed,
  listenerStuck,
  type OrderlyVerdict,
  orderlyVerdictOf,
  toPromise,
  wrongResult,
} from './outcome.ts';
import { RunningCalls } from './running-calls.ts';

/** `finishing`: given up, but what lies before a started message may still start. `dropped`: given up. */
type Mode = 'closed' | 'open' | 'finishing' | 'dropped';

export class OrderlyDispatcher implements Dispatcher, SlotClient, ContextOwner {
  readonly #owned: OwnedQueue<MessageExt>;
  readonly #slots: HandlerSlots;
  readonly #settings: OrderlySettings;
  readonly #ports: OrderlyPorts;
  readonly signals: CallSignals;
  readonly #gathering: Gathering | undefined;
  readonly #book: LaneBook;
  readonly #outcomes: LaneOutcomes;
  #mode: Mode = 'closed';
  readonly #calls = new RunningCalls<OrderlyCall>();
  #runningMessages = 0;
  /** A listener that ends at once comes back in here: the loop that called it goes on, no deeper stack. */
  #isStarting = false;
  /** Arrival of the messages whose wait for a batch somebody counts; infinity when there are none. Monotonic ms. */
  #gathersSince = Number.POSITIVE_INFINITY;
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
    this.#settings = settings;
    this.#ports = ports;
    this.signals = new CallSignals(ports.stopSignal);
    this.#gathering = gatheringOf({ ...settings, now: () => ports.now() });
    this.#book = new LaneBook(owned, message => ports.laneOf(message), this.#gathering);
    this.#outcomes = new LaneOutcomes(this.#book, settings, ports);
    owned.countRunningBy(() => this.#runningMessages);
  }

  get queue(): MessageQueue {
    return this.#owned.queue;
  }

  get committed(): QueueOffset | undefined {
    return this.#owned.committed;
  }

  get isOpen(): boolean {
    return this.#mode === 'open';
  }

  get isAtWork(): boolean {
    return this.#mode === 'open' || this.#mode === 'finishing' || this.runningCalls > 0;
  }

  get runningCalls(): number {
    return this.#calls.running;
  }

  get hasStuck(): boolean {
    return this.#calls.stuck > 0;
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
    this.gathered();
  }

  close(): void {
    if (this.#mode === 'open') this.#mode = 'closed';
    this.#gathersSince = Number.POSITIVE_INFINITY;
    this.#slots.leave(this);
  }

  noteArrival(): void {
    this.#gathering?.noteArrival(this.#owned.epoch, this.#owned.endTicket);
  }

  pump(): void {
    this.#takeIn();
    if (this.#isStarting) return;
    while (this.#mayStart()) {
      if (!this.#slots.tryTake()) {
        this.#slots.queueUp(this);
        break;
      }
      this.#startNext();
    }
    if (this.#gathering !== undefined) this.#gather();
  }

  gathered(): void {
    this.#gathersSince = Number.POSITIVE_INFINITY;
    this.#outcomes.catchUp();
    this.#book.ripen();
    this.pump();
  }

  sweep(awakeMs: number): void {
    this.#calls.sweep(awakeMs, this.#settings.consumeTimeoutMs, ({ messages, context }, runningMs) => {
      for (const message of messages) this.#ports.onStuck(message, runningMs);
      const error = listenerStuck(messages[0], this.#owned.key, runningMs);
      context.expire(error);
      this.#ports.onListenerError(error);
      this.#slots.giveBack();
    });
  }

  startOne(): void {
    this.#takeIn();
    if (this.#isStarting) return;
    if (this.#mayStart() && this.#slots.tryTake()) {
      this.#startNext();
      if (this.#isDue()) this.#slots.queueUp(this);
    }
    if (this.#gathering !== undefined) this.#gather();
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
    this.signals.abort(reason);
  }

  approve(upTo: QueueOffset, epoch: Epoch): void {
    this.#owned.approve(upTo, epoch);
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

  /** A lane that ran meanwhile may have waited longer than the one it is counted for. */
  #gather(): void {
    const gathering = this.#mode === 'open' ? this.#book.gathering : undefined;
    if (gathering === undefined || gathering.since >= this.#gathersSince) return;
    this.#gathersSince = gathering.since;
    this.#ports.onGather(gathering.left);
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
      const batch = this.#book.takeNext(this.#settings.batchSize, this.#outcomes.limit);
      if (batch === undefined) this.#slots.giveBack();
      else this.#call(batch);
    } finally {
      this.#isStarting = false;
    }
  }

  #call({ lane, entries }: NextBatch): void {
    const [first, ...others] = entries;
    const messages: MessageBatch = [shownMessage(first), ...others.map(shownMessage)];
    const { epoch } = this.#book;
    const context = new OrderlyCallContext(this, messages, epoch);
    const call: OrderlyCall = {
      ...{ lane, entries, epoch, messages, context },
      timed: this.#ports.watch?.begin(),
    };
    this.#runningMessages += messages.length;
    this.#slots.started(messages.length);
    if (this.#calls.all === 0) this.#ports.outlived.begin(this.#owned.key, this);
    this.#calls.begin(call);
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
    const was = this.#calls.end(call);
    if (this.#calls.all === 0) this.#ports.outlived.end(this.#owned.key, this);
    call.context.end();
    const isHandled = verdict === 'commit' || verdict === 'keep';
    const done = isHandled ? call.entries.length : 0;
    this.#slots.ended(done, call.entries.length - done);
    this.#ports.watch?.end(call.timed, done, call.entries.length - done);
    this.#outcomes.catchUp();
    this.#outcomes.follow(call, verdict, error);
    if (was === 'running') this.#slots.giveBack();
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
