// SPDX-License-Identifier: Apache-2.0
/** The clock of all machine tests must itself be beyond doubt. */
import { describe, expect, it } from 'vitest';
import { createActor, fromPromise, setup } from 'xstate';
import { TestClock } from '../../../src/testing/test-clock.ts';

function recorder(clock: TestClock) {
  const log: string[] = [];
  return { log, mark: (name: string) => log.push(`${name}@${clock.now()}`) };
}

describe('TestClock', () => {
  it('fires chained timers of a machine at their own times', async () => {
    const clock = new TestClock();
    const { log, mark } = recorder(clock);
    const machine = setup({
      actions: { mark: (_, params: { name: string }) => mark(params.name) },
    }).createMachine({
      initial: 'a',
      states: {
        a: { entry: { type: 'mark', params: { name: 'a' } }, after: { 1000: 'b' } },
        b: { entry: { type: 'mark', params: { name: 'b' } }, after: { 1000: 'a' } },
      },
    });
    const actor = createActor(machine, { clock }).start();
    await clock.advance(5000);
    expect(log).toEqual(['a@0', 'b@1000', 'a@2000', 'b@3000', 'a@4000', 'b@5000']);
    expect(clock.pending).toBe(1);
    actor.stop();
    expect(clock.pending).toBe(0);
  });

  it('lets promises settle between two timers', async () => {
    const clock = new TestClock();
    const { log, mark } = recorder(clock);
    const machine = setup({
      actors: { work: fromPromise(async () => mark('work')) },
      actions: { mark: (_, params: { name: string }) => mark(params.name) },
    }).createMachine({
      initial: 'waiting',
      states: {
        waiting: { after: { 1000: 'working' } },
        working: { invoke: { src: 'work', onDone: 'waiting', onError: 'waiting' } },
      },
    });
    const actor = createActor(machine, { clock }).start();
    await clock.advance(3000);
    expect(log).toEqual(['work@1000', 'work@2000', 'work@3000']);
    actor.stop();
    expect(clock.pending).toBe(0);
  });

  it('fires equal times in the order of arming, whatever was cleared between', async () => {
    const clock = new TestClock();
    const { log, mark } = recorder(clock);
    clock.setTimeout(() => mark('late'), 20);
    clock.setTimeout(() => mark('first'), 10);
    const cleared = clock.setTimeout(() => mark('cleared'), 10);
    clock.setTimeout(() => mark('second'), 10);
    clock.clearTimeout(cleared);
    await clock.advance(20);
    expect(log).toEqual(['first@10', 'second@10', 'late@20']);
  });

  it('lets nothing fire before its time and keeps the rest of a step', async () => {
    const clock = new TestClock();
    const { log, mark } = recorder(clock);
    clock.setTimeout(() => mark('x'), 100);
    await clock.advance(99);
    expect(log).toEqual([]);
    expect(clock.now()).toBe(99);
    await clock.advance(1);
    expect(log).toEqual(['x@100']);
  });

  it('moves monotonic and wall time together, and wall time alone when asked', async () => {
    const clock = new TestClock({ now: 5, wallNow: 1000 });
    await clock.advance(10);
    clock.jumpWall(-500);
    expect([clock.now(), clock.wallNow()]).toEqual([15, 510]);
  });

  it('fires overdue timers only after a jump, once each, as a continued process does', async () => {
    const clock = new TestClock();
    const { log, mark } = recorder(clock);
    const tick = () => {
      mark('tick');
      clock.setTimeout(tick, 1000);
    };
    clock.setTimeout(tick, 1000);
    clock.jump(130_000);
    expect(log).toEqual([]);
    await clock.flush();
    expect(log).toEqual(['tick@130000']);
    await clock.advance(1000);
    expect(log).toEqual(['tick@130000', 'tick@131000']);
  });

  it('flush settles promises without passing time', async () => {
    const clock = new TestClock();
    let settled = false;
    void Promise.resolve()
      .then(() => Promise.resolve())
      .then(() => {
        settled = true;
      });
    await clock.flush();
    expect(settled).toBe(true);
    expect(clock.now()).toBe(0);
  });

  it('hands a throwing timer to the caller and keeps the other timers', async () => {
    const clock = new TestClock();
    clock.setTimeout(() => {
      throw new Error('in the timer');
    }, 1);
    clock.setTimeout(() => {}, 2);
    await expect(clock.advance(5)).rejects.toThrow('in the timer');
    expect(clock.pending).toBe(1);
  });
});
