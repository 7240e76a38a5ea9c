// SPDX-License-Identifier: Apache-2.0
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SharedFlow } from '../../../src/flow/flow-gate.ts';
import { type CommitTarget, OwnedQueue } from '../../../src/flow/owned-queue.ts';
import type { Held } from '../../../src/flow/process-queue.ts';
import { RateLimit } from '../../../src/flow/rate-limit.ts';
import { CommitLine } from '../../../src/stores/commit-line.ts';
import { TestClock } from '../../../src/testing/test-clock.ts';
import { aQueue, at, offsetsOf } from '../../support/builders.ts';
import { takeFrom } from '../../support/taken.ts';

const roomy = {
  countOfQueue: 1e6,
  bytesOfQueue: 1e9,
  spanOfQueue: 1e6,
  countOfAll: 1e6,
  bytesOfAll: 1e9,
};
/** Size of each frame that brings messages. Unit: bytes. */
const frame = 100;

function held(from: number, to: number): Held[] {
  return Array.from({ length: to - from }, (_, i) => ({ queueOffset: from + i }));
}

/** What the commit line was told, in order. */
class Commits implements CommitTarget {
  readonly told: string[] = [];
  advance = (point: number) => this.told.push(`advance ${point}`);
  reset = (point: number, stored: boolean) => this.told.push(`reset ${point}${stored ? ' stored' : ''}`);
}

function owned(shared = new SharedFlow(roomy)) {
  const commits = new Commits();
  const queue = new OwnedQueue<Held>(aQueue, commits, shared);
  const arrivals: boolean[] = [];
  queue.whenWorkArrives(wasEmpty => arrivals.push(wasEmpty));
  return { queue, commits, arrivals, shared };
}

describe('an owned queue', () => {
  it('is nowhere before its first restart: it takes nothing in, hands nothing out, and is never throttled by itself', () => {
    const { queue, commits, shared } = owned();
    queue.admit(held(0, 3), at(3), frame);
    queue.finish(0, 0);
    expect([queue.isPlaced, queue.pulledTo, queue.commitPoint, queue.count, queue.dropWaiting()]).toEqual([
      false,
      undefined,
      undefined,
      0,
      0,
    ]);
    expect([takeFrom(queue, 5).messages, queue.gate.cause(), shared.count, commits.told]).toEqual([
      [],
      undefined,
      0,
      [],
    ]);
  });

  it('tells the commit line where it starts, and every advance of its oldest unfinished message', () => {
    const { queue, commits } = owned();
    queue.restart(at(5), true);
    queue.admit(held(5, 8), at(8), frame);
    const { first } = takeFrom(queue, 3);
    for (const ticket of [first + 1, first, first + 2]) queue.finish(queue.epoch, ticket);
    expect(commits.told).toEqual(['reset 5 stored', 'advance 7', 'advance 8']);
  });

  it('moves the commit point at once over a stretch before the first message that is held', () => {
    const { queue, commits } = owned();
    queue.restart(at(0), true);
    queue.admit(held(40, 42), at(42), frame);
    queue.admit(held(90, 91), at(91), frame);
    expect(commits.told).toEqual(['reset 0 stored', 'advance 40']);
  });

  it('moves the commit point over an empty stretch only when nothing is held', () => {
    const { queue, commits } = owned();
    queue.restart(at(0), false);
    queue.admit([], at(40), frame);
    queue.admit(held(40, 41), at(41), frame);
    queue.admit([], at(90), frame);
    queue.finish(queue.epoch, takeFrom(queue, 1).first);
    expect(commits.told).toEqual(['reset 0', 'advance 40', 'advance 90']);
  });

  it('says when messages come in and whether nothing was held before; an empty batch says nothing', () => {
    const { queue, arrivals } = owned();
    queue.restart(at(0), true);
    queue.admit(held(0, 2), at(2), frame);
    queue.admit([], at(3), frame);
    queue.admit(held(3, 4), at(4), frame);
    expect(arrivals).toEqual([true, false]);
  });

  it('counts a message once, however often it is finished', () => {
    const { queue, shared } = owned();
    queue.restart(at(0), true);
    queue.admit(held(0, 2), at(2), frame);
    const { first } = takeFrom(queue, 1);
    for (let i = 0; i < 3; i++) queue.finish(queue.epoch, first);
    expect([queue.count, queue.bytes, shared.count, shared.bytes]).toEqual([1, 100, 1, 100]);
  });

  it('lets nothing of an older epoch touch its counters, its place or the commit line', () => {
    const { queue, commits, shared } = owned();
    queue.restart(at(0), true);
    queue.admit(held(0, 2), at(2), frame);
    const old = { epoch: queue.epoch, ...takeFrom(queue, 2) };
    queue.restart(at(50), true);
    queue.admit(held(50, 52), at(52), frame);
    takeFrom(queue, 2);
    commits.told.length = 0;
    queue.finish(old.epoch, old.first);
    queue.finish(old.epoch, old.first + 1);
    expect([queue.count, shared.count, queue.commitPoint, commits.told]).toEqual([2, 2, 50, []]);
  });

  it('gives its room back when it is let go, and its late results find nothing', () => {
    const { queue, shared, commits } = owned();
    queue.restart(at(0), true);
    queue.admit(held(0, 4), at(4), frame);
    const { first } = takeFrom(queue, 2);
    const { epoch } = queue;
    queue.letGo();
    queue.finish(epoch, first);
    expect([shared.count, shared.bytes, queue.count, queue.isPlaced]).toEqual([0, 0, 0, false]);
    expect(commits.told).toEqual(['reset 0 stored']);
  });

  it('drops what waits, keeps what runs, and goes back to the first it dropped', () => {
    const { queue, shared } = owned();
    queue.restart(at(0), true);
    queue.admit(held(0, 5), at(5), frame);
    takeFrom(queue, 2);
    expect(queue.dropWaiting()).toBe(3);
    expect([queue.count, queue.runningCount, queue.hasWaiting, queue.pulledTo, shared.bytes]).toEqual([
      2,
      2,
      false,
      2,
      100,
    ]);
  });

  it('wakes itself, when it waited for room, by letting its own messages go', () => {
    const shared = new SharedFlow({ ...roomy, countOfQueue: 2 });
    const { queue } = owned(shared);
    const woken: number[] = [];
    queue.restart(at(0), true);
    queue.admit(held(0, 3), at(3), frame);
    queue.gate.whenOpen(() => woken.push(queue.count));
    queue.restart(at(3), true);
    expect(woken).toEqual([0]);
  });

  it('counts as running what was handed out, unless somebody knows better', () => {
    const { queue } = owned();
    queue.restart(at(0), true);
    queue.admit(held(0, 3), at(3), frame);
    takeFrom(queue, 3);
    expect(queue.runningCount).toBe(3);
    queue.countRunningBy(() => 1);
    expect(queue.runningCount).toBe(1);
  });

  it('hands its messages out in order', () => {
    const { queue } = owned();
    queue.restart(at(3), true);
    queue.admit(held(3, 6), at(6), frame);
    expect(offsetsOf(takeFrom(queue, 10).messages)).toEqual([3, 4, 5]);
  });
});

/** An owned queue over a real commit line: pulls take along what it gives them. */
function overLine(limit: number, mayCommit = () => true) {
  const line = new CommitLine(mayCommit);
  const queue = new OwnedQueue<Held>(aQueue, line, new SharedFlow({ ...roomy, uncommittedOfQueue: limit }));
  queue.restart(at(0), true);
  return {
    line,
    queue,
    /** A pull is written, with a commit if there is one, and brings these. */
    pull: (from: number, to: number) => {
      const carrier = line.take(0);
      if (carrier !== undefined) line.settled(carrier, true);
      queue.admit(held(from, to), at(to), frame);
    },
    finish: (amount: number) => {
      const { first, messages } = takeFrom(queue, amount);
      for (const i of messages.keys()) queue.finish(queue.epoch, first + i);
    },
  };
}

describe('an owned queue that is pulled further than it is committed', () => {
  it('is closed when what is not done reaches beyond the limit, and opened by what is done', () => {
    const { queue, pull, finish } = overLine(100);
    const woken: number[] = [];
    pull(0, 100);
    expect(queue.gate.cause()).toBeUndefined();
    pull(100, 101);
    expect(queue.gate.cause()).toBe('uncommittedOfQueue');
    queue.gate.whenOpen(() => woken.push(queue.count));
    finish(1);
    expect(woken).toEqual([100]);
  });

  it('is not closed by a commit that the next pull takes along, however far a batch led on', () => {
    const { queue, pull, finish, line } = overLine(100);
    pull(0, 32);
    finish(32);
    queue.admit(held(15_000, 15_032), at(15_032), frame); // behind a stretch that was filtered out
    expect([line.handed, queue.gate.cause()]).toEqual([0, undefined]);
    pull(15_032, 15_064);
    expect([line.handed, queue.gate.cause()]).toEqual([15_000, undefined]);
  });

  it('is closed when commits do not get to the broker, also when all is done, and opens when they may', () => {
    const withheld = { is: true };
    const { queue, pull, finish } = overLine(100, () => !withheld.is);
    const woken: string[] = [];
    pull(0, 101);
    finish(101);
    expect(queue.gate.cause()).toBe('uncommittedOfQueue');
    queue.gate.whenOpen(() => woken.push('open'));
    withheld.is = false;
    queue.gate.recheck();
    expect(woken).toEqual(['open']);
  });

  it('is not closed by what was filtered out behind its newest message, whoever commits: nobody could', () => {
    const line = new CommitLine(() => true);
    const shared = new SharedFlow({ ...roomy, uncommittedOfQueue: 10 });
    const queue = new OwnedQueue<Held>(aQueue, line, shared, { autoCommit: false });
    queue.restart(at(0), true);
    queue.admit(held(0, 1), at(1), frame);
    queue.finish(queue.epoch, takeFrom(queue, 1).first);
    queue.approve();
    queue.admit([], at(15_000), frame);
    expect([line.point, queue.pulledTo, queue.gate.cause()]).toEqual([1, 15_000, undefined]);
    queue.admit(held(15_000, 15_001), at(15_001), frame);
    expect(queue.gate.cause()).toBe('uncommittedOfQueue'); // it can be done and committed
  });

  it('is closed where offsets are committed on demand until somebody demands it', () => {
    const line = new CommitLine(() => true);
    const shared = new SharedFlow({ ...roomy, uncommittedOfQueue: 10 });
    const queue = new OwnedQueue<Held>(aQueue, line, shared, { autoCommit: false });
    const woken: string[] = [];
    queue.restart(at(0), true);
    queue.admit(held(0, 11), at(11), frame);
    const { first } = takeFrom(queue, 11);
    for (let i = 0; i < 11; i++) queue.finish(queue.epoch, first + i);
    expect(queue.gate.cause()).toBe('uncommittedOfQueue');
    queue.gate.whenOpen(() => woken.push('open'));
    queue.approve();
    expect(woken).toEqual(['open']);
  });
});

describe('owned queues of one topic', () => {
  it('hold together what the topic may hold, and wake each other', () => {
    const shared = new SharedFlow({ ...roomy, countOfTopic: 3, bytesOfTopic: 2 * frame });
    const [a, b] = [owned(shared).queue, owned(shared).queue];
    const woken: string[] = [];
    a.restart(at(0), true);
    b.restart(at(0), true);
    a.admit(held(0, 3), at(3), frame);
    b.admit(held(0, 1), at(1), 2 * frame);
    expect(b.gate.cause()).toBe('countOfTopic');
    b.gate.whenOpen(() => woken.push('b'));
    a.finish(a.epoch, takeFrom(a, 1).first);
    expect([woken, b.gate.cause()]).toEqual([[], 'sizeOfTopic']);
    a.letGo();
    expect([woken, b.gate.cause()]).toEqual([['b'], undefined]);
  });
});

describe('an owned queue whose messages wait for the rate', () => {
  it('is pulled on when half of a burst is left of them, by the call that takes them', () => {
    const clock = new TestClock();
    const rate = new RateLimit(100, clock);
    const { queue } = owned(new SharedFlow(roomy, rate));
    const woken: number[] = [];
    queue.restart(at(0), true);
    queue.admit(held(0, 20), at(20), frame);
    rate.whenDue(() => {});
    expect(queue.gate.cause()).toBe('rate');
    queue.gate.whenOpen(() => woken.push(queue.waitingCount));
    for (let i = 0; i < 20; i++) queue.take(1);
    expect(woken).toEqual([4]);
  });

  it('counts those that its lanes have taken in and no listener has yet', () => {
    const clock = new TestClock();
    const rate = new RateLimit(100, clock);
    const { queue } = owned(new SharedFlow(roomy, rate));
    const lanes = { running: 0 };
    queue.countRunningBy(() => lanes.running);
    queue.restart(at(0), true);
    queue.admit(held(0, 20), at(20), frame);
    rate.whenDue(() => {});
    const { first } = takeFrom(queue, 20);
    expect(queue.gate.cause()).toBe('rate');
    const woken: number[] = [];
    queue.gate.whenOpen(() => woken.push(queue.waitingCount));
    for (let i = 0; i < 20; i++) queue.finish(queue.epoch, first + i);
    expect(woken).toEqual([4]);
  });
});

type Step =
  | { readonly kind: 'admit'; readonly queue: number; readonly amount: number }
  | { readonly kind: 'take'; readonly queue: number; readonly max: number }
  | { readonly kind: 'finish'; readonly pick: number; readonly keep: boolean }
  | { readonly kind: 'restart' | 'letGo' | 'drop'; readonly queue: number };

const whichQueue = fc.nat(2);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({ kind: fc.constant('admit' as const), queue: whichQueue, amount: fc.nat(40) }),
  },
  {
    weight: 6,
    arbitrary: fc.record({ kind: fc.constant('take' as const), queue: whichQueue, max: fc.nat(30) }),
  },
  {
    weight: 20,
    arbitrary: fc.record({ kind: fc.constant('finish' as const), pick: fc.nat(), keep: fc.boolean() }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constantFrom('restart' as const, 'letGo', 'drop'), queue: whichQueue }),
  },
);

describe('three owned queues over one shared flow, in any order of restarts, drops and late results', () => {
  it('hold together exactly what the shared flow counts, and nothing once all is let go', () => {
    const seen = { late: 0, twice: 0, most: 0 };
    fc.assert(
      fc.property(fc.array(step, { minLength: 30, maxLength: 80, size: 'max' }), steps => {
        const shared = new SharedFlow(roomy);
        const queues = [owned(shared).queue, owned(shared).queue, owned(shared).queue];
        const running: { queue: OwnedQueue<Held>; epoch: number; ticket: number }[] = [];
        for (const queue of queues) queue.restart(at(0), true);
        for (const one of steps) {
          if (one.kind === 'finish') {
            const index = one.pick % Math.max(1, running.length);
            const call = running[index];
            if (call === undefined) continue;
            if (call.epoch !== call.queue.epoch) seen.late++;
            if (one.keep) seen.twice++;
            else running.splice(index, 1);
            call.queue.finish(call.epoch, call.ticket);
          } else {
            const queue = queues[one.queue];
            if (queue === undefined) continue;
            if (one.kind === 'admit' && queue.pulledTo !== undefined)
              queue.admit(
                held(queue.pulledTo, queue.pulledTo + one.amount),
                at(queue.pulledTo + one.amount),
                frame,
              );
            if (one.kind === 'take') {
              const { first, messages } = takeFrom(queue, one.max);
              for (const i of messages.keys()) running.push({ queue, epoch: queue.epoch, ticket: first + i });
            }
            if (one.kind === 'restart') queue.restart(at((queue.pulledTo ?? 0) + 1000), true);
            if (one.kind === 'letGo') queue.letGo();
            if (one.kind === 'drop') queue.dropWaiting();
          }
          const count = queues.reduce((sum, queue) => sum + queue.count, 0);
          const bytes = queues.reduce((sum, queue) => sum + queue.bytes, 0);
          if (shared.count !== count || shared.bytes !== bytes)
            expect([shared.count, shared.bytes]).toEqual([count, bytes]);
          seen.most = Math.max(seen.most, count);
        }
        for (const queue of queues) queue.letGo();
        expect([shared.count, shared.bytes]).toEqual([0, 0]);
        for (const call of running) call.queue.finish(call.epoch, call.ticket);
        expect([shared.count, shared.bytes]).toEqual([0, 0]);
      }),
      { numRuns: 80 },
    );
    expect(Math.min(...Object.values(seen)), JSON.stringify(seen)).toBeGreaterThan(50);
  });
});
