// SPDX-License-Identifier: Apache-2.0
/** What does a dispatcher do with messages that were handed out and looked at by nobody? */
import { describe, expect, it } from 'vitest';
import { SharedFlow } from '../../../src/flow/flow-gate.ts';
import { OwnedQueue } from '../../../src/flow/owned-queue.ts';
import { ConcurrentDispatcher } from '../../../src/listeners/concurrent-dispatcher.ts';
import { HandlerSlots } from '../../../src/listeners/handler-slots.ts';
import { letGo } from '../../../src/listeners/let-go.ts';
import { type ConsumeReturn, concurrently } from '../../../src/listeners/listener.ts';
import type { MessageExt } from '../../../src/model/message.ts';
import {
  aQueue,
  at,
  type Deferred,
  deferred,
  messagesBetween,
  offsetsOf,
  turn,
} from '../../support/builders.ts';

const roomy = {
  ...{ countOfQueue: 1e6, bytesOfQueue: 1e9, spanOfQueue: 1e6, countOfAll: 1e6, bytesOfAll: 1e9 },
};

/** A queue whose calls end when the test says so. */
function world(messages: number) {
  const commits = { point: 0, advance: (point: number) => (commits.point = point), reset: () => {} };
  const owned = new OwnedQueue<MessageExt>(aQueue, commits, new SharedFlow(roomy));
  const slots = new HandlerSlots(64);
  const calls: { readonly offsets: readonly number[]; readonly hand: Deferred<unknown> }[] = [];
  const failed: unknown[] = [];
  const listener = concurrently(batch => {
    const call = { offsets: offsetsOf(batch), hand: deferred<unknown>() };
    calls.push(call);
    return call.hand.promise as ConsumeReturn; // letGo is not among what users may answer
  });
  const dispatcher = new ConcurrentDispatcher(
    owned,
    slots,
    { batchSize: 2, batchMaxWaitMs: 0, consumeTimeoutMs: 1000 },
    {
      listenerOf: () => listener,
      mayDeliver: () => true,
      stopSignal: new AbortController().signal,
      now: () => 0,
      onGather: () => {},
      onStuck: () => {},
      onFailed: each => void failed.push(...each),
      onMisuse: error => void failed.push(error),
    },
  );
  slots.open();
  owned.restart(at(0), true);
  dispatcher.open();
  owned.admit(messagesBetween(0, messages), at(messages), 0);
  dispatcher.pump();
  const answer = async (call: number, value: unknown): Promise<void> => {
    calls[call]?.hand.resolve(value);
    await turn();
  };
  return {
    commits,
    owned,
    slots,
    calls,
    failed,
    dispatcher,
    answer,
    delivered: () => calls.map(each => each.offsets),
  };
}

describe('messages that are let go', () => {
  it('are delivered again from here, one by one and before others, when calls may start again', async () => {
    const { dispatcher, answer, calls, delivered, failed, slots, owned } = world(4);
    dispatcher.close();
    await answer(0, letGo);
    expect([slots.running, owned.runningCount, dispatcher.pending]).toEqual([1, 2, 2]);
    owned.admit(messagesBetween(4, 5), at(5), 0);
    dispatcher.open();
    expect(delivered()).toEqual([[0, 1], [2, 3], [0], [1], [4]]);
    expect(failed).toEqual([]);
    for (const { hand } of calls) hand.resolve(undefined);
    await turn();
    expect([owned.commitPoint, slots.running, owned.count]).toEqual([5, 0, 0]);
  });

  it('hold the commit point and count neither as done nor as failed', async () => {
    const { answer, commits, dispatcher, slots } = world(4);
    dispatcher.close();
    await answer(1, undefined);
    await answer(0, letGo);
    expect(commits.point).toBe(0);
    expect([slots.doneMessages, slots.failedMessages]).toEqual([2, 0]);
  });

  it('do not keep a queue that is given up from draining', async () => {
    const { answer, dispatcher } = world(2);
    let drained = false;
    dispatcher.close();
    dispatcher.drop();
    dispatcher.whenDrained(() => {
      drained = true;
    });
    expect(drained).toBe(false);
    await answer(0, letGo);
    expect(drained).toBe(true);
  });

  it('of an epoch that has passed are gone', async () => {
    const { answer, delivered, dispatcher, owned, slots } = world(2);
    owned.restart(at(10), true);
    await answer(0, letGo);
    dispatcher.pump();
    expect(delivered()).toEqual([[0, 1]]);
    expect(slots.running).toBe(0);
  });

  it('after they took too long are on their way back already', async () => {
    const { answer, dispatcher, failed, slots } = world(2);
    dispatcher.sweep(0);
    dispatcher.sweep(1000);
    expect([failed.length, slots.running, dispatcher.hasStuck]).toEqual([2, 0, true]);
    await answer(0, letGo);
    expect([failed.length, slots.running, dispatcher.hasStuck]).toEqual([2, 0, false]);
  });
});
