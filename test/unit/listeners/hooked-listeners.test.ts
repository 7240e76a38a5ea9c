// SPDX-License-Identifier: Apache-2.0
/** What do hooks see of listener calls, and what can they not do to them? */
import { describe, expect, it } from 'vitest';
import type { RocketmqError } from '../../../src/errors/errors.ts';
import type { ConsumeCall, ConsumeEnd, ConsumeHook } from '../../../src/listeners/consume-hook.ts';
import { HookedListeners } from '../../../src/listeners/hooked-listeners.ts';
import { letGo } from '../../../src/listeners/let-go.ts';
import {
  type ConsumeContext,
  type ConsumeReturn,
  concurrently,
  type OrderlyContext,
  type OrderlyReturn,
  orderly,
} from '../../../src/listeners/listener.ts';
import { aQueue, messageAt, turn } from '../../support/builders.ts';

const timeout = 1000;

/** A hook that writes down what it sees, on a clock that stands still until it is moved. */
function world(more: readonly ConsumeHook[] = []) {
  const clock = { now: 0 };
  const begun: ConsumeCall[] = [];
  const ends: ConsumeEnd[] = [];
  const calls: ConsumeCall[] = [];
  const faults: RocketmqError[] = [];
  const seeing: ConsumeHook = {
    before: call => begun.push(call),
    after: (call, end) => {
      calls.push(call);
      ends.push(end);
    },
  };
  const hooked = new HookedListeners([...more, seeing], {
    ...{ consumerGroup: 'billing', consumeTimeoutMs: timeout, now: () => clock.now },
    onFault: error => faults.push(error),
  });
  const signal = new AbortController();
  const base = { queue: aQueue, attempt: 1, attributes: new Map(), signal: signal.signal, commit: () => {} };
  const store = { committed: undefined, commitOffset: () => {} };
  const context: ConsumeContext = {
    ...{ ...base, offsetStore: store, ackIndex: 0, delayLevelWhenNextConsume: 0 },
  };
  const inOrder: OrderlyContext = { ...base, offsetStore: store, suspendTimeMillis: -1, autoCommit: true };
  const messages = [messageAt(7)] as const;
  return {
    ...{ clock, begun, ends, calls, faults, hooked, signal, messages },
    consume: (answer: () => unknown): unknown => {
      const listener = hooked.of(concurrently(() => answer() as ConsumeReturn)); // any answer, as from JavaScript
      return listener.kind === 'concurrently' ? listener.consume(messages, context) : undefined;
    },
    consumeInOrder: (answer: () => unknown, autoCommit = true): unknown => {
      const listener = hooked.of(orderly(() => answer() as OrderlyReturn)); // as above
      return listener.kind === 'orderly' ? listener.consume(messages, { ...inOrder, autoCommit }) : undefined;
    },
  };
}

describe('a hook', () => {
  it('sees a call before it and after it, with its messages and how long it took', async () => {
    const { consume, clock, begun, calls, ends, messages } = world();
    const answer = consume(async () => {
      clock.now = 30;
      await turn();
      clock.now = 40;
      return 'CONSUME_SUCCESS';
    });
    expect(begun).toMatchObject([{ consumerGroup: 'billing', queue: aQueue, messages }]);
    expect(ends).toEqual([]);
    expect(await answer).toBe('CONSUME_SUCCESS');
    expect(calls[0]).toBe(begun[0]);
    expect(ends).toEqual([{ outcome: 'SUCCESS', success: true, error: undefined, durationMs: 40 }]);
  });

  it('leaves a call that ends at once as quick as it was', () => {
    const { consume, ends } = world();
    expect(consume(() => undefined)).toBeUndefined();
    expect(ends).toMatchObject([{ outcome: 'SUCCESS' }]);
  });

  it.each([
    ['nothing', undefined, 'SUCCESS', true],
    ['RECONSUME_LATER', 'RECONSUME_LATER', 'FAILED', false],
    ['null', null, 'RETURNNULL', false],
    ['something else', 'done', 'RETURNNULL', false],
    ['messages that nobody looked at', letGo, 'FAILED', false],
  ] as const)('is told the outcome of a concurrent answer: %s', (_, answer, outcome, success) => {
    const { consume, ends } = world();
    expect(consume(() => answer)).toBe(answer);
    expect(ends).toMatchObject([{ outcome, success }]);
  });

  it.each([
    [undefined, true, 'SUCCESS', true],
    ['SUCCESS', false, 'SUCCESS', true],
    ['COMMIT', false, 'SUCCESS', true],
    ['ROLLBACK', false, 'FAILED', false],
    ['ROLLBACK', true, 'RETURNNULL', false],
    ['SUSPEND_CURRENT_QUEUE_A_MOMENT', true, 'FAILED', false],
  ] as const)(
    'is told the outcome of an orderly answer: %s, autoCommit %s',
    (answer, autoCommit, outcome, success) => {
      const { consumeInOrder, ends } = world();
      consumeInOrder(() => answer, autoCommit);
      expect(ends).toMatchObject([{ outcome, success }]);
    },
  );

  it('is told what was thrown, at once or later, and the listener’s error goes on as it is', async () => {
    const { consume, ends } = world();
    const error = new Error('no stock');
    expect(() =>
      consume(() => {
        throw error;
      }),
    ).toThrow(error);
    await expect(consume(() => Promise.reject(error))).rejects.toBe(error);
    expect(ends).toMatchObject([
      { outcome: 'EXCEPTION', success: false, error },
      { outcome: 'EXCEPTION', success: false, error },
    ]);
  });

  it('is told of a call that was given up for its age, and that an orderly one counts all the same', async () => {
    const { consume, consumeInOrder, clock, signal, ends } = world();
    const late = (): Promise<undefined> => {
      clock.now += timeout;
      signal.abort();
      return Promise.resolve(undefined);
    };
    await consume(late);
    await consumeInOrder(late);
    expect(ends).toMatchObject([
      { outcome: 'TIME_OUT', success: false },
      { outcome: 'TIME_OUT', success: true },
    ]);
  });

  it('that throws or rejects is a fault that names it, once a minute, and harms neither the call nor other hooks', async () => {
    const broken: ConsumeHook = {
      name: 'timing',
      before: () => {
        throw new Error('no room');
      },
      after: async () => {
        throw new Error('nor here');
      },
    };
    const { consume, ends, faults, clock } = world([broken]);
    expect(consume(() => 'CONSUME_SUCCESS')).toBe('CONSUME_SUCCESS');
    await turn();
    expect(ends).toHaveLength(1);
    expect(faults.map(({ code, message }) => [code, message])).toEqual([
      ['RMQ_HOOK_FAILED', 'before of consumeHooks timing threw for orders@broker-a#0: no room'],
    ]);
    clock.now = 60_000;
    consume(() => undefined);
    await turn();
    expect(faults).toHaveLength(2);
  });

  it('is made once for each listener, and none at all without hooks', () => {
    const listener = concurrently(() => {});
    const { hooked } = world();
    expect(hooked.of(listener)).toBe(hooked.of(listener));
    expect(hooked.isIdle).toBe(false);
    const options = { consumerGroup: 'g', consumeTimeoutMs: 1, now: () => 0, onFault: () => {} };
    expect(new HookedListeners([], options).isIdle).toBe(true);
  });
});
