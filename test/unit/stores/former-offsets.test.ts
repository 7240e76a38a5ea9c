// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { queueOffset } from '../../../src/model/queue-offset.ts';
import { FormerOffsets } from '../../../src/stores/former-offsets.ts';
import { TestClock } from '../../../src/testing/test-clock.ts';

const queue = { topic: 'orders', brokerName: 'broker-a', queueId: 0 };
const other = { ...queue, queueId: 1 };

function deleted() {
  const clock = new TestClock();
  const former = new FormerOffsets(clock);
  former.note(queue, queueOffset(100));
  former.note(queue, queueOffset(90)); // the larger one counts
  return { clock, former };
}

describe('FormerOffsets', () => {
  it('takes what was committed up to the deletion for that of the old topic, and what is larger for that of the new one', () => {
    const { former } = deleted();
    expect([0, 100, 101].map(offset => former.isFormer(queue, queueOffset(offset)))).toEqual([
      true,
      true,
      false,
    ]);
    expect(former.isFormer(other, queueOffset(1))).toBe(false);
  });

  it('does so however long the topic is away, and for a minute after it is back', async () => {
    const { clock, former } = deleted();
    await clock.advance(86_400_000);
    former.noteReturn([queue, other]);
    await clock.advance(30_000);
    former.noteReturn([queue, other]); // a later route changes nothing
    await clock.advance(30_000);
    expect(former.isFormer(queue, queueOffset(50))).toBe(true);
    await clock.advance(1);
    expect(former.isFormer(queue, queueOffset(50))).toBe(false);
  });

  it('knows nothing of a queue that has started since, until it is deleted once more', () => {
    const { former } = deleted();
    former.forget(queue);
    expect(former.isFormer(queue, queueOffset(50))).toBe(false);
    former.note(queue, queueOffset(60));
    expect(former.isFormer(queue, queueOffset(50))).toBe(true);
  });
});
