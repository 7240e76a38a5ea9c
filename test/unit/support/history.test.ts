// SPDX-License-Identifier: Apache-2.0
// Can the judge of all evidence be trusted? What it must find, and what it must not.
import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { checkHistory } from '../../support/history/checker.ts';
import { stepsBack } from '../../support/history/commits.ts';
import {
  type Delivery,
  DeliveryReader,
  readJavaDeliveries,
  WireReader,
} from '../../support/history/deliveries.ts';
import { ownerTimeline, settlement, type Touch } from '../../support/history/owners.ts';

function delivery(sequence: number, given: Partial<Delivery> = {}): Delivery {
  return {
    queue: 'orders@broker-a#0',
    topic: 'orders',
    queueId: 0,
    offset: sequence,
    sequence,
    at: sequence,
    reconsumeTimes: 0,
    isDone: true,
    ...given,
  };
}

describe('the history checker', () => {
  const sent = { from: 0, to: 3 };

  test('finds nothing wrong with each message done once, by whichever member', () => {
    const verdict = checkHistory({
      sent,
      deliveries: [[delivery(0), delivery(2)], [delivery(1)]],
      stored: [{ queue: 'orders@broker-a#0', min: 0, max: 3 }],
    });

    expect(verdict).toEqual({
      done: 3,
      failed: 0,
      lost: [],
      lostOffsets: [],
      repeatedByValue: 0,
      repeatedByOffset: 0,
      neverSent: [],
    });
  });

  test('names what was sent and never done', () => {
    expect(checkHistory({ sent, deliveries: [[delivery(1)]] }).lost).toEqual([0, 2]);
  });

  test('does not count a failed delivery as done', () => {
    const verdict = checkHistory({
      sent: { from: 0, to: 1 },
      deliveries: [[delivery(0, { isDone: false })]],
    });

    expect(verdict).toMatchObject({ done: 0, failed: 1, lost: [0], repeatedByOffset: 0 });
  });

  test('a message that failed and came back from the retry topic is neither lost nor repeated', () => {
    const again = delivery(0, { queue: '%RETRY%g@broker-a#0', reconsumeTimes: 1 });
    const verdict = checkHistory({
      sent: { from: 0, to: 1 },
      deliveries: [[delivery(0, { isDone: false }), again]],
    });

    expect(verdict).toMatchObject({ lost: [], repeatedByValue: 0, repeatedByOffset: 0 });
  });

  test('tells a message done twice from one that was stored twice', () => {
    const deliveredTwice = checkHistory({ sent, deliveries: [[delivery(0)], [delivery(0)]] });
    const storedTwice = checkHistory({ sent, deliveries: [[delivery(0), delivery(0, { offset: 7 })]] });

    expect(deliveredTwice).toMatchObject({ repeatedByValue: 1, repeatedByOffset: 1 });
    expect(storedTwice).toMatchObject({ repeatedByValue: 1, repeatedByOffset: 0 });
  });

  test('does not take equal offsets of two queues for a repetition', () => {
    const other = delivery(1, { offset: 0, queue: 'orders@broker-a#1' });

    expect(checkHistory({ sent, deliveries: [[delivery(0), other]] }).repeatedByOffset).toBe(0);
  });

  test('names what was done and never sent', () => {
    expect(checkHistory({ sent, deliveries: [[delivery(3), delivery(Number.NaN)]] }).neverSent).toEqual([
      3,
      Number.NaN,
    ]);
  });

  test('finds a stored message that nobody was given, also when another copy of it was done', () => {
    const verdict = checkHistory({
      sent: { from: 0, to: 1 },
      deliveries: [[delivery(0)]],
      stored: [
        { queue: 'orders@broker-a#0', min: 0, max: 2 },
        { queue: 'orders@broker-a#1', min: 4, max: 5 },
      ],
    });

    expect(verdict).toMatchObject({ lost: [], lostOffsets: ['orders@broker-a#0 1', 'orders@broker-a#1 4'] });
  });
});

describe('the owner timeline', () => {
  const touches: readonly Touch[] = [
    { member: 'a', queue: 'q0', at: 1 },
    { member: 'a', queue: 'q1', at: 2 },
    { member: 'a', queue: 'q0', at: 90 },
    { member: 'a', queue: 'q1', at: 130 },
    { member: 'b', queue: 'q1', at: 120 },
    { member: 'b', queue: 'q1', at: 150 },
    { member: 'a', queue: 'q0', at: 140 },
  ];

  test('shows each queue’s owners in the order of time, whatever the order of the touches', () => {
    expect(ownerTimeline(touches)).toEqual(
      new Map([
        ['q0', [{ member: 'a', from: 1, to: 140, touches: 3 }]],
        [
          'q1',
          [
            { member: 'a', from: 2, to: 2, touches: 1 },
            { member: 'b', from: 120, to: 120, touches: 1 },
            { member: 'a', from: 130, to: 130, touches: 1 },
            { member: 'b', from: 150, to: 150, touches: 1 },
          ],
        ],
      ]),
    );
  });

  test('a change has settled when the last queue is touched by its new owner and no more by the old one', () => {
    expect(settlement(touches, { from: 100, to: 200 })).toEqual({
      split: new Map([
        ['a', ['q0']],
        ['b', ['q1']],
      ]),
      ms: 30,
      lastQueue: 'q1',
      moved: ['q1'],
    });
  });

  test('a queue that keeps its owner settles at once, however late it is touched', () => {
    expect(
      settlement(
        touches.filter(({ queue }) => queue === 'q0'),
        { from: 100, to: 200 },
      ),
    ).toMatchObject({ ms: 0, moved: [] });
  });

  test('a queue that nobody touches is in nobody’s share', () => {
    expect(settlement(touches, { from: 160, to: 200 }).split).toEqual(new Map());
  });
});

describe('the commit watch', () => {
  test('finds a fall, and a forgotten offset, of the same queue only', () => {
    const samples = [
      { queue: 'q0', committed: undefined, at: 0 },
      { queue: 'q0', committed: 5, at: 1 },
      { queue: 'q1', committed: 3, at: 2 },
      { queue: 'q0', committed: 5, at: 3 },
      { queue: 'q0', committed: 4, at: 4 },
      { queue: 'q1', committed: undefined, at: 5 },
    ];

    expect(stepsBack(samples)).toEqual([
      { queue: 'q0', from: 5, to: 4, at: 4 },
      { queue: 'q1', from: 3, to: undefined, at: 5 },
    ]);
  });
});

describe('the files of the members', () => {
  const folder = mkdtempSync(join(tmpdir(), 'history-test-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const file = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };

  test('are read line by line; a last line that is half written is left out', () => {
    const out = file(
      'out',
      '3 17 42 1234.5 orders@broker-a 0 ok orders 1240.25 0 \n' +
        '0 2 7 1300 %RETRY%g@broker-a 2 failed orders 1301 1 blue\n3 18 4',
    );

    expect(new DeliveryReader(out).read()).toEqual([
      delivery(42, {
        ...{ queue: 'orders@broker-a#3', queueId: 3, offset: 17, at: 1234.5 },
        ...{ until: 1240.25, call: '0', key: '' },
      }),
      delivery(7, {
        ...{ queue: '%RETRY%g@broker-a#0', offset: 2, at: 1300, reconsumeTimes: 2, isDone: false },
        ...{ until: 1301, call: '1', key: 'blue' },
      }),
    ]);
  });

  test('show a call that was begun once: with its end, or without one when its process was gone before', () => {
    const out = file(
      'begun',
      '0 5 5 10 orders@broker-a 0 begun orders - 0 blue\n0 5 5 10 orders@broker-a 0 ok orders 12 0 blue\n' +
        '0 6 6 13 orders@broker-a 0 begun orders - 1 red\n',
    );

    expect(new DeliveryReader(out).read()).toEqual([
      delivery(5, { at: 10, until: 12, call: '0', key: 'blue' }),
      delivery(6, { at: 13, until: undefined, call: '1', key: 'red', isDone: false }),
    ]);
  });

  test('may not be there yet', () => {
    expect(new DeliveryReader(join(folder, 'none')).read()).toEqual([]);
  });

  test('are read on from where they were read last, also from the middle of a line', () => {
    const begun = '0 5 5 10 orders@broker-a 0 begun orders - 0 blue\n';
    const out = file('growing', `${begun}0 5 5 10 orders@bro`);
    const reader = new DeliveryReader(out);
    expect(reader.read()).toEqual([
      delivery(5, { at: 10, until: undefined, call: '0', key: 'blue', isDone: false }),
    ]);

    appendFileSync(out, 'ker-a 0 ok orders 12 0 blue\n0 6 6 13 orders@broker-a 0 ok orders 14 1 \n');
    expect(reader.read()).toEqual([
      delivery(5, { at: 10, until: 12, call: '0', key: 'blue' }),
      delivery(6, { at: 13, until: 14, call: '1', key: '' }),
    ]);
  });

  test('of the wire name code, time, queue and port', () => {
    expect(new WireReader(file('wire', '11 5.25 orders#3 10911\n34 6  10912\n')).read()).toEqual([
      { code: 11, at: 5.25, queue: 'orders#3', port: 10911 },
      { code: 34, at: 6, queue: '', port: 10912 },
    ]);
  });

  test('of a Java consumer tell the same', () => {
    const line =
      '1 2 0000000003 broker-a 1 1790000000000 50.5 51.25 7 failed %RETRY%g orders blue id1 id2 orders id0\n';

    expect(readJavaDeliveries(file('java', line))).toEqual([
      delivery(3, {
        ...{ queue: '%RETRY%g@broker-a#1', queueId: 1, offset: 2, at: 50.5, until: 51.25 },
        ...{ call: '7', key: 'blue', reconsumeTimes: 1, isDone: false },
      }),
    ]);
  });

  test('of a Java consumer may not be there yet', () => {
    expect(readJavaDeliveries(join(folder, 'none'))).toEqual([]);
  });
});
