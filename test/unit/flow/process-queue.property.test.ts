// SPDX-License-Identifier: Apache-2.0
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Held, ProcessQueue } from '../../../src/flow/process-queue.ts';
import { at, offsetsOf } from '../../support/builders.ts';
import { takeFrom } from '../../support/taken.ts';

/** What a process queue must be, as plainly as possible: every message ever admitted, with its state. */
class Model {
  readonly entries: {
    readonly message: Held;
    readonly frame: number;
    state: 'waiting' | 'running' | 'done' | 'dropped';
  }[] = [];
  /** Their sizes. */
  readonly frames: number[] = [];
  /** Index in entries by ticket. */
  readonly tickets = new Map<number, number>();
  pulledTo = 100;

  admit(messages: readonly Held[], nextOffset: number, frameBytes: number): void {
    const frame = this.frames.push(frameBytes) - 1;
    for (const message of messages) this.entries.push({ message, frame, state: 'waiting' });
    this.pulledTo = nextOffset;
  }

  take(max: number): number[] {
    const taken = this.indexesOf('waiting').slice(0, max);
    for (const index of taken) this.set(index, 'running');
    return taken;
  }

  finish(index: number): void {
    if (this.entries[index]?.state === 'running') this.set(index, 'done');
  }

  dropWaiting(): number {
    const waiting = this.indexesOf('waiting');
    const [first] = waiting;
    if (first !== undefined) this.pulledTo = this.entries[first]?.message.queueOffset ?? 0;
    for (const index of waiting) this.set(index, 'dropped');
    return waiting.length;
  }

  figures() {
    const unfinished = this.entries.filter(({ state }) => state === 'waiting' || state === 'running');
    const offsets = unfinished.map(({ message }) => message.queueOffset);
    return {
      count: unfinished.length,
      bytes: [...new Set(unfinished.map(({ frame }) => frame))].reduce(
        (sum, frame) => sum + (this.frames[frame] ?? 0),
        0,
      ),
      pulledTo: this.pulledTo,
      commitPoint: offsets.length === 0 ? this.pulledTo : Math.min(...offsets),
      runningCount: this.indexesOf('running').length,
      hasWaiting: this.indexesOf('waiting').length > 0,
    };
  }

  /** Between the extremes of what is not done; the newest one held may be done already. */
  spanBounds(): { readonly least: number; readonly most: number } {
    const unfinished = this.entries.filter(({ state }) => state === 'waiting' || state === 'running');
    const kept = this.entries.filter(({ state }) => state !== 'dropped');
    const oldest = unfinished[0]?.message.queueOffset ?? 0;
    const ends = (list: typeof kept) => (list.at(-1)?.message.queueOffset ?? oldest) - oldest;
    return { least: ends(unfinished), most: unfinished.length === 0 ? 0 : ends(kept) };
  }

  private indexesOf(state: string): number[] {
    return this.entries.flatMap((entry, index) => (entry.state === state ? [index] : []));
  }

  private set(index: number, state: Model['entries'][number]['state']): void {
    const entry = this.entries[index];
    if (entry !== undefined) entry.state = state;
  }
}

type Step =
  | { readonly kind: 'admit'; readonly amount: number; readonly gap: number; readonly behind: number }
  | { readonly kind: 'take'; readonly max: number }
  | { readonly kind: 'finish'; readonly pick: number }
  | { readonly kind: 'finishAgain'; readonly pick: number }
  | { readonly kind: 'drop' };

const admit = (most: number) =>
  fc.record({
    kind: fc.constant('admit' as const),
    amount: fc.nat(most),
    gap: fc.integer({ min: 1, max: 3 }),
    behind: fc.nat(5),
  });
const take = fc.record({ kind: fc.constant('take' as const), max: fc.nat(20) });
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: admit(12) },
  { weight: 1, arbitrary: admit(90) },
  { weight: 6, arbitrary: take },
  { weight: 12, arbitrary: fc.record({ kind: fc.constant('finish' as const), pick: fc.nat() }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('finishAgain' as const), pick: fc.nat() }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'drop' as const }) },
);

describe('a process queue over any sequence of admit, take, finish and drop', () => {
  it('counts, commits and hands out exactly as an array with states does', () => {
    const seen = { grown: 0, dropped: 0, emptied: 0 };
    fc.assert(
      fc.property(fc.array(step, { minLength: 30, maxLength: 60, size: 'max' }), steps => {
        const queue = new ProcessQueue<Held>(at(100));
        const model = new Model();
        let commitPoint = 100;
        for (const one of steps) {
          apply(one, queue, model);
          expectSame(figuresOf(queue), model.figures());
          const { least, most } = model.spanBounds();
          if (queue.span < least || queue.span > most) expect(queue.span).toEqual([least, most]);
          if (queue.commitPoint < commitPoint) expect(queue.commitPoint).toBe(commitPoint);
          ({ commitPoint } = queue);
          if (queue.count > 64) seen.grown++;
          if (one.kind === 'drop') seen.dropped++;
          if (queue.count === 0 && model.entries.length > 0) seen.emptied++;
        }
      }),
      { numRuns: 80 },
    );
    expect(Math.min(...Object.values(seen)), JSON.stringify(seen)).toBeGreaterThan(20);
  });
});

/** `expect` a thousand times over takes longer than all the rest. */
function expectSame(actual: object, expected: object): void {
  if (JSON.stringify(actual) !== JSON.stringify(expected)) expect(actual).toEqual(expected);
}

function figuresOf(queue: ProcessQueue<Held>) {
  const { count, bytes, pulledTo, commitPoint, runningCount, hasWaiting } = queue;
  return { count, bytes, pulledTo, commitPoint, runningCount, hasWaiting };
}

function apply(one: Step, queue: ProcessQueue<Held>, model: Model): void {
  switch (one.kind) {
    case 'admit': {
      const messages = Array.from({ length: one.amount }, (_, i) => {
        const offset = model.pulledTo + i * one.gap;
        return { queueOffset: offset };
      });
      const next = (messages.at(-1)?.queueOffset ?? model.pulledTo - 1) + 1 + one.behind;
      const frameBytes = 1000 + (next % 7);
      queue.admit(messages, at(next), frameBytes);
      model.admit(messages, next, frameBytes);
      return;
    }
    case 'take': {
      const { first, messages } = takeFrom(queue, one.max);
      const expected = model.take(one.max);
      expectSame(
        offsetsOf(messages),
        expected.map(index => model.entries[index]?.message.queueOffset),
      );
      for (const [i, index] of expected.entries()) model.tickets.set(first + i, index);
      return;
    }
    case 'finish':
    case 'finishAgain': {
      const tickets = [...model.tickets].filter(
        ([, index]) => one.kind === 'finishAgain' || model.entries[index]?.state === 'running',
      );
      const chosen = tickets[one.pick % Math.max(1, tickets.length)];
      if (chosen === undefined) return;
      const [ticket, index] = chosen;
      const before = queue.commitPoint;
      const moved = queue.finish(ticket);
      model.finish(index);
      if (moved !== (queue.commitPoint !== before)) expect(moved).toBe(!moved);
      return;
    }
    case 'drop':
      expect(queue.dropWaiting()).toBe(model.dropWaiting());
  }
}
