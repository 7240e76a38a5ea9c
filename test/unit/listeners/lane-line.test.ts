// SPDX-License-Identifier: Apache-2.0
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Lane } from '../../../src/listeners/lane.ts';
import { LaneLine } from '../../../src/listeners/lane-line.ts';
import { messageAt } from '../../support/builders.ts';

const message = messageAt(0);

function laneFrom(ticket: number): Lane {
  const lane = new Lane(String(ticket));
  lane.add({ ticket, message, arrivedAt: 0, failures: 0 });
  return lane;
}

describe('the line of ready lanes', () => {
  it('gives out the one with the oldest message, in whatever order they came and went', () => {
    const step = fc.option(fc.nat(9999), { freq: 3 });
    fc.assert(
      fc.property(fc.array(step, { minLength: 50, maxLength: 100, size: 'max' }), steps => {
        const line = new LaneLine();
        const expected: number[] = [];
        for (const ticket of steps) {
          if (ticket !== null) {
            line.add(laneFrom(ticket));
            expected.push(ticket);
            expected.sort((a, b) => a - b);
          } else if (line.takeFirst()?.first?.ticket !== expected.shift()) expect.fail('not the oldest');
          if (line.first?.first?.ticket !== expected[0]) expect.fail('the oldest is not first');
        }
      }),
      { numRuns: 50 },
    );
  });

  it('is empty when it was cleared', () => {
    const line = new LaneLine();
    line.add(laneFrom(1));
    line.clear();
    expect([line.first, line.takeFirst()]).toEqual([undefined, undefined]);
  });
});
