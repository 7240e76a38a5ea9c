// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { TestClock } from '../../../src/testing/test-clock.ts';
import { PendingCalls } from '../../../src/transport/pending-calls.ts';

function pending(timeouts: readonly number[]) {
  const clock = new TestClock();
  const expired: number[] = [];
  const calls = new PendingCalls(clock, late => expired.push(...late.map(({ opaque }) => opaque)));
  for (const [opaque, timeoutMs] of timeouts.entries()) {
    calls.add({ opaque, what: 'a call', timeoutMs, deadline: clock.now() + timeoutMs, onOutcome: () => {} });
  }
  return { clock, expired, calls };
}

describe('calls that have not ended', () => {
  it('expire at their deadlines', async () => {
    const { clock, expired } = pending([1000, 3000]);
    await clock.advance(999);
    expect(expired).toEqual([]);
    await clock.advance(1);
    expect(expired).toEqual([0]);
    await clock.advance(2000);
    expect(expired).toEqual([0, 1]);
  });

  it('do not expire before what came while the process slept can have been read', async () => {
    const { clock, expired, calls } = pending([1000, 3000]);
    clock.jump(70_000);
    await clock.advance(0);
    expect(expired).toEqual([]);
    expect(calls.take(0)?.opaque).toBe(0); // its answer lay in the socket
    await clock.advance(249);
    expect(expired).toEqual([]);
    await clock.advance(1);
    expect(expired).toEqual([1]);
  });
});
