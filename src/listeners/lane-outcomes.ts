// SPDX-License-Identifier: Apache-2.0
/** What becomes of a lane and its messages when a listener call has ended: on, once more after a pause, or to the dead letters? */
import type { RocketmqError } from '../errors/errors.ts';
import type { Epoch } from '../flow/owned-queue.ts';
import type { Ticket } from '../flow/process-queue.ts';
import type { TimedCall } from './call-watch.ts';
import type { FailedMessage } from './dispatcher.ts';
import type { Lane, LaneEntry } from './lane.ts';
import type { LaneBook, NextBatch } from './lane-book.ts';
import type { MessageBatch } from './listener.ts';
import { type OrderlyCallContext, restOf } from './orderly-context.ts';
import type { OrderlyPorts, OrderlySettings } from './orderly-ports.ts';
import type { OrderlyVerdict } from './outcome.ts';

/** A listener call, running or ended. */
export interface OrderlyCall extends NextBatch {
  readonly epoch: Epoch;
  /** As the listener sees them. */
  readonly messages: MessageBatch;
  readonly context: OrderlyCallContext;
  /** Set for a call that is timed. */
  readonly timed: TimedCall | undefined;
}

/** A message on its way to the dead letters. */
interface Returning {
  readonly lane: Lane;
  readonly entry: LaneEntry;
}

export class LaneOutcomes {
  readonly #book: LaneBook;
  readonly #settings: OrderlySettings;
  readonly #ports: OrderlyPorts;
  readonly #returning = new Map<Ticket, Returning>();
  readonly #resting = new Map<number, Lane>();
  #rests = 0;
  /** Nothing from here on need be started; infinity until the queue is given up. */
  #limit: Ticket = Number.POSITIVE_INFINITY;

  constructor(book: LaneBook, settings: OrderlySettings, ports: OrderlyPorts) {
    this.#book = book;
    this.#settings = settings;
    this.#ports = ports;
  }

  /** Messages on their way to the dead letters. */
  get returning(): number {
    return this.#returning.size;
  }

  get isResting(): boolean {
    return this.#resting.size > 0;
  }

  get limit(): Ticket {
    return this.#limit;
  }

  catchUp(): void {
    if (this.#book.catchUp()) this.#returning.clear();
  }

  /** The queue is given up: no pause ends here any more, and what is done behind an unfinished message would be delivered twice. */
  giveUp(): void {
    this.#resting.clear();
    this.#book.gatherNoMore();
    this.#limit = this.#book.endOfGaps;
  }

  /** A result of an old epoch touches no message: its lane goes on with the new ones. */
  follow(call: OrderlyCall, verdict: OrderlyVerdict, error: RocketmqError | undefined): void {
    const { lane, entries, context } = call;
    if (call.epoch !== this.#book.epoch) {
      this.#goOn(lane);
      return;
    }
    switch (verdict) {
      case 'commit':
        this.#book.finish(lane.takeUncommitted());
        this.#book.finish(entries);
        this.#goOn(lane);
        return;
      case 'keep':
        lane.keep(entries);
        this.#notBeyond(entries[0]);
        this.#goOn(lane);
        return;
      case 'rollback':
        lane.repeat([...lane.takeUncommitted(), ...entries]);
        this.#rest(lane, restOf(context, this.#settings.suspendMs));
        return;
      case 'later':
      case 'notAResult':
        this.#repeatOrBury(call, error);
    }
  }

  /** The pause with this number is over. */
  wake(rest: number): void {
    const lane = this.#resting.get(rest);
    this.#resting.delete(rest);
    if (lane !== undefined) this.#goOn(lane);
  }

  /** The dead letters have it. */
  settle(failed: FailedMessage): void {
    const returned = this.#takeReturned(failed);
    if (returned === undefined) return;
    this.#book.finish([returned.entry]);
    this.#noteReturned(returned.lane);
  }

  /** Nobody took it: it comes once more after the pause its listener asked for. */
  redeliver(failed: FailedMessage): void {
    const returned = this.#takeReturned(failed);
    if (returned === undefined) return;
    returned.lane.repeat([returned.entry]);
    this.#noteReturned(returned.lane);
  }

  /** Source: ConsumeMessageOrderlyService.checkReconsumeTimes, with an explicit dead letter in place of a send to %RETRY%. */
  #repeatOrBury(call: OrderlyCall, error: RocketmqError | undefined): void {
    const { epoch, lane, entries, messages, context } = call;
    const { maxReconsumeTimes: max, suspendMs } = this.#settings;
    const failed: FailedMessage[] = [];
    for (const [i, before] of entries.entries()) {
      const { ticket, message } = before;
      const entry = { ...before, failures: before.failures + 1 };
      const shown = messages[i] ?? message;
      if (max < 0 || shown.reconsumeTimes < max) lane.repeat([entry]);
      else {
        failed.push({ epoch, ticket, message: shown, delayLevel: -1, error });
        this.#returning.set(ticket, { lane, entry });
      }
    }
    lane.restMs = restOf(context, suspendMs);
    if (failed.length === 0) {
      this.#rest(lane, lane.restMs);
      if (error !== undefined) this.#ports.onListenerError(error);
      return;
    }
    lane.state = 'returning';
    lane.returning = failed.length;
    this.#ports.onFailed(failed);
  }

  #takeReturned(failed: FailedMessage): Returning | undefined {
    if (failed.epoch !== this.#book.epoch) return undefined;
    const returned = this.#returning.get(failed.ticket);
    this.#returning.delete(failed.ticket);
    return returned;
  }

  #noteReturned(lane: Lane): void {
    lane.returning--;
    if (lane.returning > 0) return;
    if (lane.repeats) this.#rest(lane, lane.restMs);
    else this.#goOn(lane);
  }

  #goOn(lane: Lane): void {
    lane.state = 'idle';
    this.#book.place(lane);
  }

  #rest(lane: Lane, ms: number): void {
    lane.state = 'resting';
    if (lane.first !== undefined) this.#notBeyond(lane.first);
    if (this.#isGivenUp) return; // the next delivery is another owner's
    const rest = ++this.#rests;
    this.#resting.set(rest, lane);
    this.#ports.onRest(rest, ms);
  }

  get #isGivenUp(): boolean {
    return this.#limit !== Number.POSITIVE_INFINITY;
  }

  /** It stays unfinished here. */
  #notBeyond({ ticket }: LaneEntry): void {
    if (this.#isGivenUp) this.#limit = Math.min(this.#limit, ticket);
  }
}
