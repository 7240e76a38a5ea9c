// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { CallSignals } from '../../../src/listeners/call-signals.ts';
import { ConcurrentContext, type ContextOwner } from '../../../src/listeners/consume-context.ts';
import {
  concurrently,
  isListener,
  type MessageBatch,
  type MessageListener,
  type OrderlyMessageListener,
  orderly,
  simple,
} from '../../../src/listeners/listener.ts';
import { OrderlyCallContext } from '../../../src/listeners/orderly-context.ts';
import { isThenable, orderlyVerdictOf, verdictOf } from '../../../src/listeners/outcome.ts';
import { ConsumeResult, OrderlyResult } from '../../../src/model/consume-result.ts';
import { aQueue, messageAt, withThen } from '../../support/builders.ts';

const batch: MessageBatch = [messageAt(0, { reconsumeTimes: 2 }), messageAt(1)];
const owner: ContextOwner = {
  queue: aQueue,
  signals: new CallSignals(new AbortController().signal),
  committed: undefined,
  approve: () => {},
};
const context = new ConcurrentContext(owner, batch, 0);

describe('a listener', () => {
  it('made of a function is called with the whole batch and the context, and its answer comes back', () => {
    const calls: unknown[][] = [];
    const listener = concurrently((...args) => {
      calls.push(args);
      return ConsumeResult.RECONSUME_LATER;
    });
    expect(listener.consume(batch, context)).toBe('RECONSUME_LATER');
    expect(calls).toEqual([[batch, context]]);
    expect([listener.kind, listener.oneByOne]).toEqual(['concurrently', false]);
  });

  it('made of an object keeps its this, and takes the method the object has when it is called', () => {
    class Books implements MessageListener {
      readonly booked: number[] = [];
      consumeMessage(messages: MessageBatch): undefined {
        this.booked.push(...messages.map(({ queueOffset }) => queueOffset));
      }
    }
    const books = new Books();
    const listener = concurrently(books);
    listener.consume(batch, context);
    books.consumeMessage = messages => void books.booked.push(-messages.length);
    listener.consume(batch, context);
    expect([books.booked, listener.oneByOne]).toEqual([[0, 1, -2], false]);
  });

  it('made by simple gets one message at a time, and says that it wants no more', async () => {
    const seen: number[] = [];
    const listener = simple(async message => void seen.push(message.queueOffset));
    await listener.consume([messageAt(7)], context);
    expect([seen, listener.oneByOne]).toEqual([[7], true]);
  });

  it('made by orderly is called with the whole batch and its own context, and keeps its this', () => {
    const orderlyContext = new OrderlyCallContext(owner, batch, 0);
    const calls: unknown[][] = [];
    class Books implements OrderlyMessageListener {
      readonly answer = OrderlyResult.COMMIT;
      consumeMessage(...args: unknown[]): OrderlyResult {
        calls.push(args);
        return this.answer;
      }
    }
    const listeners = [orderly(new Books()), orderly((...args) => void calls.push(args))];
    expect(listeners.map(listener => listener.consume(batch, orderlyContext))).toEqual(['COMMIT', undefined]);
    expect(calls).toEqual([
      [batch, orderlyContext],
      [batch, orderlyContext],
    ]);
    expect(listeners.map(({ kind, oneByOne }) => [kind, oneByOne])).toEqual(
      Array(2).fill(['orderly', false]),
    );
  });

  it('is known by who made it, not by its looks', () => {
    const made = concurrently(() => undefined);
    expect(isListener(made)).toBe(true);
    expect(isListener(simple(() => undefined))).toBe(true);
    expect(isListener(orderly(() => undefined))).toBe(true);
    for (const other of [{ ...made }, () => undefined, 'concurrently', null, undefined, 7])
      expect(isListener(other)).toBe(false);
  });
});

describe('what a listener answered', () => {
  it.each([
    [undefined, 'done'],
    ['CONSUME_SUCCESS', 'done'],
    ['RECONSUME_LATER', 'later'],
    [null, 'notAResult'],
    ['SUCCESS', 'notAResult'],
    [true, 'notAResult'],
    [0, 'notAResult'],
    [{}, 'notAResult'],
  ])('%s means %s', (answer, verdict) => {
    expect(verdictOf(answer)).toBe(verdict);
  });

  it.each([
    [undefined, 'commit', 'keep'],
    ['SUCCESS', 'commit', 'keep'],
    ['CONSUME_SUCCESS', 'commit', 'keep'],
    ['COMMIT', 'commit', 'commit'],
    ['ROLLBACK', 'notAResult', 'rollback'],
    ['SUSPEND_CURRENT_QUEUE_A_MOMENT', 'later', 'later'],
    ['RECONSUME_LATER', 'notAResult', 'notAResult'],
    [null, 'notAResult', 'notAResult'],
    [true, 'notAResult', 'notAResult'],
    [0, 'notAResult', 'notAResult'],
  ])('of an orderly queue as %s means %s, and %s when it commits by hand', (answer, automatic, manual) => {
    const byHand = new OrderlyCallContext(owner, batch, 0);
    byHand.autoCommit = false;
    expect(orderlyVerdictOf(answer, new OrderlyCallContext(owner, batch, 0))).toBe(automatic);
    expect(orderlyVerdictOf(answer, byHand)).toBe(manual);
  });

  it('is waited for when it has a then method, of whatever class', () => {
    const thenables = [
      Promise.resolve(),
      withThen(() => {}),
      withThen(
        () => {},
        () => {},
      ),
    ];
    expect(thenables.map(isThenable)).toEqual([true, true, true]);
    expect([withThen(1), null, undefined, 'then', {}].map(isThenable)).toEqual(Array(5).fill(false));
  });
});

describe('the context of a call', () => {
  it('counts the whole batch as done, leaves the delay to the broker, and has room for notes', () => {
    const fresh = new ConcurrentContext(owner, batch, 0);
    fresh.attributes.set('a', 1);
    const { queue, attempt, ackIndex, delayLevelWhenNextConsume, attributes } = fresh;
    expect({ queue, attempt, ackIndex, delayLevelWhenNextConsume, attributes }).toEqual({
      queue: aQueue,
      attempt: 3,
      ackIndex: 1,
      delayLevelWhenNextConsume: 0,
      attributes: new Map([['a', 1]]),
    });
  });
});
