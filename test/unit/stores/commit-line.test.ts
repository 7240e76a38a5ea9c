// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { queueOffset } from '../../../src/model/queue-offset.ts';
import { ValueLine } from './value-line.ts';

function openLine(): ValueLine {
  return new ValueLine(() => true);
}

/** A line whose broker has `stored` and whose point is `point`. */
function lineAt(stored: number, point = stored): ValueLine {
  const line = openLine();
  line.line.reset(queueOffset(stored), true);
  line.line.advance(queueOffset(point));
  return line;
}

describe('what may be committed', () => {
  it('is unknown until the start is', () => {
    const line = openLine();
    expect([
      line.line.point,
      line.line.handed,
      line.take(0),
      line.takeOneway(0),
      line.line.isSettled,
    ]).toEqual([undefined, undefined, undefined, undefined, true]);
  });

  it('only moves up by advance', () => {
    const line = lineAt(10);
    expect([
      line.line.advance(queueOffset(12)),
      line.line.advance(queueOffset(11)),
      line.line.advance(queueOffset(12)),
    ]).toEqual([true, false, false]);
    expect(line.line.point).toBe(12);
  });

  it('moves back by reset', () => {
    const line = lineAt(10, 20);
    line.line.reset(queueOffset(5));
    expect(line.line.point).toBe(5);
    expect(line.take(0)).toBe(5);
  });

  it('may be offset 0', () => {
    const line = openLine();
    line.line.reset(queueOffset(0));
    expect(line.line.isSettled).toBe(false);
    expect(line.take(0)).toBe(0);
  });
});

describe('a carrier', () => {
  it('takes nothing along when the broker has the point already', () => {
    expect(lineAt(10).take(0)).toBeUndefined();
  });

  it('takes the point along once, and the next one only what came after', () => {
    const line = lineAt(10, 12);
    expect(line.take(0)).toBe(12);
    line.settled(12, true);
    expect([line.line.handed, line.line.isSettled, line.take(1)]).toEqual([12, true, undefined]);
    line.line.advance(queueOffset(15));
    expect(line.take(2)).toBe(15);
  });

  it('travels alone: a second one waits until the first is settled', () => {
    const line = lineAt(10, 12);
    line.take(0);
    line.line.advance(queueOffset(13));
    expect([line.take(1), line.takeOneway(1), line.takeFinal(1)]).toEqual([undefined, undefined, undefined]);
    line.settled(12, true);
    expect(line.take(2)).toBe(13);
  });

  it('travels alone after a reset too, for the value from before could land late', () => {
    const line = lineAt(10, 12);
    line.take(0);
    line.line.reset(queueOffset(3));
    expect(line.take(999)).toBeUndefined();
    expect(line.take(1000)).toBe(3);
  });

  it('no longer counts when it is unanswered for 1000 ms', () => {
    const line = lineAt(10, 12);
    line.take(0);
    line.line.advance(queueOffset(13));
    expect(line.take(999)).toBeUndefined();
    expect(line.take(1000)).toBe(13);
  });

  it('that was refused is repeated at once', () => {
    const line = lineAt(10, 12);
    line.take(0);
    line.refused(12);
    expect(line.take(1)).toBe(12);
  });

  it('whose outcome is unknown is repeated when it can no longer land late', () => {
    const line = lineAt(10, 12);
    line.take(0);
    line.settled(12, false);
    expect([line.take(999), line.line.isSettled, line.line.handed]).toEqual([undefined, false, 10]);
    expect(line.take(1000)).toBe(12);
  });

  it('that was never taken settles nothing', () => {
    const line = lineAt(10, 12);
    line.settled(12, true);
    expect([line.line.handed, line.take(0)]).toEqual([10, 12]);
  });

  it('settles once: a second outcome for it is ignored', () => {
    const line = lineAt(10, 12);
    line.take(0);
    line.settled(12, false);
    line.settled(12, true);
    expect(line.line.handed).toBe(10);
  });

  it('from before a reset does not speak for the value after it', () => {
    const line = lineAt(10, 12);
    line.take(0);
    line.line.reset(queueOffset(3));
    line.settled(12, true);
    expect([line.line.handed, line.take(1)]).toEqual([undefined, 3]);
  });
});

describe('a carrier overtaken by a later one', () => {
  function overtaken(): ValueLine {
    const line = lineAt(10, 12);
    line.take(0);
    line.line.advance(queueOffset(15));
    line.take(1000);
    return line;
  }

  it('makes the point travel once more, since it may have landed last', () => {
    const line = overtaken();
    line.settled(15, true);
    expect(line.line.isSettled).toBe(true);
    line.settled(12, true);
    expect([line.line.handed, line.line.isSettled, line.take(1001)]).toEqual([15, false, 15]);
    line.settled(15, true);
    expect([line.line.isSettled, line.take(1002)]).toEqual([true, undefined]);
  });

  it('does not free the way for a third while the later one is on its way', () => {
    const line = overtaken();
    line.settled(12, true);
    expect(line.take(1500)).toBeUndefined();
    line.settled(15, true);
    expect(line.take(1501)).toBe(15);
  });

  it('makes the point travel until that was answered', () => {
    const line = overtaken();
    line.settled(15, true);
    line.settled(12, true);
    line.take(1001);
    line.refused(15);
    expect([line.line.isSettled, line.take(1002)]).toEqual([false, 15]);
  });

  it('lets the periodic persist repair the point as well', () => {
    const line = overtaken();
    line.settled(15, true);
    line.settled(12, false);
    expect(line.takeOneway(1001)).toBe(15);
    expect(line.takeOneway(9000)).toBeUndefined();
  });
});

describe('a one-way carrier', () => {
  it('is not repeated by the next one, but confirmed by the next answered one', () => {
    const line = lineAt(10, 12);
    expect(line.takeOneway(0)).toBe(12);
    expect([line.line.handed, line.takeOneway(5000), line.take(5000)]).toEqual([10, undefined, 12]);
  });

  it('is in flight for 1000 ms for a pull, which is handled by other threads', () => {
    const line = lineAt(10, 12);
    line.takeOneway(0);
    line.line.advance(queueOffset(13));
    expect([line.take(999), line.take(1000)]).toEqual([undefined, 13]);
  });

  it('is in flight for 100 ms for the final 15, which follows it in the same queue', () => {
    const line = lineAt(10, 12);
    line.takeOneway(0);
    expect([line.line.waitForFinal(40), line.takeFinal(99), line.takeFinal(100)]).toEqual([
      60,
      undefined,
      12,
    ]);
  });

  it('that could not be written is repeated', () => {
    const line = lineAt(10, 12);
    line.takeOneway(0);
    line.refused(12);
    expect(line.takeOneway(1)).toBe(12);
  });
});

describe('what the broker is believed to have', () => {
  it('is what was written last, also one-way, once that had a second to land', () => {
    const line = lineAt(10, 12);
    expect(line.line.believed(0)).toBe(10);
    line.takeOneway(0);
    expect([line.line.believed(999), line.line.believed(1000), line.line.handed]).toEqual([
      undefined,
      12,
      10,
    ]);
  });

  it('is not known before the start is, nor after a carrier whose outcome is not', () => {
    expect(openLine().line.believed(0)).toBeUndefined();
    const line = lineAt(10, 12);
    const carrier = line.line.take(0);
    if (carrier !== undefined) line.line.settled(carrier, false);
    expect(line.line.believed(5000)).toBeUndefined();
  });
});

describe('the final 15', () => {
  it('waits for a flagged pull until it is answered or 1000 ms old', () => {
    const line = lineAt(10, 12);
    line.take(0);
    expect([line.line.waitForFinal(0), line.line.waitForFinal(400), line.line.waitForFinal(1000)]).toEqual([
      1000, 600, 0,
    ]);
    line.settled(12, true);
    expect(line.line.waitForFinal(1)).toBe(0);
  });

  it('tells who waits, once, unless taken back', () => {
    const line = lineAt(10, 12);
    const woken: string[] = [];
    line.line.onceSettled(() => woken.push('first'));
    line.line.onceSettled(() => woken.push('second'))();
    line.take(0);
    line.settled(12, true);
    line.line.advance(queueOffset(13));
    line.take(1);
    line.settled(13, true);
    expect(woken).toEqual(['first']);
  });
});

describe('a line that may not commit', () => {
  it('hands nothing over while the gate is shut, and goes on when it opens', () => {
    let open = false;
    const line = new ValueLine(() => open);
    line.line.reset(queueOffset(7));
    expect([line.take(0), line.takeOneway(0), line.takeFinal(0)]).toEqual([undefined, undefined, undefined]);
    open = true;
    expect(line.take(0)).toBe(7);
  });

  it('asks the gate only when there is something to hand over', () => {
    let asked = 0;
    const line = new ValueLine(() => ++asked > 0);
    line.line.reset(queueOffset(7), true);
    line.take(0);
    line.takeOneway(0);
    expect(asked).toBe(0);
  });

  it('hands nothing over while withheld, in any way, and the point goes on moving', () => {
    const line = lineAt(10, 12);
    line.line.withhold(true);
    expect([line.take(0), line.takeOneway(0), line.takeFinal(0)]).toEqual([undefined, undefined, undefined]);
    expect(line.line.advance(queueOffset(15))).toBe(true);
    expect([line.line.point, line.line.handed, line.line.isSettled, line.line.isClosed]).toEqual([
      15,
      10,
      false,
      false,
    ]);
    line.line.withhold(false);
    expect(line.take(0)).toBe(15);
  });

  it('hands over nothing but the last commit once only that is admitted, until all are again', () => {
    const line = lineAt(10, 12);
    line.line.withhold(true);
    line.line.admitFinal();
    expect([line.take(0), line.takeOneway(0), line.line.reach]).toEqual([undefined, undefined, 12]);
    expect(line.takeFinal(0)).toBe(12);
    line.settled(12, true);
    line.line.advance(queueOffset(13));
    expect(line.take(0)).toBeUndefined();
    line.line.withhold(false);
    expect(line.take(0)).toBe(13);
  });

  it('starts no carrier by being asked while withheld', () => {
    const line = lineAt(10, 12);
    line.line.withhold(true);
    line.take(0);
    expect(line.line.waitForFinal(0)).toBe(0);
    line.line.withhold(false);
    expect(line.takeFinal(0)).toBe(12);
  });

  it('takes the outcome of a carrier that left before it was withheld', () => {
    const line = lineAt(10, 12);
    let woken = 0;
    line.take(0);
    line.line.onceSettled(() => woken++);
    line.line.withhold(true);
    line.settled(12, true);
    expect([line.line.handed, line.line.isSettled, woken]).toEqual([12, true, 1]);
  });

  it('still doubts a carrier whose outcome came while withheld and is not known', () => {
    const line = lineAt(10, 12);
    line.take(0);
    line.line.withhold(true);
    line.settled(12, false);
    expect(line.take(1000)).toBeUndefined();
    line.line.withhold(false);
    expect(line.take(1000)).toBe(12);
  });

  it('may be moved back while withheld, and hands that over afterwards', () => {
    const line = lineAt(10, 12);
    line.line.withhold(true);
    line.line.reset(queueOffset(4));
    expect(line.take(0)).toBeUndefined();
    line.line.withhold(false);
    expect(line.take(0)).toBe(4);
  });

  it('stays shut by its gate, or closed, when it is no longer withheld', () => {
    const shut = new ValueLine(() => false);
    shut.line.reset(queueOffset(7));
    const closed = lineAt(10, 12);
    closed.line.close();
    for (const line of [shut, closed]) {
      line.line.withhold(true);
      line.line.withhold(false);
    }
    expect([shut.take(0), closed.take(0)]).toEqual([undefined, undefined]);
  });

  it('hands nothing over when closed, and wakes who waits', () => {
    const line = lineAt(10, 12);
    let woken = 0;
    line.line.onceSettled(() => woken++);
    line.line.close();
    expect([line.take(0), line.line.isClosed, woken]).toEqual([undefined, true, 1]);
  });
});
