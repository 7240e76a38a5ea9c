// SPDX-License-Identifier: Apache-2.0
import { getEventListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import { CallSignals } from '../../../src/listeners/call-signals.ts';
import { ConcurrentContext } from '../../../src/listeners/consume-context.ts';
import type { MessageBatch } from '../../../src/listeners/listener.ts';
import { aQueue, messageAt } from '../../support/builders.ts';

const batch: MessageBatch = [messageAt(0)];

function world() {
  const stop = new AbortController();
  const signals = new CallSignals(stop.signal);
  const owner = { queue: aQueue, signals, committed: undefined, approve: () => {} };
  return { stop, signals, call: () => new ConcurrentContext(owner, batch, 0) };
}

describe('the signal of a listener call', () => {
  it('is its own, and the same whenever the listener asks', () => {
    const { call } = world();
    const [one, other] = [call(), call()];
    expect(one.signal).toBe(one.signal);
    expect(one.signal).not.toBe(other.signal);
  });

  it('is aborted alone when its call is too old', () => {
    const { call } = world();
    const [old, other] = [call(), call()];
    const why = new Error('too old');
    const signals = [old.signal, other.signal];
    old.expire(why);
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, false]);
    expect(signals[0]?.reason).toBe(why);
  });

  it.each(['the queue is given up', 'the consumer is over'])('is aborted with all others when %s', when => {
    const { call, signals, stop } = world();
    const running = [call(), call()].map(({ signal }) => signal);
    const why = new Error(when);
    if (when === 'the consumer is over') stop.abort(why);
    else signals.abort(why);
    expect([...running, call().signal].map(({ reason }) => reason)).toEqual([why, why, why]);
  });

  it('keeps what it was aborted with first', () => {
    const { call, signals } = world();
    const context = call();
    const { signal } = context;
    const why = new Error('too old');
    context.expire(why);
    signals.abort(new Error('given up'));
    expect(signal.reason).toBe(why);
  });

  it('of a call that has ended is not aborted any more, whether it was asked for before or afterwards', () => {
    const { call, signals } = world();
    const [before, after] = [call(), call()];
    const asked = before.signal;
    before.end();
    after.end();
    after.expire(new Error('too old'));
    expect(after.signal.aborted).toBe(false);
    signals.abort(new Error('given up'));
    expect([asked.aborted, after.signal.aborted]).toEqual([false, false]);
  });

  it('leaves nothing behind on the signal of the consumer, which outlives every queue', () => {
    const { call, signals, stop } = world();
    const listeners = (): number => getEventListeners(stop.signal, 'abort').length;
    const contexts = [call(), call(), call()];
    const asked = contexts.map(({ signal }) => signal);
    expect([asked.length, listeners()]).toEqual([3, 1]);
    contexts[0]?.end();
    contexts[1]?.expire(new Error('too old'));
    expect(listeners()).toBe(1);
    contexts[2]?.end();
    expect(listeners()).toBe(0);
    expect([call().signal.aborted, listeners()]).toEqual([false, 1]);
    signals.abort(new Error('given up'));
    expect(listeners()).toBe(0);
  });

  it('may be listened to many times without a warning of a leak', async () => {
    const warnings: string[] = [];
    const note = ({ name }: Error) => warnings.push(name);
    process.on('warning', note);
    const { signal } = world().call();
    for (let i = 0; i < 50; i++) signal.addEventListener('abort', () => {});
    await new Promise(setImmediate);
    process.off('warning', note);
    expect(warnings).toEqual([]);
  });
});
