// SPDX-License-Identifier: Apache-2.0
/** Are traces written as TraceDataEncoder (Java client 5.x) writes and splits them? */
import { expect, test } from 'vitest';
import { type SubAfter, subAfter, subBefore } from '../../../src/protocol/trace-text.ts';

const before = {
  ...{ requestId: 'R1', consumerGroup: 'billing', regionId: 'DefaultRegion', msgId: 'M1' },
  ...{ keys: 'a b', retryTimes: 2, at: 1_700_000_000_000 },
};
const after: SubAfter = {
  ...{ requestId: 'R1', consumerGroup: 'billing', msgId: 'M1', keys: 'a b' },
  ...{ costMs: 3, success: false, outcome: 'EXCEPTION', at: 1_700_000_000_009 },
};

test('what goes to a listener: type, time, region, group, request, id, retries, keys', () => {
  expect(subBefore(before)).toBe(
    'SubBefore\u00011700000000000\u0001DefaultRegion\u0001billing\u0001R1\u0001M1\u00012\u0001a b\u0002',
  );
});

test('what became of it: type, request, id, cost, success, keys, number of the outcome, time, group', () => {
  expect(subAfter(after)).toBe(
    'SubAfter\u0001R1\u0001M1\u00013\u0001false\u0001a b\u00012\u00011700000000009\u0001billing\u0002',
  );
});

test('no keys are written as null: an empty last field would be lost to Java', () => {
  for (const keys of [undefined, '']) {
    expect(subBefore({ ...before, keys }).endsWith('\u0001null\u0002')).toBe(true);
    expect(subAfter({ ...after, keys }).split('\u0001')[5]).toBe('null');
  }
});

test('outcomes have the numbers of ConsumeReturnType', () => {
  const numbers = (['SUCCESS', 'TIME_OUT', 'EXCEPTION', 'RETURNNULL', 'FAILED'] as const).map(
    outcome => subAfter({ ...after, outcome }).split('\u0001')[6],
  );
  expect(numbers).toEqual(['0', '1', '2', '3', '4']);
});
