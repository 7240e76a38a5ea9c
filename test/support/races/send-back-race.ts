// SPDX-License-Identifier: Apache-2.0
/** Failed messages of two brokers that accept, refuse, hang and lose answers as they like: does each end once, and rightly? */
import { createActor } from 'xstate';
import type { RetryPolicy } from '../../../src/config/retry-policy.ts';
import { ConnectionError, RocketmqError } from '../../../src/errors/errors.ts';
import { decide } from '../../../src/machines/send-back/send-back.logic.ts';
import { sendBackMachine } from '../../../src/machines/send-back/send-back.machine.ts';
import type { Returning, SendBackJob } from '../../../src/machines/send-back/send-back-job.ts';
import { TestClock } from '../../../src/testing/test-clock.ts';
import { aQueue, messageAt } from '../builders.ts';
import { type Chance, defineRace, type RaceWorld, settled } from './race-kit.ts';

const refused = new ConnectionError('RMQ_CONNECTION_LOST', 'gone');
const thrown = new RocketmqError('RMQ_LISTENER_FAILED', 'no');
const brokers = ['broker-a', 'broker-b'];
/** Unit: ms. */
const localPause = 5000;
const roundLimit = 30_000;

/** What the test knows of one failed message. */
interface Known {
  readonly brokerName: string;
  readonly offset: number;
  /** The retryPolicy let go of it. */
  isDropped: boolean;
  /** A request of it was answered with success while somebody waited for that. */
  isAccepted: boolean;
  /** Last asked to take it. Unit: ms. */
  askedAt: number;
  wasCopied: boolean;
  ended: 'settled' | 'redelivered' | undefined;
}

type Kind = 'fail' | 'short' | 'long' | 'hang';

class SendBackWorld implements RaceWorld<Kind> {
  readonly clock = new TestClock();
  readonly problems: string[] = [];
  readonly #chance: Chance;
  readonly #known: Known[] = [];
  readonly #actor;
  /** Brokers that answer nothing at present. */
  readonly #hanging = new Set<string>();
  #isCalm = false;
  #isOver = false;

  constructor(chance: Chance) {
    this.#chance = chance;
    this.#actor = createActor(sendBackMachine, {
      clock: this.clock,
      input: {
        ...{ localRetryPause: localPause, roundLimit, parent: { send: () => {} } },
        port: {
          decide: job => decide(job, { isOrderly: false, maxReconsumeTimes: 3, retryPolicy: this.#policy }),
          sendBack: (message, signal) => this.#ask('36', message, signal),
          sendToRetryTopic: (message, signal) => this.#ask('copy', message, signal),
        },
      },
    });
    this.#actor.subscribe({ error: error => this.problems.push(`it died of ${String(error)}`) });
    this.#actor.start();
  }

  take(kind: Kind, dice: number): unknown {
    switch (kind) {
      case 'fail':
        return this.#fail(1 + (dice % 4), dice >> 2);
      case 'short':
        return this.clock.advance([10, 200, 1000][dice % 3] ?? 0);
      case 'long':
        return this.clock.advance([localPause, roundLimit][dice % 2] ?? 0);
      case 'hang':
        return this.#toggle(brokers[dice % 2] ?? '');
    }
  }

  async finish(dice: number): Promise<string> {
    if (dice % 3 === 0) return this.#stop();
    this.#isCalm = true;
    for (let i = 0; i < 60 && this.#open().length > 0; i++) {
      await this.#chance.exhaust(this.clock);
      await this.clock.advance(localPause);
    }
    for (const { offset } of this.#open()) this.problems.push(`${offset} never ended`);
    const end = this.#endOf();
    await this.#stop();
    return end;
  }

  /** In words, the worst first. */
  #endOf(): string {
    const all = this.#known;
    if (all.length === 0) return 'nothing failed';
    if (all.some(({ ended }) => ended === 'redelivered')) return 'some delivered again from here';
    if (all.some(({ wasCopied }) => wasCopied)) return 'all taken, some as copies';
    return all.every(({ isDropped }) => isDropped) ? 'all dropped' : 'all taken by their brokers';
  }

  async #stop(): Promise<string> {
    const wasAtWork = this.#open().length > 0;
    this.#actor.stop();
    this.#isOver = true;
    await this.#chance.exhaust(this.clock);
    await this.clock.advance(2 * roundLimit);
    if (this.clock.pending > 0) this.problems.push(`${this.clock.pending} timers left`);
    return wasAtWork ? 'hard stop at work' : 'hard stop at rest';
  }

  /** What the policy says of a message is its offset's business. */
  readonly #policy: RetryPolicy = (_, __, { queueOffset }) => {
    const answer = (['drop', undefined, 3, 'deadLetter', undefined, new Error('no')] as const)[
      queueOffset % 6
    ];
    if (answer instanceof Error) throw answer;
    return answer;
  };

  async #fail(count: number, dice: number): Promise<void> {
    const brokerName = brokers[dice % 2] ?? '';
    const isFree = this.#open().every(each => each.brokerName !== brokerName);
    const jobs = Array.from({ length: count }, (_, i) => this.#job(brokerName, dice + i));
    const fresh = this.#known.slice(-count);
    this.#actor.send({ type: 'messages.failed', jobs });
    await settled();
    const toSend = fresh.filter(({ isDropped }) => !isDropped);
    // Whatever another broker does; retries and dead letters take turns, so not all of them are asked for at once.
    if (isFree && toSend.length > 0 && toSend.every(({ askedAt }) => askedAt < 0))
      this.problems.push(`${toSend[0]?.offset} waits, and nothing of ${brokerName} was under way`);
  }

  #job(brokerName: string, dice: number): SendBackJob {
    const offset = this.#known.length;
    const known: Known = {
      ...{ brokerName, offset, isAccepted: false, askedAt: -1, wasCopied: false, ended: undefined },
      isDropped: false,
    };
    this.#known.push(known);
    const delayLevel = [0, 0, 0, 2, -1][dice % 5] ?? 0;
    const message = messageAt(offset, { reconsumeTimes: dice % 4 });
    known.isDropped = delayLevel === 0 && offset % 6 === 0;
    return {
      queue: { ...aQueue, brokerName },
      failed: { epoch: 1, ticket: offset, message, delayLevel, error: thrown },
      settle: () => this.#end(known, 'settled'),
      redeliver: () => this.#end(known, 'redelivered'),
    };
  }

  #end(known: Known, how: 'settled' | 'redelivered'): void {
    const { offset, ended, isAccepted, isDropped, askedAt } = known;
    if (this.#isOver) this.problems.push(`${offset} ${how} after the stop`);
    if (ended !== undefined) this.problems.push(`${offset} ${how}, and ${ended} before`);
    known.ended = how;
    if (how === 'settled' && !isAccepted && !isDropped)
      this.problems.push(`${offset} settled, and nobody took it`);
    if (how === 'settled') return;
    if (isAccepted) this.problems.push(`${offset} delivered again, and somebody took it`);
    const rested = this.clock.now() - askedAt;
    if (rested < localPause) this.problems.push(`${offset} delivered again ${rested} ms after it was tried`);
  }

  #ask(way: '36' | 'copy', { job }: Returning, signal: AbortSignal): Promise<void> {
    const known = this.#known[job.failed.message.queueOffset];
    if (known === undefined) throw new Error('a message that never failed');
    if (known.ended !== undefined) this.problems.push(`${known.offset} sent by ${way} after it had ended`);
    if (way === 'copy' && known.askedAt < 0)
      this.problems.push(`${known.offset} copied before its broker was asked`);
    known.askedAt = this.clock.now();
    if (way === 'copy') known.wasCopied = true;
    if (this.#hanging.has(known.brokerName)) return new Promise(() => {});
    return this.#chance.later(`${way} ${known.offset}`, () => this.#answer(known, signal));
  }

  #answer(known: Known, signal: AbortSignal): void | Promise<void> {
    const dice = this.#isCalm ? 0 : this.#chance.below(10);
    if (dice === 9) return new Promise(() => {}); // it may have it, but nobody will know
    if (dice >= 6) throw refused;
    if (!signal.aborted) known.isAccepted = true;
  }

  #toggle(brokerName: string): void {
    if (!this.#hanging.delete(brokerName)) this.#hanging.add(brokerName);
  }

  #open(): readonly Known[] {
    if (this.#isCalm) this.#hanging.clear();
    return this.#known.filter(({ ended }) => ended === undefined);
  }
}

export const sendBackRace = defineRace<Kind>({
  name: 'send-back',
  ends: [
    ...['nothing failed', 'all dropped', 'all taken by their brokers', 'all taken, some as copies'],
    ...['some delivered again from here', 'hard stop at rest', 'hard stop at work'],
  ],
  weights: { fail: 6, short: 4, long: 2, hang: 1 },
  world: chance => new SendBackWorld(chance),
});
