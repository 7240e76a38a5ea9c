// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { HandlerSlots, type SlotClient } from '../../../src/listeners/handler-slots.ts';

/** A client that takes a slot whenever it is its turn, and asks for another turn while it has work. */
function clientOf(slots: HandlerSlots, name: string, log: string[], work = 1) {
  const state = { work };
  const client: SlotClient = {
    startOne: () => {
      if (state.work === 0 || !slots.tryTake()) return;
      state.work--;
      log.push(name);
      if (state.work > 0) slots.queueUp(client);
    },
  };
  return client;
}

function openSlots(limit: number): HandlerSlots {
  const slots = new HandlerSlots(limit);
  slots.open();
  return slots;
}

describe('handler slots', () => {
  it('are not given before they are opened, and then to those that queued up meanwhile', () => {
    const slots = new HandlerSlots(2);
    const log: string[] = [];
    expect(slots.tryTake()).toBe(false);
    slots.queueUp(clientOf(slots, 'a', log));
    expect(log).toEqual([]);
    slots.open();
    expect([log, slots.running]).toEqual([['a'], 1]);
  });

  it('are given up to the limit and not one more', () => {
    const slots = openSlots(2);
    expect([slots.tryTake(), slots.tryTake(), slots.tryTake(), slots.running]).toEqual([
      true,
      true,
      false,
      2,
    ]);
    slots.giveBack();
    expect([slots.tryTake(), slots.tryTake()]).toEqual([true, false]);
  });

  it('go round: whoever had a turn waits behind all others', () => {
    const slots = openSlots(1);
    const log: string[] = [];
    slots.tryTake();
    for (const name of ['a', 'b', 'c']) slots.queueUp(clientOf(slots, name, log, 3));
    for (let i = 0; i < 9; i++) slots.giveBack();
    expect(log.join('')).toBe('abcabcabc');
  });

  it('keep the turns over thousands of them, also for one that leaves in the middle', () => {
    const slots = openSlots(1);
    const log: string[] = [];
    slots.tryTake();
    const clients = ['a', 'b', 'c'].map(name => clientOf(slots, name, log, 2000));
    for (const client of clients) slots.queueUp(client);
    for (let i = 0; i < 3000; i++) slots.giveBack();
    const [, b] = clients;
    if (b !== undefined) slots.leave(b);
    for (let i = 0; i < 1500; i++) slots.giveBack();
    expect(log.slice(0, 3000).join('')).toBe('abc'.repeat(1000));
    expect(log.slice(3000).join('')).toBe('ac'.repeat(750));
  });

  it('are not offered to one that left, nor twice to one that asked twice', () => {
    const slots = openSlots(1);
    const log: string[] = [];
    slots.tryTake();
    const a = clientOf(slots, 'a', log, 5);
    const b = clientOf(slots, 'b', log);
    slots.queueUp(a);
    slots.queueUp(b);
    slots.queueUp(b);
    slots.leave(a);
    slots.giveBack();
    slots.giveBack();
    expect([log, slots.running]).toEqual([['b'], 0]);
  });

  it('are given to nobody while closed, and go on when opened again', () => {
    const slots = openSlots(1);
    const log: string[] = [];
    slots.tryTake();
    slots.queueUp(clientOf(slots, 'a', log));
    slots.close();
    slots.giveBack();
    expect([log, slots.tryTake()]).toEqual([[], false]);
    slots.open();
    expect(log).toEqual(['a']);
  });

  it('go on being given after a client threw in its turn', () => {
    const slots = openSlots(1);
    const log: string[] = [];
    slots.tryTake();
    slots.queueUp({
      startOne: () => {
        throw new Error('broken client');
      },
    });
    slots.queueUp(clientOf(slots, 'b', log));
    expect(() => slots.giveBack()).toThrow('broken client');
    slots.tryTake();
    slots.giveBack();
    expect(log).toEqual(['b']);
  });
});
