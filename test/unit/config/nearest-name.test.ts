// SPDX-License-Identifier: Apache-2.0
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { editDistance, nearestName } from '../../../src/config/nearest-name.ts';

describe('editDistance', () => {
  it.each([
    ['', '', 0],
    ['', 'abc', 3],
    ['kitten', 'sitting', 3],
    ['flaw', 'lawn', 2],
  ])('from %o to %o it is %d', (a, b, edits) => {
    expect(editDistance(a, b)).toBe(edits);
    expect(editDistance(b, a)).toBe(edits);
  });

  it('is at most one for each inserted character', () => {
    fc.assert(fc.property(fc.string(), fc.string(), (a, b) => editDistance(a, a + b) === b.length));
  });
});

describe('nearestName', () => {
  const known = ['pullBatchSize', 'persistBatchSize', 'pullInterval'];

  it('prefers the one with fewer edits', () => {
    expect(nearestName('pulBatchSize', known)).toBe('pullBatchSize');
    expect(nearestName('persitBatchSize', known)).toBe('persistBatchSize');
  });

  it('has no answer for what resembles nothing', () => {
    expect(nearestName('colour', known)).toBeUndefined();
    expect(nearestName('', known)).toBeUndefined();
  });
});
