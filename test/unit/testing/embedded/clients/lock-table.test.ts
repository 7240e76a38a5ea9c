// SPDX-License-Identifier: Apache-2.0
/** Who holds a queue, and for how long? */
import { describe, expect, it } from 'vitest';
import { LockTable } from '../../../../../src/testing/embedded/clients/lock-table.ts';
import { TestClock } from '../../../../../src/testing/test-clock.ts';
import { queueNumber } from '../../../../support/builders.ts';

const [q0, q1, q2] = [queueNumber(0), queueNumber(1), queueNumber(2)];

function setup() {
  const clock = new TestClock();
  return { clock, locks: new LockTable(clock) };
}

describe('the lock table', () => {
  it('grants what nobody else holds and says which that is', () => {
    const { locks } = setup();
    expect(locks.lock('billing', 'a', [q0, q1])).toEqual([q0, q1]);
    expect(locks.lock('billing', 'b', [q0, q2])).toEqual([q2]);
    expect([q0, q1, q2].map(queue => locks.holder('billing', queue))).toEqual(['a', 'a', 'b']);
  });

  it('knows nothing of other groups', () => {
    const { locks } = setup();
    locks.lock('billing', 'a', [q0]);
    expect(locks.lock('%RETRY%billing', 'b', [q0])).toEqual([q0]);
    expect([locks.isAnyHeld('billing'), locks.isAnyHeld('shipping')]).toEqual([true, false]);
  });

  it('gives back to whoever names the holder’s client id, and only that', () => {
    const { locks } = setup();
    locks.lock('billing', 'a', [q0, q1]);
    locks.unlock('billing', 'b', [q0]);
    locks.unlock('billing', 'a', [q1]);
    expect([q0, q1].map(queue => locks.holder('billing', queue))).toEqual(['a', undefined]);
  });

  it('keeps a lock for 60 s since it was last asked for', () => {
    const { clock, locks } = setup();
    locks.lock('billing', 'a', [q0]);
    clock.jump(40_000);
    locks.lock('billing', 'a', [q0]);
    clock.jump(60_000);
    expect(locks.lock('billing', 'b', [q0])).toEqual([]);
    clock.jump(1);
    expect([locks.holder('billing', q0), locks.isAnyHeld('billing')]).toEqual([undefined, false]);
    expect(locks.lock('billing', 'b', [q0])).toEqual([q0]);
  });
});
