// SPDX-License-Identifier: Apache-2.0
// With enableAutoCommit: false, which offsets may be committed, and when?
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SharedFlow } from '../../../src/flow/flow-gate.ts';
import { type CommitTarget, OwnedQueue } from '../../../src/flow/owned-queue.ts';
import { ConcurrentDispatcher } from '../../../src/listeners/concurrent-dispatcher.ts';
import { HandlerSlots } from '../../../src/listeners/handler-slots.ts';
import { type ConsumeContext, concurrently } from '../../../src/listeners/listener.ts';
import type { MessageExt } from '../../../src/model/message.ts';
import type { QueueOffset } from '../../../src/model/queue-offset.ts';
import { aQueue, at, type Deferred, deferred, messagesBetween, turn } from '../../support/builders.ts';

const seed = 20_261_123;
const roomy = { countOfQueue: 1e6, bytesOfQueue: 1e9, spanOfQueue: 1e6, countOfAll: 1e6, bytesOfAll: 1e9 };

/** A commit line without a broker: what it was told last. */
class Line implements CommitTarget {
  point: QueueOffset | undefined;
  handed: QueueOffset | undefined;
  get reach(): QueueOffset | undefined {
    return this.point;
  }
  advance(point: QueueOffset): void {
    if (this.point === undefined || point > this.point) this.point = point;
  }
  reset(point: QueueOffset): void {
    this.point = point;
  }
}

/** A queue that starts at 0, each call in the hand of the test. */
function world({ autoCommit = false, batchSize = 1 } = {}) {
  const line = new Line();
  const owned = new OwnedQueue<MessageExt>(aQueue, line, new SharedFlow(roomy), { autoCommit });
  const slots = new HandlerSlots(64);
  const calls: { readonly context: ConsumeContext; readonly hand: Deferred<undefined> }[] = [];
  const listener = concurrently((_, context) => {
    const hand = deferred<undefined>();
    calls.push({ context, hand });
    return hand.promise;
  });
  const settings = { batchSize, batchMaxWaitMs: 0, consumeTimeoutMs: 1000 };
  const dispatcher = new ConcurrentDispatcher(owned, slots, settings, {
    listenerOf: () => listener,
    mayDeliver: () => true,
    stopSignal: new AbortController().signal,
    now: () => 0,
    onGather: () => {},
    onStuck: () => {},
    onFailed: () => {},
    onMisuse: () => {},
  });
  owned.whenWorkArrives(() => dispatcher.pump());
  slots.open();
  owned.restart(at(0), true);
  dispatcher.open();
  const bring = (from: number, to: number): void => owned.admit(messagesBetween(from, to), at(to), 0);
  const end = async (...indexes: readonly number[]): Promise<void> => {
    for (const index of indexes) calls[index]?.hand.resolve(undefined);
    await turn();
  };
  return { line, owned, calls, bring, end };
}

describe('with enableAutoCommit: false', () => {
  it('what is done is not committed before somebody asks', async () => {
    const { line, owned, bring, end } = world();
    bring(0, 3);
    await end(0, 1, 2);
    expect([owned.commitPoint, line.point]).toEqual([3, 0]);
    expect([owned.approve(), line.point]).toEqual([3, 3]);
    owned.admit([], at(10), 0);
    expect([owned.commitPoint, line.point]).toEqual([10, 3]);
  });

  it('context.commit commits through its own call as soon as everything before is done', async () => {
    const { line, calls, bring, end } = world({ batchSize: 2 });
    bring(0, 6);
    calls[1]?.context.commit();
    expect(line.point).toBe(0);
    await end(1);
    expect(line.point).toBe(0);
    await end(0);
    expect(line.point).toBe(4);
    await end(2);
    expect(line.point).toBe(4);
  });

  it('context.commit may be asked for after the call has ended, and for less than all of it', async () => {
    const { line, calls, bring, end } = world({ batchSize: 4 });
    bring(0, 4);
    await end(0);
    calls[0]?.context.commit(2);
    expect(line.point).toBe(2);
    calls[0]?.context.offsetStore.commitOffset(3);
    expect(line.point).toBe(3);
    calls[0]?.context.commit(1);
    expect(line.point).toBe(3);
  });

  it('nothing past an unfinished message is committed, whatever is asked for', async () => {
    const { line, owned, calls, bring, end } = world();
    bring(0, 4);
    await end(0, 2, 3);
    calls[3]?.context.commit(1000);
    expect([owned.approve(at(1000)), line.point]).toEqual([1, 1]);
    await end(1);
    expect(line.point).toBe(4);
  });

  it('what is no offset is refused', () => {
    const { line, calls, bring } = world();
    bring(0, 1);
    for (const wrong of [-1, 0.5, Number.NaN, 2 ** 60])
      expect(() => calls[0]?.context.commit(wrong)).toThrow(
        expect.objectContaining({ code: 'RMQ_UNSAFE_OFFSET' }),
      );
    expect(line.point).toBe(0);
  });

  it('a call of before a seek asks for nothing of what came after', async () => {
    const { line, owned, calls, bring, end } = world();
    bring(0, 2);
    owned.restart(at(100), false);
    bring(100, 102);
    calls[1]?.context.commit(101);
    await end(2, 3);
    expect([owned.commitPoint, line.point]).toEqual([102, 100]);
    calls[2]?.context.commit();
    expect(line.point).toBe(101);
  });

  it('a seek backwards takes the permission of before with it', async () => {
    const { line, owned, calls, bring, end } = world();
    bring(0, 5);
    await end(0, 1, 2, 3, 4);
    calls[4]?.context.commit();
    owned.restart(at(2), false);
    bring(2, 5);
    await end(5, 6, 7);
    expect([owned.commitPoint, line.point]).toEqual([5, 2]);
  });

  it('the context shows what the broker is known to have', () => {
    const { line, calls, bring } = world();
    bring(0, 1);
    expect(calls[0]?.context.offsetStore.committed).toBeUndefined();
    line.handed = at(7);
    expect(calls[0]?.context.offsetStore.committed).toBe(7);
  });

  it('the line stands where asked for or before the first unfinished message, whichever comes first, in any order of ends and commits', async () => {
    const count = 12;
    const orders = fc.record({
      ends: fc.shuffledSubarray([...Array(count).keys()]),
      commits: fc.array(fc.record({ after: fc.nat(count), upTo: fc.nat(count) }), { maxLength: 6 }),
    });
    await fc.assert(
      fc.asyncProperty(orders, async ({ ends, commits }) => {
        const { line, calls, bring, end } = world();
        bring(0, count);
        let approved = 0;
        const done = new Set<number>();
        for (let step = 0; step <= ends.length; step++) {
          for (const { upTo } of commits.filter(({ after }) => after === step)) {
            calls[0]?.context.commit(upTo);
            approved = Math.max(approved, upTo);
          }
          let point = 0;
          while (done.has(point)) point++;
          expect(line.point).toBe(Math.min(point, approved));
          const next = ends[step];
          if (next === undefined) continue;
          await end(next);
          done.add(next);
        }
      }),
      { seed, numRuns: 60 },
    );
  });
});

it('with automatic commits context.commit changes nothing', async () => {
  const { line, calls, bring, end } = world({ autoCommit: true });
  bring(0, 3);
  calls[2]?.context.commit();
  await end(0, 2);
  expect(line.point).toBe(1);
  await end(1);
  expect(line.point).toBe(3);
});
