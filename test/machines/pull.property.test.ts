// SPDX-License-Identifier: Apache-2.0
// Whatever comes in whatever order, damage, seeks, suspensions, time gaps: nothing is passed over but what was decided upon.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createActor } from 'xstate';
import { ConnectionError, ProtocolError } from '../../src/errors/errors.ts';
import { SharedFlow } from '../../src/flow/flow-gate.ts';
import { OwnedQueue } from '../../src/flow/owned-queue.ts';
import { pullMachine } from '../../src/machines/pull/pull.machine.ts';
import type { PullPort, PullReport } from '../../src/machines/pull/pull.types.ts';
import type { MessageExt } from '../../src/model/message.ts';
import type { QueueOffset } from '../../src/model/queue-offset.ts';
import { TestClock } from '../../src/testing/test-clock.ts';
import type { PullAnswer } from '../../src/transport/pull-calls.ts';
import { aQueue, at, bytesOf, messagesBetween, turn } from '../support/builders.ts';
import { takeFrom } from '../support/taken.ts';

const end = 60;
const batch = 7;

/** A queue of 60 messages; some are damaged for so many answers, some for ever. */
class DamagedQueue {
  readonly clock = new TestClock();
  readonly problems: string[] = [];
  readonly tickets: { told: number }[] = [];
  readonly decided = new Map<number, 'halt' | 'skip'>();
  readonly owned: OwnedQueue<MessageExt>;
  readonly actor;
  readonly #damaged: Map<number, number>;
  readonly #verdicts: (() => void)[] = [];
  readonly #pulls: { readonly offset: number; readonly answer: (outcome: PullAnswer) => void }[] = [];
  /** Where the present epoch began, and what of it was passed over. */
  #from = 0;
  readonly #skipped = new Set<number>();
  readonly #seen = new Set<number>();
  #troubled = 0;

  constructor(damaged: ReadonlyMap<number, number>) {
    this.#damaged = new Map(damaged);
    const shared = new SharedFlow({
      ...{ countOfQueue: 15, bytesOfQueue: 1e9, spanOfQueue: 1e9, countOfAll: 1e9, bytesOfAll: 1e9 },
    });
    this.owned = new OwnedQueue<MessageExt>(
      aQueue,
      {
        advance: point => this.#advance(point),
        reset: point => this.#restart(point),
        handed: undefined,
      },
      shared,
    );
    this.actor = createActor(pullMachine, {
      clock: this.clock,
      input: {
        owned: this.owned,
        port: this.#port(),
        suspended: false,
        parent: { send: report => this.#hear(report) },
        settings: {
          ...{ handoverPause: 0, pullInterval: 0, flowControlInterval: 50, maxRereads: 3 },
          ...{ random: () => 0.5, now: () => this.clock.now() },
        },
      },
    });
    this.actor.start();
  }

  answer(): void {
    for (const { offset, answer } of this.#pulls.splice(0)) answer(this.#answerTo(offset));
  }

  fail(): void {
    const error = new ConnectionError('RMQ_CONNECTION_LOST', 'lost');
    for (const { answer } of this.#pulls.splice(0)) answer({ kind: 'failed', error });
  }

  /** The policy says what it has to say. */
  decide(): void {
    for (const tell of this.#verdicts.splice(0)) tell();
  }

  seek(offset: number): void {
    const ticket = { told: 0 };
    this.tickets.push(ticket);
    const told = (): void => {
      ticket.told++;
    };
    this.actor.send({
      ...{ type: 'queue.seek', offset: at(offset), reason: 'seek', ticket: { done: told, refused: told } },
    });
  }

  consume(): void {
    const { first, messages } = takeFrom(this.owned, 20);
    for (const [i, { queueOffset }] of messages.entries()) {
      this.#seen.add(queueOffset);
      this.owned.finish(this.owned.epoch, first + i);
    }
  }

  /** Of the present epoch, what should have been delivered by now and was not. */
  missing(): readonly number[] {
    const to = this.owned.pulledTo ?? 0;
    const wanted = Array.from({ length: Math.max(0, to - this.#from) }, (_, i) => this.#from + i);
    return wanted.filter(offset => !this.#seen.has(offset) && !this.#skipped.has(offset));
  }

  #port(): PullPort {
    return {
      permit: undefined,
      resolveStart: async () => ({ offset: at(0), stored: true }),
      pull: (offset, _, answer) => {
        if (this.#pulls.length > 0) this.problems.push(`a second pull at ${offset}`);
        this.#pulls.push({ offset, answer });
      },
      withdraw: () => {
        this.#pulls.length = 0;
      },
      judge: ({ queueOffset }) => {
        const verdict = queueOffset % 2 === 0 ? 'skip' : 'halt';
        this.decided.set(queueOffset, verdict);
        return new Promise(resolve => {
          this.#verdicts.push(() => resolve(verdict));
        });
      },
      readCommitted: async () => undefined,
      correct: async () => {},
      takeCommit: () => undefined,
      settleCommit: () => {},
      withholdCommits: () => {},
    };
  }

  #answerTo(offset: number): PullAnswer {
    if (offset >= end) return { kind: 'none', nextOffset: at(end), mayRepeat: false };
    const stop = Math.min(end, offset + batch);
    for (let bad = offset; bad < stop; bad++) {
      const left = this.#damaged.get(bad) ?? 0;
      if (left <= 0) continue;
      this.#damaged.set(bad, left - 1);
      const messages = messagesBetween(offset, bad);
      const error = new ProtocolError('RMQ_BAD_MESSAGE', `message ${bad}`);
      return { kind: 'damaged', messages, bytes: bytesOf(messages), nextOffset: at(bad), error };
    }
    const messages = messagesBetween(offset, stop);
    return { kind: 'found', messages, bytes: bytesOf(messages), nextOffset: at(stop) };
  }

  #restart(point: QueueOffset): void {
    this.#from = point;
    this.#seen.clear();
    this.#skipped.clear();
  }

  #advance(point: QueueOffset): void {
    for (let offset = this.#from; offset < point; offset++) {
      const isDone = this.#seen.has(offset) || this.#skipped.has(offset);
      if (!isDone) this.problems.push(`the commit point passes ${offset}`);
    }
  }

  #hear(report: PullReport): void {
    if (report.type === 'fault') this.problems.push(report.error.message);
    if (report.type === 'pull.troubled' && report.error.code === 'RMQ_BAD_MESSAGE') this.#troubled++;
    if (report.type !== 'pull.skipped') return;
    const { queueOffset } = report;
    if (this.decided.get(queueOffset) !== 'skip') this.problems.push(`${queueOffset} skipped unasked`);
    if (this.#troubled-- < 1) this.problems.push(`${queueOffset} skipped untold`);
    this.#skipped.add(queueOffset);
  }
}

const steps = {
  answer: world => world.answer(),
  consume: world => world.consume(),
  wait: world => world.clock.advance(600),
  decide: world => world.decide(),
  fail: world => world.fail(),
  suspend: world => world.actor.send({ type: 'queue.suspend' }),
  resume: world => world.actor.send({ type: 'queue.resume' }),
  verify: world => world.actor.send({ type: 'queue.verify' }),
} as const satisfies Readonly<Record<string, (world: DamagedQueue) => unknown>>;

const aStep = fc.oneof(
  {
    weight: 10,
    arbitrary: fc.constantFrom<keyof typeof steps>('answer', 'consume', 'wait'),
  },
  { weight: 4, arbitrary: fc.constantFrom(...(Object.keys(steps) as (keyof typeof steps)[])) }, // the table's own names
  { weight: 1, arbitrary: fc.nat(end - 1) },
);
const someDamage = fc
  .array(fc.tuple(fc.nat(end - 1), fc.constantFrom(1, 2, 4, 1e9)), { maxLength: 5 })
  .map(pairs => new Map(pairs));

/** It is resumed, everybody answers, and wherever it halts a seek leads on. */
async function toItsEnd(world: DamagedQueue): Promise<void> {
  for (let i = 0; i < 400 && (world.owned.pulledTo ?? 0) < end; i++) {
    const { value } = world.actor.getSnapshot();
    if (value === 'paused') steps.resume(world);
    if (value === 'halted') world.seek((world.owned.pulledTo ?? 0) + 1);
    for (const step of ['answer', 'consume', 'decide', 'wait'] as const) await steps[step](world);
    await turn();
  }
  world.consume();
}

describe('pulling a queue with damaged messages', () => {
  it('passes over nothing that was not decided upon, tells it first, and always gets to the end', async () => {
    await fc.assert(
      fc.asyncProperty(someDamage, fc.array(aStep, { maxLength: 60 }), async (damaged, path) => {
        const world = new DamagedQueue(damaged);
        await turn();
        for (const step of path) {
          if (typeof step === 'number') world.seek(step);
          else await steps[step](world);
          await turn();
        }
        await toItsEnd(world);
        expect(world.problems).toEqual([]);
        expect([world.owned.pulledTo, world.missing(), world.owned.commitPoint]).toEqual([end, [], end]);
        world.actor.send({ type: 'queue.revoke' });
        expect(world.tickets.filter(({ told }) => told !== 1)).toEqual([]);
        expect(world.clock.pending).toBe(0);
      }),
      { seed: 20_261_123, numRuns: 300 },
    );
  });
});
