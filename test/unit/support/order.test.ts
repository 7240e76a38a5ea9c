// SPDX-License-Identifier: Apache-2.0
// Can the judge of order be trusted? Each kind of breach is planted, and what is no breach beside it.
import { describe, expect, test } from 'vitest';
import type { Delivery } from '../../support/history/deliveries.ts';
import { checkOrder, type MemberHistory, type OrderInput } from '../../support/history/order.ts';

const queue = 'orders@broker-a#0';

/** A call of 10 ms that did what it should, begun at that time. */
function call(offset: number, at: number, given: Partial<Delivery> = {}): Delivery {
  return {
    ...{ queue, topic: 'orders', queueId: 0, offset, sequence: offset, at, until: at + 10, key: '' },
    ...{ reconsumeTimes: 0, isDone: true },
    ...given,
  };
}

const member = (name: string, deliveries: readonly Delivery[], goneAt?: number): MemberHistory => ({
  name,
  deliveries,
  goneAt,
});

function judge(deliveries: readonly Delivery[], more: Partial<OrderInput> = {}): object {
  const { gaps, inversions, overlaps, repeated } = checkOrder({
    ...{ members: [member('anna', deliveries)], by: 'queue' },
    ...more,
  });
  return { gaps, inversions, overlaps, repeated };
}

const clean = { gaps: [], inversions: [], overlaps: [], repeated: 0 };

describe('a queue in order', () => {
  test('one call after the other, however long a pause, is no breach; what was judged is counted', () => {
    const members = [
      member('anna', [call(0, 0), call(1, 10)]),
      member('boris', [call(2, 500), call(0, 0, { queue: 'orders@broker-a#1' })]),
    ];

    expect(checkOrder({ members, by: 'queue' })).toEqual({ ...clean, lanes: 2, deliveries: 4 });
  });

  test('need not begin at 0, and the order in which members wrote does not matter', () => {
    expect(judge([call(8, 20), call(7, 5)])).toEqual(clean);
  });

  test('a message that nobody was given while later ones were is a gap', () => {
    expect(judge([call(0, 0), call(2, 20), call(3, 40)])).toEqual({ ...clean, gaps: [`${queue} 1`] });
  });

  test('a message passed over and delivered afterwards is a gap and an inversion, each told once', () => {
    expect(judge([call(0, 0), call(2, 20), call(3, 40), call(1, 60)])).toEqual({
      ...clean,
      gaps: [`${queue} 1`],
      inversions: [`${queue}: 1 after 3`],
    });
  });

  test('a message whose call failed must come again before the next one', () => {
    const failed = call(0, 0, { isDone: false });

    expect(judge([failed, call(0, 20), call(1, 40)])).toEqual(clean);
    expect(judge([failed, call(1, 20), call(0, 40)])).toMatchObject({ gaps: [`${queue} 0`], inversions: [] });
  });

  test('a call that its process never ended must come again before the next one', () => {
    const cut = member('anna', [call(0, 0, { until: undefined, isDone: false })], 5);
    const next = member('boris', [call(1, 20)]);
    const again = member('boris', [call(0, 20), call(1, 40)]);

    expect(checkOrder({ members: [cut, again], by: 'queue' })).toMatchObject(clean);
    expect(checkOrder({ members: [cut, next], by: 'queue' })).toMatchObject({ gaps: [`${queue} 0`] });
  });

  test('dead letters may be passed over', () => {
    const deliveries = [call(0, 0, { isDone: false }), call(1, 20)];

    expect(judge(deliveries, { givenUp: new Set([`${queue} 0`]) })).toEqual(clean);
  });

  test('after a kill what was done may be done again, from anywhere behind, but in order', () => {
    const killed = member('anna', [call(0, 0), call(1, 10), call(2, 20)], 30);
    const heir = member('boris', [call(1, 100), call(2, 110), call(3, 120)]);
    const careless = member('boris', [call(1, 100), call(2, 110), call(4, 120)]);

    expect(checkOrder({ members: [killed, heir], by: 'queue' })).toMatchObject({ ...clean, repeated: 2 });
    expect(checkOrder({ members: [killed, careless], by: 'queue' })).toMatchObject({
      gaps: [`${queue} 3`],
    });
  });

  test('a call begun while another had not ended is an overlap, of one member or of two', () => {
    const overlap = { ...clean, overlaps: [expect.stringContaining(`${queue}: 1 (`) as string] };
    const two = [member('anna', [call(0, 0)]), member('boris', [call(1, 9.999)])];

    expect(judge([call(0, 0), call(1, 5)])).toEqual(overlap);
    expect(checkOrder({ members: two, by: 'queue' })).toMatchObject(overlap);
  });

  test('an overlap is also found with a call that began long before the last one', () => {
    const long = call(0, 0, { until: 100 });

    expect(judge([long, call(0, 20), call(0, 50)])).toMatchObject({ overlaps: { length: 2 }, repeated: 2 });
  });

  test('a call without an end runs until its process is gone', () => {
    const at = (goneAt: number): readonly MemberHistory[] => [
      member('anna', [call(0, 0, { until: undefined, isDone: false })], goneAt),
      member('boris', [call(0, 50)]),
    ];

    expect(checkOrder({ members: at(50), by: 'queue' })).toMatchObject({ overlaps: [] });
    expect(checkOrder({ members: at(51), by: 'queue' })).toMatchObject({ overlaps: { length: 1 } });
  });

  test('the messages of one call are no overlap', () => {
    const batch = [call(0, 0, { call: '7' }), call(1, 0, { call: '7' })];

    expect(judge(batch)).toEqual(clean);
  });

  test('what the broker holds and nobody was given is a gap, at the ends too', () => {
    const stored = [
      { queue, min: 3, max: 6 },
      { queue: 'orders@broker-a#1', min: 0, max: 1 },
    ];

    expect(judge([call(4, 0)], { stored })).toEqual({
      ...clean,
      gaps: [`${queue} 3`, `${queue} 5`, 'orders@broker-a#1 0'],
    });
  });
});

describe('sharding keys in order', () => {
  const blue = { key: 'blue' };
  const red = { key: 'red' };
  const byKey = { by: 'shardingKey' } as const;

  test('different keys of a queue side by side are no breach, in the order of a queue they are', () => {
    const deliveries = [call(1, 0, red), call(0, 5, blue), call(2, 20, blue)];

    expect(judge(deliveries, byKey)).toEqual(clean);
    expect(judge(deliveries)).toMatchObject({
      gaps: [`${queue} 0`],
      inversions: [`${queue}: 0 after 1`],
      overlaps: { length: 1 },
    });
  });

  test('two calls of one key at once are an overlap, and its messages must keep their order', () => {
    expect(judge([call(0, 0, blue), call(2, 5, blue)], byKey)).toMatchObject({ overlaps: { length: 1 } });
    expect(judge([call(2, 0, blue), call(0, 20, blue)], byKey)).toMatchObject({
      gaps: [`${queue} 0`],
      inversions: [`${queue} blue: 0 after 2`],
    });
  });

  test('of a key, a failed message passed over is a gap; other keys go on meanwhile', () => {
    const failed = call(0, 0, { ...blue, isDone: false });

    expect(judge([failed, call(1, 20, red), call(2, 40, blue)], byKey)).toMatchObject({
      gaps: [`${queue} 0`],
    });
    expect(judge([failed, call(1, 20, red), call(0, 40, blue), call(2, 60, blue)], byKey)).toEqual(clean);
  });

  test('messages without a key are in order among themselves', () => {
    const deliveries = [call(0, 0, { key: undefined }), call(2, 5, blue), call(1, 8)];

    expect(judge(deliveries, byKey)).toMatchObject({ overlaps: { length: 1 }, inversions: [] });
  });

  test('what nobody was given is a gap of its queue, whatever its key was', () => {
    expect(
      judge([call(0, 0, blue), call(2, 20, blue)], { ...byKey, stored: [{ queue, min: 0, max: 3 }] }),
    ).toMatchObject({ gaps: [`${queue} 1`] });
  });
});
