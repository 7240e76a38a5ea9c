// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { type FlowFigures, FlowGate, type FlowLimits, SharedFlow } from '../../../src/flow/flow-gate.ts';
import { RateLimit } from '../../../src/flow/rate-limit.ts';
import { TestClock } from '../../../src/testing/test-clock.ts';

const limits: FlowLimits = {
  countOfQueue: 10,
  bytesOfQueue: 1000,
  spanOfQueue: 20,
  uncommittedOfQueue: 50,
  countOfTopic: 20,
  bytesOfTopic: 2000,
  countOfAll: 30,
  bytesOfAll: 3000,
};
/** Only all queues together have limits that these tests reach. */
const roomyTopics: FlowLimits = { ...limits, countOfTopic: 1e6, bytesOfTopic: 1e9 };

interface Figures {
  readonly count: number;
  readonly bytes: number;
  readonly span: number;
  readonly uncommitted: number;
  readonly waiting: number;
}

/** A gate over figures that the test sets; `asked`: how often somebody looked at them. */
class Queue implements FlowFigures {
  readonly gate: FlowGate;
  readonly calls: string[] = [];
  asked = 0;
  #now: Figures = { count: 0, bytes: 0, span: 0, uncommitted: 0, waiting: 0 };

  constructor(shared: SharedFlow, topic = 'orders') {
    this.gate = new FlowGate(this, shared, topic);
  }

  hold(now: Partial<Figures>): this {
    this.#now = { ...this.#now, ...now };
    return this;
  }

  wait(name = 'open'): this {
    this.gate.whenOpen(() => this.calls.push(name));
    return this;
  }

  get count(): number {
    this.asked++;
    return this.#now.count;
  }

  get bytes(): number {
    return this.#now.bytes;
  }

  get span(): number {
    return this.#now.span;
  }

  get waitingCount(): number {
    return this.#now.waiting;
  }

  isUncommittedBeyond(offsets: number): boolean {
    return this.#now.uncommitted > offsets;
  }
}

describe('a flow gate', () => {
  it.each([
    ['countOfQueue', { count: 10 }, { count: 11 }],
    ['sizeOfQueue', { bytes: 1000 }, { bytes: 1001 }],
    ['spanOfQueue', { span: 20 }, { span: 21 }],
    ['uncommittedOfQueue', { uncommitted: 50 }, { uncommitted: 51 }],
  ] as const)('is open at the limit of %s and closed above it', (cause, atLimit, above) => {
    const queue = new Queue(new SharedFlow(limits));
    expect(queue.hold(atLimit).gate.cause()).toBeUndefined();
    expect(queue.hold(above).gate.cause()).toBe(cause);
  });

  it.each([
    ['countOfTopic', limits, [20, 0], [1, 0]],
    ['sizeOfTopic', limits, [0, 2000], [0, 1]],
    ['countOfAll', roomyTopics, [30, 0], [1, 0]],
    ['sizeOfAll', roomyTopics, [0, 3000], [0, 1]],
  ] as const)(
    'is open at the limit of %s and closed above it, whichever queue holds it',
    (cause, set, atLimit, more) => {
      const shared = new SharedFlow(set);
      const holder = new Queue(shared);
      const { gate } = new Queue(shared);
      holder.gate.add(atLimit[0], atLimit[1]);
      expect(gate.cause()).toBeUndefined();
      holder.gate.add(more[0], more[1]);
      expect(gate.cause()).toBe(cause);
    },
  );

  it('does not mind what another topic holds, as long as all together have room', () => {
    const shared = new SharedFlow(limits);
    new Queue(shared, 'orders').gate.add(25, 0);
    expect([new Queue(shared, 'orders').gate.cause(), new Queue(shared, 'refunds').gate.cause()]).toEqual([
      'countOfTopic',
      undefined,
    ]);
  });

  it('is never closed by a limit that is not set', () => {
    const shared = new SharedFlow({
      ...{ countOfQueue: 10, bytesOfQueue: 10, spanOfQueue: 10 },
      ...{ countOfAll: 1e9, bytesOfAll: 1e12 },
    });
    const queue = new Queue(shared).hold({ uncommitted: 1e9, waiting: 1e9 });
    queue.gate.add(1e6, 1e9);
    expect(queue.gate.cause()).toBeUndefined();
  });

  it.each([
    ['countOfQueue', { count: 8 }, { count: 2, bytes: 0 }, { count: 3, bytes: 0 }],
    ['sizeOfQueue', { bytes: 800 }, { count: 0, bytes: 200 }, { count: 0, bytes: 201 }],
  ] as const)('counts what is received but not yet admitted against %s', (cause, held, fits, tooMuch) => {
    const { gate } = new Queue(new SharedFlow(limits)).hold(held);
    expect([gate.cause(fits), gate.cause(tooMuch)]).toEqual([undefined, cause]);
  });

  it.each([
    ['countOfTopic', limits, [18, 0], { count: 2, bytes: 0 }, { count: 3, bytes: 0 }],
    ['sizeOfTopic', limits, [0, 1800], { count: 0, bytes: 200 }, { count: 0, bytes: 201 }],
    ['countOfAll', roomyTopics, [28, 0], { count: 2, bytes: 0 }, { count: 3, bytes: 0 }],
    ['sizeOfAll', roomyTopics, [0, 2800], { count: 0, bytes: 200 }, { count: 0, bytes: 201 }],
  ] as const)(
    'counts what is received but not yet admitted against %s',
    (cause, set, held, fits, tooMuch) => {
      const { gate } = new Queue(new SharedFlow(set));
      gate.add(held[0], held[1]);
      expect([gate.cause(fits), gate.cause(tooMuch)]).toEqual([undefined, cause]);
    },
  );
});

describe('a gate that waits for room of all queues', () => {
  it('calls back exactly once when it is given back, however much follows', () => {
    const shared = new SharedFlow(roomyTopics);
    const holder = new Queue(shared);
    holder.gate.add(32, 0);
    const queue = new Queue(shared).wait();
    holder.gate.release(1, 0);
    expect(queue.calls).toEqual([]);
    holder.gate.release(1, 0);
    holder.gate.release(1, 0);
    expect(queue.calls).toEqual(['open']);
  });

  it('is not asked any more once it was called', () => {
    const shared = new SharedFlow(roomyTopics);
    const holder = new Queue(shared);
    holder.gate.add(31, 0);
    const queue = new Queue(shared).wait();
    queue.asked = 0;
    for (let i = 0; i < 20; i++) holder.gate.release(1, 0);
    expect(queue.asked).toBe(1);
  });

  it('is not asked while they hold too much: nothing could open', () => {
    const shared = new SharedFlow(roomyTopics);
    const holder = new Queue(shared);
    holder.gate.add(100, 4000);
    const queue = new Queue(shared).wait();
    queue.asked = 0;
    for (let i = 0; i < 69; i++) holder.gate.release(1, 0);
    holder.gate.release(1, 10); // room for messages, not yet for bytes
    expect(queue.asked).toBe(0);
  });

  it('is not called for room that another cause still takes: it waits for that from then on', () => {
    const shared = new SharedFlow(roomyTopics);
    const holder = new Queue(shared);
    holder.gate.add(31, 0);
    const queue = new Queue(shared).wait();
    queue.hold({ count: 12 });
    holder.gate.release(1, 0);
    queue.hold({ count: 11 }).gate.release(1, 0);
    expect(queue.calls).toEqual([]);
    queue.hold({ count: 10 }).gate.release(1, 0);
    expect(queue.calls).toEqual(['open']);
  });

  it('is not called once it was forgotten, and may wait again later', () => {
    const shared = new SharedFlow(roomyTopics);
    const holder = new Queue(shared);
    holder.gate.add(31, 0);
    const queue = new Queue(shared).wait('first');
    queue.gate.forget();
    holder.gate.release(1, 0);
    holder.gate.add(1, 0);
    queue.wait('second');
    holder.gate.release(1, 0);
    expect(queue.calls).toEqual(['second']);
  });

  it('asked to wait twice calls only the newer callback', () => {
    const shared = new SharedFlow(roomyTopics);
    const holder = new Queue(shared);
    holder.gate.add(31, 0);
    const queue = new Queue(shared).wait('older').wait('newer');
    holder.gate.release(1, 0);
    expect(queue.calls).toEqual(['newer']);
  });

  it.each([
    ['used it', 1, [30, 30]],
    ['not used it', 0, [30]],
  ] as const)(
    'may wait again from inside its call, having %s, and is called once for the same room',
    (_, used, counts) => {
      const shared = new SharedFlow(roomyTopics);
      const { gate } = new Queue(shared);
      const calls: number[] = [];
      const onOpen = (): void => {
        calls.push(shared.count);
        if (calls.length > 100) throw new Error('called for ever');
        gate.add(used, 0);
        gate.whenOpen(onOpen);
      };
      gate.add(31, 0);
      gate.whenOpen(onOpen);
      for (let i = 0; i <= used; i++) gate.release(1, 0);
      expect(calls).toEqual(counts);
    },
  );

  it('comes after those that waited before it, and goes on waiting when the first of them has used the room up', () => {
    const shared = new SharedFlow(roomyTopics);
    const holder = new Queue(shared);
    const calls: string[] = [];
    holder.gate.add(31, 0);
    for (const name of ['a', 'b', 'c']) {
      const { gate } = new Queue(shared);
      gate.whenOpen(() => {
        calls.push(name);
        gate.add(1, 0);
      });
    }
    holder.gate.release(1, 0);
    expect(calls).toEqual(['a']);
    holder.gate.release(1, 0);
    holder.gate.release(1, 0);
    expect(calls).toEqual(['a', 'b', 'c']);
  });
});

describe('a gate that waits for room of its topic', () => {
  it('is called by whichever queue of the topic gives it back, and by no other', () => {
    const shared = new SharedFlow(limits);
    const holder = new Queue(shared, 'orders');
    const other = new Queue(shared, 'refunds');
    holder.gate.add(21, 0);
    other.gate.add(5, 0);
    const queue = new Queue(shared, 'orders').wait();
    queue.asked = 0;
    other.gate.release(5, 0);
    expect([queue.calls, queue.asked]).toEqual([[], 0]);
    holder.gate.release(1, 0);
    expect(queue.calls).toEqual(['open']);
  });

  it('waits on with all queues when these hold too much by then', () => {
    const shared = new SharedFlow(limits);
    const holder = new Queue(shared, 'orders');
    const other = new Queue(shared, 'refunds');
    holder.gate.add(21, 0);
    other.gate.add(12, 0);
    const queue = new Queue(shared, 'orders').wait();
    holder.gate.release(1, 0); // 20 of the topic, 32 of all
    expect(queue.gate.cause()).toBe('countOfAll');
    other.gate.release(1, 0);
    expect(queue.calls).toEqual([]);
    other.gate.release(1, 0);
    expect(queue.calls).toEqual(['open']);
  });
});

describe('a gate that waits for its own queue', () => {
  it('is asked by what its queue gives back, and by nothing else: a thousand of them cost the others nothing', () => {
    const shared = new SharedFlow(limits);
    const waiting = Array.from({ length: 1000 }, () => new Queue(shared).hold({ count: 11 }).wait());
    for (const queue of waiting) queue.asked = 0;
    const busy = new Queue(shared);
    busy.gate.add(15, 0);
    for (let i = 0; i < 15; i++) busy.gate.release(1, 0);
    expect(waiting.reduce((sum, { asked }) => sum + asked, 0)).toBe(0);
    const [one] = waiting;
    one?.hold({ count: 10 }).gate.release(1, 0);
    expect(waiting.flatMap(({ calls }) => calls)).toEqual(['open']);
  });

  it('opens when it is told to look again: its offset was committed, or may be now', () => {
    const queue = new Queue(new SharedFlow(limits)).hold({ uncommitted: 51 }).wait();
    queue.gate.recheck();
    expect(queue.calls).toEqual([]);
    queue.hold({ uncommitted: 50 }).gate.recheck();
    queue.gate.recheck();
    expect(queue.calls).toEqual(['open']);
  });
});

describe('a gate of a consumer with a rate', () => {
  it('closes when a burst of its messages waits for the rate, and opens at half of it', () => {
    const clock = new TestClock();
    const rate = new RateLimit(100, clock);
    const queue = new Queue(new SharedFlow(limits, rate)).hold({ waiting: 10 });
    expect(queue.gate.cause()).toBeUndefined();
    rate.whenDue(() => {});
    expect(queue.gate.cause()).toBe('rate');
    expect([queue.hold({ waiting: 9 }).gate.cause(), queue.gate.cause({ count: 1, bytes: 0 })]).toEqual([
      undefined,
      'rate',
    ]);
    queue.hold({ waiting: 10 }).wait();
    queue.hold({ waiting: 5 }).gate.recheck();
    expect([queue.calls, queue.gate.awaitsStart]).toEqual([[], true]);
    queue.hold({ waiting: 4 }).gate.recheck();
    expect([queue.calls, queue.gate.awaitsStart]).toEqual([['open'], false]);
    rate.forget();
    expect(queue.hold({ waiting: 1000 }).gate.cause()).toBeUndefined(); // not for the rate: for slots
  });
});
