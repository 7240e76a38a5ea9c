// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { type Held, ProcessQueue } from '../../../src/flow/process-queue.ts';
import { at, offsetsOf } from '../../support/builders.ts';
import { takeFrom } from '../../support/taken.ts';

/** Size of each frame that brings messages. Unit: bytes. */
const frame = 1000;
const held = (...offsets: number[]) => offsets.map(queueOffset => ({ queueOffset }));

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, i) => from + i);
}

/** Everything a process queue tells of itself. */
function figures(queue: ProcessQueue<Held>) {
  const { count, bytes, span, pulledTo, commitPoint, runningCount, hasWaiting } = queue;
  return { count, bytes, span, pulledTo, commitPoint, runningCount, hasWaiting };
}

describe('a process queue', () => {
  it('holds nothing at first and may be committed where it starts', () => {
    expect(figures(new ProcessQueue(at(7)))).toEqual({
      count: 0,
      bytes: 0,
      span: 0,
      pulledTo: 7,
      commitPoint: 7,
      runningCount: 0,
      hasWaiting: false,
    });
  });

  it('counts what it holds, and spans from the oldest to the newest of them', () => {
    const queue = new ProcessQueue(at(5));
    queue.admit(held(5, 9, 12), at(20), frame);
    expect(figures(queue)).toEqual({
      count: 3,
      bytes: 1000,
      span: 7,
      pulledTo: 20,
      commitPoint: 5,
      runningCount: 0,
      hasWaiting: true,
    });
  });

  it('hands messages out oldest first, in batches, each once', () => {
    const queue = new ProcessQueue(at(0));
    queue.admit(held(...range(0, 5)), at(5), frame);
    const taken = [takeFrom(queue, 2), takeFrom(queue, 2), takeFrom(queue, 2), takeFrom(queue, 2)];
    expect(taken.map(({ first, messages }) => [first, ...offsetsOf(messages)])).toEqual([
      [0, 0, 1],
      [2, 2, 3],
      [4, 4],
      [5],
    ]);
    expect(queue.runningCount).toBe(5);
  });

  it('moves the commit point only when the oldest unfinished message is done', () => {
    const queue = new ProcessQueue(at(0));
    queue.admit(held(0, 1, 2, 3), at(4), frame);
    takeFrom(queue, 4);
    const points = [2, 1, 3, 0].map(ticket => [queue.finish(ticket), queue.commitPoint]);
    expect(points).toEqual([
      [false, 0],
      [false, 0],
      [false, 0],
      [true, 4],
    ]);
  });

  it('lets the commit point jump to the pull position when all are done, past what was filtered out', () => {
    const queue = new ProcessQueue(at(0));
    queue.admit(held(0), at(500), frame);
    takeFrom(queue, 1);
    expect([queue.commitPoint, queue.finish(0), queue.commitPoint]).toEqual([0, true, 500]);
  });

  it('ignores a ticket that was finished before, is still waiting, or was never given', () => {
    const queue = new ProcessQueue(at(0));
    queue.admit(held(0, 1, 2), at(3), frame);
    takeFrom(queue, 2);
    queue.finish(1);
    const before = figures(queue);
    expect([1, 2, 3, -1, 99].map(ticket => queue.finish(ticket))).toEqual(Array(5).fill(false));
    expect(figures(queue)).toEqual(before);
    queue.finish(0);
    expect([queue.finish(0), queue.count, queue.commitPoint]).toEqual([false, 1, 2]);
  });

  it('forgets what has not started and pulls it again later', () => {
    const queue = new ProcessQueue(at(0));
    queue.admit(held(...range(0, 6)), at(6), frame);
    takeFrom(queue, 2);
    expect(queue.dropWaiting()).toBe(4);
    expect(figures(queue)).toEqual({
      count: 2,
      bytes: 1000,
      span: 1,
      pulledTo: 2,
      commitPoint: 0,
      runningCount: 2,
      hasWaiting: false,
    });
    queue.finish(1);
    queue.finish(0);
    expect(queue.commitPoint).toBe(2);
  });

  it('spans only what is left after dropping, also when the newest of those is done already', () => {
    const queue = new ProcessQueue(at(0));
    queue.admit(held(0, 10, 20, 30), at(40), frame);
    takeFrom(queue, 3);
    queue.finish(2);
    queue.dropWaiting();
    expect(queue.span).toBe(10);
  });

  it('counts a frame whole until the last of its messages is done, whichever that is', () => {
    const queue = new ProcessQueue(at(0));
    queue.admit(held(0, 1, 2), at(3), 5000);
    queue.admit(held(3, 4), at(5), 70);
    takeFrom(queue, 5);
    const bytes = [1, 4, 0, 3, 2].map(ticket => {
      queue.finish(ticket);
      return queue.bytes;
    });
    expect(bytes).toEqual([5070, 5070, 5070, 5000, 0]);
  });

  it('gives a frame back when its last message is dropped, and keeps one that a running message lies in', () => {
    const queue = new ProcessQueue(at(0));
    queue.admit(held(0, 1), at(2), 5000);
    queue.admit(held(2, 3), at(4), 70);
    takeFrom(queue, 1);
    queue.dropWaiting();
    expect(queue.bytes).toBe(5000);
    queue.finish(0);
    expect(queue.bytes).toBe(0);
  });

  it('counts nothing for a frame without a message for us: nobody keeps it', () => {
    const queue = new ProcessQueue(at(0));
    queue.admit([], at(32), 5000);
    expect(queue.bytes).toBe(0);
  });

  it('keeps the sizes of hundreds of frames behind one message that is never done', () => {
    const queue = new ProcessQueue(at(0));
    for (const offset of range(0, 500)) queue.admit(held(offset), at(offset + 1), offset + 1);
    takeFrom(queue, 500);
    for (const ticket of range(1, 500)) queue.finish(ticket);
    expect(queue.bytes).toBe(1);
    for (const offset of range(500, 700)) queue.admit(held(offset), at(offset + 1), 10);
    expect(queue.bytes).toBe(2001);
    queue.finish(0);
    expect(queue.bytes).toBe(2000);
  });

  it('takes a dropped message in again as a new one, whose old ticket no longer counts', () => {
    const queue = new ProcessQueue(at(0));
    queue.admit(held(0, 1), at(2), frame);
    queue.dropWaiting();
    queue.admit(held(0, 1), at(2), frame);
    expect([queue.finish(0), queue.count, queue.commitPoint]).toEqual([false, 2, 0]);
  });

  it('keeps its order and its counts when the ring wraps and when it grows in the middle of a wrap', () => {
    const queue = new ProcessQueue(at(0));
    queue.admit(held(...range(0, 60)), at(60), frame);
    const first = takeFrom(queue, 50);
    for (const i of range(0, 50)) queue.finish(first.first + i);
    queue.admit(held(...range(60, 110)), at(110), frame); // wraps: 60 of 64 places
    queue.admit(held(...range(110, 300)), at(300), frame); // grows
    expect([queue.count, queue.bytes, queue.span, queue.commitPoint]).toEqual([250, 3000, 249, 50]);
    expect(offsetsOf(takeFrom(queue, 1000).messages)).toEqual(range(50, 300));
    expect([queue.finish(299), queue.finish(50), queue.commitPoint]).toEqual([false, true, 51]);
  });

  it('holds exactly as many as its ring has places without growing over one of them', () => {
    const queue = new ProcessQueue(at(0));
    queue.admit(held(...range(0, 64)), at(64), frame);
    expect(offsetsOf(takeFrom(queue, 64).messages)).toEqual(range(0, 64));
    queue.admit(held(64), at(65), frame);
    expect([queue.commitPoint, queue.count, offsetsOf(takeFrom(queue, 9).messages)]).toEqual([0, 65, [64]]);
  });
});
