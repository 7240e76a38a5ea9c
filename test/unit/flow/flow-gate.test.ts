// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { type FlowFigures, FlowGate, type FlowLimits, SharedFlow } from '../../../src/flow/flow-gate.ts';

const limits: FlowLimits = {
  countOfQueue: 10,
  bytesOfQueue: 1000,
  spanOfQueue: 20,
  countOfAll: 30,
  bytesOfAll: 3000,
};
const nothing: FlowFigures = { count: 0, bytes: 0, span: 0 };

/** A gate over figures that the test sets. */
function gateOf(shared: SharedFlow) {
  const figures = { now: nothing };
  const gate = new FlowGate(() => figures.now, shared);
  return {
    gate,
    hold: (now: Partial<FlowFigures>) => Object.assign(figures, { now: { ...nothing, ...now } }),
  };
}

describe('a flow gate', () => {
  it.each([
    ['countOfQueue', { count: 10 }, { count: 11 }],
    ['sizeOfQueue', { bytes: 1000 }, { bytes: 1001 }],
    ['spanOfQueue', { span: 20 }, { span: 21 }],
  ] as const)('is open at the limit of %s and closed above it', (cause, atLimit, above) => {
    const { gate, hold } = gateOf(new SharedFlow(limits));
    hold(atLimit);
    expect(gate.cause()).toBeUndefined();
    hold(above);
    expect(gate.cause()).toBe(cause);
  });

  it.each([
    ['countOfAll', [30, 0], [1, 0]],
    ['sizeOfAll', [0, 3000], [0, 1]],
  ] as const)(
    'is open at the limit of %s and closed above it, whichever queue holds it',
    (cause, atLimit, more) => {
      const shared = new SharedFlow(limits);
      const { gate } = gateOf(shared);
      shared.add(atLimit[0], atLimit[1]);
      expect(gate.cause()).toBeUndefined();
      shared.add(more[0], more[1]);
      expect(gate.cause()).toBe(cause);
    },
  );

  it.each([
    ['countOfQueue', { count: 8, bytes: 0 }, { count: 2, bytes: 0 }, { count: 3, bytes: 0 }],
    ['sizeOfQueue', { count: 0, bytes: 800 }, { count: 0, bytes: 200 }, { count: 0, bytes: 201 }],
  ] as const)('counts what is received but not yet admitted against %s', (cause, held, fits, tooMuch) => {
    const { gate, hold } = gateOf(new SharedFlow(limits));
    hold(held);
    expect([gate.cause(fits), gate.cause(tooMuch)]).toEqual([undefined, cause]);
  });

  it.each([
    ['countOfAll', [28, 0], { count: 2, bytes: 0 }, { count: 3, bytes: 0 }],
    ['sizeOfAll', [0, 2800], { count: 0, bytes: 200 }, { count: 0, bytes: 201 }],
  ] as const)('counts what is received but not yet admitted against %s', (cause, held, fits, tooMuch) => {
    const shared = new SharedFlow(limits);
    const { gate } = gateOf(shared);
    shared.add(held[0], held[1]);
    expect([gate.cause(fits), gate.cause(tooMuch)]).toEqual([undefined, cause]);
  });

  it('calls back exactly once when room is given back, however much follows', () => {
    const shared = new SharedFlow(limits);
    const { gate } = gateOf(shared);
    const calls: string[] = [];
    shared.add(32, 0);
    gate.whenOpen(() => calls.push('open'));
    shared.release(1, 0);
    expect(calls).toEqual([]);
    shared.release(1, 0);
    shared.release(1, 0);
    expect(calls).toEqual(['open']);
  });

  it('is not asked any more once it was called', () => {
    const shared = new SharedFlow(limits);
    let asked = 0;
    const gate = new FlowGate(() => {
      asked++;
      return nothing;
    }, shared);
    shared.add(31, 0);
    gate.whenOpen(() => {});
    for (let i = 0; i < 20; i++) shared.release(1, 0);
    expect(asked).toBe(1);
  });

  it('is not asked while all queues together hold too much: nothing could open', () => {
    const shared = new SharedFlow(limits);
    let asked = 0;
    const gate = new FlowGate(() => {
      asked++;
      return nothing;
    }, shared);
    shared.add(100, 4000);
    gate.whenOpen(() => {});
    for (let i = 0; i < 69; i++) shared.release(1, 0);
    shared.release(1, 10); // room for messages, not yet for bytes
    expect(asked).toBe(0);
  });

  it('is not called for room that another cause still takes', () => {
    const shared = new SharedFlow(limits);
    const { gate, hold } = gateOf(shared);
    const calls: string[] = [];
    shared.add(12, 0);
    hold({ count: 12 });
    gate.whenOpen(() => calls.push('open'));
    shared.release(1, 0);
    hold({ count: 11 });
    shared.release(1, 0);
    expect(calls).toEqual([]);
    hold({ count: 10 });
    shared.release(1, 0);
    expect(calls).toEqual(['open']);
  });

  it('is not called once it was forgotten, and may wait again later', () => {
    const shared = new SharedFlow(limits);
    const { gate } = gateOf(shared);
    const calls: string[] = [];
    shared.add(31, 0);
    gate.whenOpen(() => calls.push('first'));
    gate.forget();
    shared.release(1, 0);
    shared.add(1, 0);
    gate.whenOpen(() => calls.push('second'));
    shared.release(1, 0);
    expect(calls).toEqual(['second']);
  });

  it('asked to wait twice calls only the newer callback', () => {
    const shared = new SharedFlow(limits);
    const { gate } = gateOf(shared);
    const calls: string[] = [];
    shared.add(31, 0);
    gate.whenOpen(() => calls.push('older'));
    gate.whenOpen(() => calls.push('newer'));
    shared.release(1, 0);
    expect(calls).toEqual(['newer']);
  });

  it('may wait again from inside its own callback without being called for the same room', () => {
    const shared = new SharedFlow(limits);
    const { gate } = gateOf(shared);
    const calls: number[] = [];
    shared.add(31, 0);
    const onOpen = (): void => {
      calls.push(shared.count);
      shared.add(1, 0);
      gate.whenOpen(onOpen);
    };
    gate.whenOpen(onOpen);
    shared.release(1, 0);
    shared.release(1, 0);
    expect(calls).toEqual([30, 30]);
  });

  it('is called once for the same room also when it waits again without having used it', () => {
    const shared = new SharedFlow(limits);
    const { gate } = gateOf(shared);
    const calls: number[] = [];
    const onOpen = (): void => {
      calls.push(shared.count);
      if (calls.length > 100) throw new Error('called for ever');
      gate.whenOpen(onOpen);
    };
    shared.add(31, 0);
    gate.whenOpen(onOpen);
    shared.release(1, 0);
    expect(calls).toEqual([30]);
  });

  it('wakes those that waited first, and leaves the rest waiting when the first has used the room up', () => {
    const shared = new SharedFlow(limits);
    const calls: string[] = [];
    shared.add(31, 0);
    for (const name of ['a', 'b', 'c']) {
      const { gate } = gateOf(shared);
      gate.whenOpen(() => {
        calls.push(name);
        shared.add(1, 0);
      });
    }
    shared.release(1, 0);
    expect(calls).toEqual(['a']);
    shared.release(1, 0);
    shared.release(1, 0);
    expect(calls).toEqual(['a', 'b', 'c']);
  });
});
