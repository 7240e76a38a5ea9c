// SPDX-License-Identifier: Apache-2.0
// Does the judge of take-overs see a queue that was left alone?
import { expect, test } from 'vitest';
import type { Touch } from '../../support/history/owners.ts';
import { longestUnpulled, queuesOf, takenOverAfter } from '../../support/history/unpulled.ts';

const pulls: readonly Touch[] = [
  { member: 'anna', queue: 'q0', at: 10 },
  { member: 'boris', queue: 'q1', at: 12 },
  { member: 'anna', queue: 'q0', at: 20 },
  { member: 'anna', queue: 'q2', at: 21 },
  { member: 'boris', queue: 'q1', at: 55 },
  { member: 'boris', queue: 'q0', at: 60 },
  { member: 'boris', queue: 'q0', at: 90 },
];

test('the longest time without a pull lies between two pulls of a queue, whoever sent them', () => {
  expect(longestUnpulled(pulls, ['q0'], { from: 15, to: 100 })).toEqual({ queue: 'q0', from: 20, ms: 40 });
  expect(longestUnpulled(pulls, ['q0', 'q1'], { from: 11, to: 70 })).toMatchObject({ queue: 'q1', ms: 43 });
});

test('a queue that nobody pulls is left alone from the beginning to the end', () => {
  expect(longestUnpulled(pulls, ['q0', 'q3'], { from: 5, to: 95 })).toEqual({ queue: 'q3', from: 5, ms: 90 });
});

test('the time before the first pull and after the last one counts', () => {
  expect(longestUnpulled(pulls, ['q2'], { from: 0, to: 30 })).toEqual({ queue: 'q2', from: 0, ms: 21 });
  expect(longestUnpulled(pulls, ['q2'], { from: 15, to: 80 })).toEqual({ queue: 'q2', from: 21, ms: 59 });
});

test('without queues there is nothing to tell', () => {
  expect(longestUnpulled(pulls, [], { from: 0, to: 100 })).toBeUndefined();
});

test('a member has the queues that it pulled last before that time', () => {
  expect(queuesOf(pulls, 'anna', 50)).toEqual(['q0', 'q2']);
  expect(queuesOf(pulls, 'anna', 61)).toEqual(['q2']);
});

test('a queue is taken over with the first pull of another member', () => {
  expect(takenOverAfter(pulls, ['q0'], { from: 30, member: 'anna' })).toBe(30);
  expect(takenOverAfter(pulls, ['q0', 'q2'], { from: 30, member: 'anna' })).toBe(Infinity);
  expect(takenOverAfter(pulls, [], { from: 30, member: 'anna' })).toBe(0);
});
