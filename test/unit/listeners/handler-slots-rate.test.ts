// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { RateLimit } from '../../../src/flow/rate-limit.ts';
import { HandlerSlots, type SlotClient } from '../../../src/listeners/handler-slots.ts';
import { TestClock } from '../../../src/testing/test-clock.ts';

interface Start {
  readonly name: string;
  readonly at: number;
}

/** Slots with a rate, and clients that always have work, each call over at once unless `hold`. */
function world({
  perSecond,
  limit = 1000,
  hold = false,
}: {
  perSecond: number;
  limit?: number;
  hold?: boolean;
}) {
  const clock = new TestClock();
  const slots = new HandlerSlots(limit, new RateLimit(perSecond, clock));
  const starts: Start[] = [];
  /** As a dispatcher does it: takes what it gets, and stands in the line for the rest. */
  const client = (name: string, batch = 1) => {
    const start = (): void => {
      starts.push({ name, at: clock.now() });
      slots.started(batch);
      if (!hold) slots.giveBack();
    };
    const self: SlotClient = {
      startOne: () => {
        if (!slots.tryTake()) return;
        start();
        slots.queueUp(self);
      },
    };
    return {
      self,
      pump: () => {
        while (slots.tryTake()) start();
        slots.queueUp(self);
      },
    };
  };
  const count = (name?: string) => starts.filter(each => name === undefined || each.name === name).length;
  return { clock, slots, starts, client, count };
}

describe('handler slots with a rate', () => {
  it('start 6000 messages in 60 s at 100 a second, and go round among the queues', async () => {
    const { clock, slots, client, count } = world({ perSecond: 100 });
    slots.open();
    for (const name of ['a', 'b', 'c', 'd']) client(name).pump();
    await clock.advance(60_000);
    slots.close();
    expect(Math.abs(count() - 6000)).toBeLessThanOrEqual(60);
    for (const name of ['a', 'b', 'c', 'd']) expect(Math.abs(count(name) - 1500)).toBeLessThanOrEqual(15);
  });

  it('count the messages of a call, not the calls', async () => {
    const { clock, slots, client, count } = world({ perSecond: 100 });
    slots.open();
    client('a', 32).pump();
    await clock.advance(60_000);
    slots.close();
    expect(Math.abs(32 * count() - 6000)).toBeLessThanOrEqual(60);
  });

  it('let nobody go before those who wait in the line, also when time has come and the timer has not', async () => {
    const { clock, slots, client, starts } = world({ perSecond: 10 });
    slots.open();
    const a = client('a');
    a.pump();
    clock.jump(500); // several may start, and nobody was told yet
    client('b').pump();
    expect(starts.map(({ name }) => name)).toEqual(['a']);
    await clock.flush();
    expect(starts.map(({ name }) => name)).toEqual(['a', 'a']);
    await clock.advance(100);
    expect(starts.at(-1)?.name).toBe('b');
    slots.close();
  });

  it('wait for a slot first where both are short, and for the rate then', async () => {
    const { clock, slots, client, starts } = world({ perSecond: 10, limit: 1, hold: true });
    slots.open();
    client('a').pump();
    await clock.advance(1000);
    expect(starts).toHaveLength(1);
    slots.giveBack();
    expect(starts).toHaveLength(2);
    slots.giveBack();
    expect(starts).toHaveLength(2);
    await clock.advance(100);
    expect(starts).toHaveLength(3);
    slots.close();
  });

  it('have one timer for all that wait, and none when they are closed or nobody waits', async () => {
    const { clock, slots, client } = world({ perSecond: 10 });
    slots.open();
    expect(clock.pending).toBe(0);
    const clients = ['a', 'b', 'c'].map(name => client(name));
    for (const each of clients) each.pump();
    expect(clock.pending).toBe(1);
    slots.close();
    expect(clock.pending).toBe(0);
    slots.open();
    expect(clock.pending).toBe(1);
    for (const { self } of clients) slots.leave(self);
    await clock.advance(200);
    expect(clock.pending).toBe(0);
  });

  it('start nothing while they are closed, however long, and no more than a burst at once afterwards', async () => {
    const { clock, slots, client, starts } = world({ perSecond: 100 });
    slots.open();
    client('a').pump();
    slots.close();
    const before = starts.length;
    await clock.advance(3_600_000);
    expect(starts).toHaveLength(before);
    slots.open();
    expect(starts).toHaveLength(before + 10);
    slots.close();
  });

  it('take no timer and no clock without one', () => {
    const slots = new HandlerSlots(2);
    slots.open();
    expect([slots.tryTake(), slots.tryTake(), slots.tryTake()]).toEqual([true, true, false]);
    slots.started(1000);
    slots.giveBack();
    expect(slots.tryTake()).toBe(true);
  });
});

describe('whether somebody waits for the rate', () => {
  it('is so while the line waits for time and not for a slot, the moment of a start included', async () => {
    const clock = new TestClock();
    const rate = new RateLimit(10, clock);
    const slots = new HandlerSlots(2, rate);
    const seen: boolean[] = [];
    const client: SlotClient = {
      startOne: () => {
        if (!slots.tryTake()) return;
        seen.push(rate.isAwaited);
        slots.started(1);
        slots.queueUp(client);
      },
    };
    slots.open();
    slots.queueUp(client);
    await clock.flush();
    expect([seen, rate.isAwaited]).toEqual([[true], true]);
    await clock.advance(1000);
    expect([seen, rate.isAwaited, clock.pending]).toEqual([[true, true], false, 0]); // no slot is free
    slots.giveBack();
    expect(rate.isAwaited).toBe(false);
    slots.giveBack();
    slots.leave(client);
    await clock.advance(1000);
    expect([rate.isAwaited, clock.pending]).toEqual([false, 0]);
  });
});

describe('the timer of the rate', () => {
  it('ends when the last one that waited for it leaves the line', () => {
    const { clock, slots, client } = world({ perSecond: 1 });
    slots.open();
    const [one, other] = [client('a', 1000), client('b')];
    one.pump();
    other.pump();
    slots.leave(one.self);
    expect(clock.pending).toBe(1);
    slots.leave(other.self);
    expect(clock.pending).toBe(0);
  });
});
