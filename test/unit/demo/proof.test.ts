// SPDX-License-Identifier: Apache-2.0
/** When does the demo say that all is well? */
import { describe, expect, it } from 'vitest';
import { paint } from '../../../scripts/demo/paint.ts';
import { type Evidence, verdictOn } from '../../../scripts/demo/proof.ts';

const good: Evidence = {
  ...{ produced: 30, consumed: 30, repeated: 0, waitingRetries: 0, isInterrupted: false },
  before: [
    { label: '0', max: 100, committed: 90 },
    { label: '1', max: 0, committed: undefined },
  ],
  after: [
    { label: '0', max: 120, committed: 120 },
    { label: '1', max: 10, committed: 10 },
  ],
  members: [
    { name: 'anna', consumed: 20 },
    { name: 'boris', consumed: 10 },
  ],
  stops: [{ name: 'anna', clean: true, ms: 12 }],
};

const textOf = (evidence: Evidence): string =>
  verdictOn(evidence)
    .lines.map(line => paint(line, false))
    .join('\n');

describe('the verdict', () => {
  it('is good when the brokers have committed what they stored, and that is what was produced', () => {
    expect(verdictOn(good).isWell).toBe(true);
    expect(textOf(good)).toContain('All is well: 30 orders produced, 30 consumed, 0 lost, 0 repeated.');
    expect(textOf(good)).toContain('30 stored, 30 committed in 2 of 2 queues, 0 waiting for a retry');
    expect(textOf(good)).toContain('anna 20 + boris 10 = 30');
    expect(textOf(good)).toContain('all cleanly: anna in 12 ms');
  });

  it('allows repeats, and counts them', () => {
    const repeated = { ...good, repeated: 3 };
    expect(verdictOn(repeated).isWell).toBe(true);
    expect(textOf(repeated)).toContain('0 lost, 3 repeated');
  });

  it.each<[string, Partial<Evidence>]>([
    ['an order was not consumed', { consumed: 29 }],
    [
      'a queue is not committed to its end',
      { after: [...good.after.slice(0, 1), { label: '1', max: 10, committed: 9 }] },
    ],
    [
      'a queue has no commit',
      { after: [...good.after.slice(0, 1), { label: '1', max: 10, committed: undefined }] },
    ],
    ['the brokers hold less than was produced', { produced: 31, consumed: 31 }],
    ['a retry is waiting', { waitingRetries: 1 }],
    ['somebody did not stop cleanly', { stops: [{ name: 'anna', clean: false, ms: 3000 }] }],
    ['it was interrupted', { isInterrupted: true }],
  ])('is bad when %s', (_, difference) => {
    expect(verdictOn({ ...good, ...difference }).isWell).toBe(false);
    expect(textOf({ ...good, ...difference })).not.toContain('All is well');
  });
});
