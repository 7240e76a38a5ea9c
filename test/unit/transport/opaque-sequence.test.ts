// SPDX-License-Identifier: Apache-2.0
/** Are the numbers of requests never given twice at a time? */
import { expect, it } from 'vitest';
import { OpaqueSequence } from '../../../src/transport/opaque-sequence.ts';

it('numbers go up from 0, wrap past 2^31-1, and skip those in use', () => {
  const fromZero = new OpaqueSequence();
  const nothing = new Set<number>();
  expect([fromZero.next(nothing), fromZero.next(nothing)]).toEqual([0, 1]);

  const largest = 2 ** 31 - 1;
  const nearTheEnd = new OpaqueSequence(largest - 1);
  const inUse = new Set([largest, 0, 1, 3]);
  const given = [1, 2, 3].map(() => nearTheEnd.next(inUse));
  expect(given).toEqual([largest - 1, 2, 4]);
});
