// SPDX-License-Identifier: Apache-2.0
/**
 * Which failed messages wait for the next round, which are in the present one, which wait to be delivered again from here?
 * Held by reference: a storm of failures grows these lists, so no event may copy them.
 */
import type { RocketmqError } from '../../errors/errors.ts';
import type { SendBackJob } from './send-back-job.ts';

/** The messages that are sent side by side; each leaves it once, when it was taken or when the round is given up. */
export class Round {
  readonly #open: Set<SendBackJob>;
  readonly #errors = new Map<SendBackJob, RocketmqError>();

  constructor(jobs: readonly SendBackJob[]) {
    this.#open = new Set(jobs);
  }

  get jobs(): readonly SendBackJob[] {
    return [...this.#open];
  }

  /** False when it is not in the round any more: somebody else has it. */
  take(job: SendBackJob): boolean {
    return this.#open.delete(job);
  }

  refuse(job: SendBackJob, error: RocketmqError): void {
    if (this.#open.has(job)) this.#errors.set(job, error);
  }

  /** Why a message was not taken; undefined when its answer never came. */
  errorOf(job: SendBackJob): RocketmqError | undefined {
    return this.#errors.get(job);
  }

  /** Ends the round: what nobody has taken. Answers that come later find nothing. */
  giveUp(): readonly SendBackJob[] {
    const { jobs } = this;
    this.#open.clear();
    return jobs;
  }
}

export class JobBoard {
  #waiting: SendBackJob[] = [];
  #local: SendBackJob[] = [];
  #paused: readonly SendBackJob[] = [];
  #round = new Round([]);

  get hasWaiting(): boolean {
    return this.#waiting.length > 0;
  }

  get hasLocal(): boolean {
    return this.#local.length > 0;
  }

  get round(): Round {
    return this.#round;
  }

  add(jobs: readonly SendBackJob[]): void {
    for (const job of jobs) this.#waiting.push(job);
  }

  /** All that wait are the next round. */
  beginRound(): void {
    this.#round = new Round(this.#waiting);
    this.#waiting = [];
  }

  /** What the present round did not get rid of is tried another way. */
  beginFallback(): void {
    this.#round = new Round(this.#round.giveUp());
  }

  keepForLocalRetry(jobs: readonly SendBackJob[]): void {
    for (const job of jobs) this.#local.push(job);
  }

  /** Those that come from here on wait for the next pause. */
  beginPause(): void {
    this.#paused = this.#local;
    this.#local = [];
  }

  endPause(): readonly SendBackJob[] {
    const paused = this.#paused;
    this.#paused = [];
    return paused;
  }
}
