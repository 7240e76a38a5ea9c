// SPDX-License-Identifier: Apache-2.0
/**
 * Which failed messages of a broker wait for the next round, which are in the present one, which wait to be delivered again
 * from here? Held by reference: a storm of failures grows these lists, so no event may copy them.
 */
import type { RocketmqError } from '../../errors/errors.ts';
import type { Returning } from './send-back-job.ts';

/** The messages that are sent side by side; each leaves it once, when it was taken or when the round is given up. */
export class Round {
  readonly #open: Set<Returning>;
  readonly #errors = new Map<Returning, RocketmqError>();

  constructor(messages: readonly Returning[]) {
    this.#open = new Set(messages);
  }

  get messages(): readonly Returning[] {
    return [...this.#open];
  }

  /** False when it is not in the round any more: somebody else has it. */
  take(message: Returning): boolean {
    return this.#open.delete(message);
  }

  refuse(message: Returning, error: RocketmqError): void {
    if (this.#open.has(message)) this.#errors.set(message, error);
  }

  /** Why a message was not taken; undefined when its answer never came. */
  errorOf(message: Returning): RocketmqError | undefined {
    return this.#errors.get(message);
  }

  /** Ends the round: what nobody has taken. Answers that come later find nothing. */
  giveUp(): readonly Returning[] {
    const { messages } = this;
    this.#open.clear();
    return messages;
  }
}

type Kind = Returning['way']['kind'];

/** Of one broker. */
export class BrokerBoard {
  #waiting: Returning[] = [];
  #round = new Round([]);

  /** What the one that waits longest is to become; undefined when none waits. */
  get next(): Kind | undefined {
    return this.#waiting[0]?.way.kind;
  }

  get round(): Round {
    return this.#round;
  }

  add(message: Returning): void {
    this.#waiting.push(message);
  }

  /** All that wait and go that way are the next round. */
  beginRound(kind: Kind): void {
    this.#round = new Round(this.#waiting.filter(({ way }) => way.kind === kind));
    this.#waiting = this.#waiting.filter(({ way }) => way.kind !== kind);
  }

  /** What the present round did not get rid of is tried another way. */
  beginFallback(): void {
    this.#round = new Round(this.#round.giveUp());
  }

  /** Nobody sends for this broker any more: all that it had. */
  giveUp(): readonly Returning[] {
    const all = [...this.#round.giveUp(), ...this.#waiting];
    this.#waiting = [];
    return all;
  }
}

/** Of all brokers, each from its first failure on. */
export class BrokerBoards {
  readonly #boards = new Map<string, BrokerBoard>();

  get brokerNames(): readonly string[] {
    return [...this.#boards.keys()];
  }

  of(brokerName: string): BrokerBoard {
    const known = this.#boards.get(brokerName);
    if (known !== undefined) return known;
    const board = new BrokerBoard();
    this.#boards.set(brokerName, board);
    return board;
  }
}

/** What nobody took. */
export class LocalBoard {
  #waiting: Returning[] = [];
  #paused: readonly Returning[] = [];

  get hasWaiting(): boolean {
    return this.#waiting.length > 0;
  }

  add(messages: readonly Returning[]): void {
    for (const message of messages) this.#waiting.push(message);
  }

  /** Those that come from here on wait for the next pause. */
  beginPause(): void {
    this.#paused = this.#waiting;
    this.#waiting = [];
  }

  endPause(): readonly Returning[] {
    const paused = this.#paused;
    this.#paused = [];
    return paused;
  }
}
