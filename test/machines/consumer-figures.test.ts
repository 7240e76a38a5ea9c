// SPDX-License-Identifier: Apache-2.0
/** Are the rates and times that a broker hears what happened in the last minute, however often a call is timed? */
import { describe, expect, it } from 'vitest';
import { FiguresBook } from '../../src/machines/consumer/server-requests/figures.ts';
import { TestClock } from '../../src/testing/test-clock.ts';

function figures() {
  const clock = new TestClock();
  const book = new FiguresBook(clock);
  const queue = book.ofQueue('orders');
  let timed = 0;
  return {
    ...{ clock, book, queue },
    timedCalls: () => timed,
    /** So many calls, one after the other, each as long as that. */
    call: async (times: number, ms: number, failed = 0) => {
      for (let i = 0; i < times; i++) {
        const call = queue.begin();
        if (call !== undefined) timed++;
        if (ms > 0) await clock.advance(ms);
        queue.end(call, 1 - failed, failed);
      }
    },
  };
}

describe('the figures of a topic', () => {
  it('are those of the last minute, and failed messages those of the last hour', async () => {
    const { clock, book, call, queue } = figures();
    await call(600, 100); // a minute
    queue.found(600, 20);
    expect(book.rates('orders')).toMatchObject({ consumeOKTPS: 10, consumeRT: 100, pullTPS: 10, pullRT: 20 });
    await call(60, 1000, 1); // another, in which all fail
    expect(book.rates('orders')).toMatchObject({ consumeOKTPS: 0, consumeFailedTPS: 1, consumeRT: 1000 });
    await clock.advance(10 * 60_000);
    queue.asked(clock.now());
    await clock.advance(60_000);
    const quiet = book.rates('orders');
    expect(quiet).toMatchObject({ consumeOKTPS: 0, consumeFailedTPS: 0, pullTPS: 0, consumeFailedMsgs: 60 });
    expect(quiet.consumeRT).toBeCloseTo((600 * 100 + 60 * 1000) / 660, 5); // of the hour
  });

  it('do not show a burst of the first moments as if it went on', async () => {
    const { clock, book, call } = figures();
    await call(100, 0);
    await clock.advance(100);
    expect(book.rates('orders').consumeOKTPS).toBe(10);
  });

  it('go on when a queue is given up and assigned again', async () => {
    const { book, call } = figures();
    await call(10, 100);
    book.ofQueue('orders');
    expect(book.rates('orders').consumeOKTPS).toBe(1);
  });

  it('come from every slow call, and from one of sixteen that follow each other at once', async () => {
    const slow = figures();
    await slow.call(100, 5);
    expect(slow.timedCalls()).toBe(100 - 15); // the first one looked as if it was fast
    const fast = figures();
    await fast.call(1600, 0);
    expect(fast.timedCalls()).toBeLessThanOrEqual(101);
    expect(fast.timedCalls()).toBeGreaterThan(90);
  });

  it('tell a mean in which timed calls stand for those that were not', async () => {
    const { book, call } = figures();
    await call(160, 0);
    await call(16, 100);
    const { consumeRT } = book.rates('orders');
    expect(consumeRT).toBeGreaterThan(0);
    expect(consumeRT).toBeLessThan(20);
  });
});
