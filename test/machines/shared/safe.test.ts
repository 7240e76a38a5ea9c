// SPDX-License-Identifier: Apache-2.0
/** A throw inside a machine or a user's callback stays a value. */
import { describe, expect, it, vi } from 'vitest';
import { assign, createActor, fromCallback, setup } from 'xstate';
import { ConnectionError, type RocketmqError } from '../../../src/errors/errors.ts';
import { type FaultEvent, guarded, safe } from '../../../src/machines/shared/safe.ts';

type WorkEvent = { readonly type: 'work'; readonly size: number } | { readonly type: 'rest' } | FaultEvent;
interface WorkContext {
  readonly faults: readonly FaultEvent[];
  readonly thrown: unknown;
}

const childRuns = { alive: 0 };
const child = fromCallback(() => {
  childRuns.alive++;
  return () => {
    childRuns.alive--;
  };
});

const lines: string[] = [];
const machine = setup({
  types: {} as { context: WorkContext; events: WorkEvent; input: { thrown: unknown } },
  actors: { child },
  actions: {
    fail: safe(({ context, event }) => {
      if (event.type === 'work' && event.size > 1) throw context.thrown;
    }),
    line: safe((_, params: { readonly text: string }) => {
      lines.push(params.text);
    }),
    recordFault: assign({
      faults: ({ context, event }) => (event.type === 'fault' ? [...context.faults, event] : context.faults),
    }),
    failAgain: safe(() => {
      throw new Error('and again');
    }),
  },
}).createMachine({
  context: ({ input }) => ({ faults: [], thrown: input.thrown }),
  initial: 'idle',
  invoke: { src: 'child', id: 'child' },
  on: { fault: { actions: ['recordFault', 'failAgain'] } },
  states: {
    idle: {
      on: { work: { target: 'working', actions: ['fail', { type: 'line', params: { text: 'worked' } }] } },
    },
    working: { on: { rest: 'idle' } },
  },
});

describe('safe', () => {
  it('turns a throw into one fault event, and the machine and its children live on', () => {
    const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
    childRuns.alive = 0;
    lines.length = 0;
    const actor = createActor(machine, { id: 'worker', input: { thrown: new Error('boom') } }).start();
    actor.send({ type: 'work', size: 2 });
    const snapshot = actor.getSnapshot();
    expect(snapshot.status).toBe('active');
    expect(snapshot.value).toBe('working');
    expect(childRuns.alive).toBe(1);
    expect(lines).toEqual(['worked']);
    expect(snapshot.context.faults).toHaveLength(1);
    const fault = snapshot.context.faults[0];
    expect(fault?.actor).toBe('worker');
    expect(fault?.error.code).toBe('RMQ_INTERNAL');
    expect(fault?.error.message).toBe('an action of worker threw on work: boom');
    expect(fault?.error.cause).toEqual(new Error('boom'));
    expect(warned).toHaveBeenCalledTimes(1); // failAgain threw while the fault was handled: warned of, not sent
    warned.mockRestore();
    actor.stop();
    expect(childRuns.alive).toBe(0);
  });

  it('keeps an error that is already typed', () => {
    const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
    const lost = new ConnectionError('RMQ_CONNECTION_LOST', 'connection to 127.0.0.1:10911 lost');
    const actor = createActor(machine, { input: { thrown: lost } }).start();
    actor.send({ type: 'work', size: 2 });
    expect(actor.getSnapshot().context.faults[0]?.error).toBe(lost);
    warned.mockRestore();
    actor.stop();
  });

  it('does nothing of its own when the action succeeds', () => {
    const actor = createActor(machine, { input: { thrown: undefined } }).start();
    actor.send({ type: 'work', size: 1 });
    expect(actor.getSnapshot().context.faults).toEqual([]);
    actor.stop();
  });
});

describe('guarded', () => {
  const collect = () => {
    const errors: RocketmqError[] = [];
    return { errors, onFault: (error: RocketmqError) => errors.push(error) };
  };

  it('passes arguments and the result through', () => {
    const { errors, onFault } = collect();
    const add = guarded('add', (a: number, b: number) => a + b, onFault);
    expect(add(1, 2)).toBe(3);
    expect(errors).toEqual([]);
  });

  it('reports a throw as RMQ_CALLBACK_FAILED naming the callback, and answers undefined', () => {
    const { errors, onFault } = collect();
    const fail = guarded(
      "callback of on('queue.assigned')",
      () => {
        throw new TypeError('no such thing');
      },
      onFault,
    );
    expect(fail()).toBeUndefined();
    expect(errors.map(error => [error.code, error.message])).toEqual([
      ['RMQ_CALLBACK_FAILED', "callback of on('queue.assigned') threw: no such thing"],
    ]);
  });

  it('reports the rejection of an async callback, so that no unhandledRejection follows', async () => {
    const { errors, onFault } = collect();
    const fail = guarded('observer', () => Promise.reject(new Error('late')), onFault);
    await expect(fail()).rejects.toThrow('late');
    expect(errors.map(error => error.message)).toEqual(['observer threw: late']);
  });

  it('survives a fault receiver that throws as well', () => {
    const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
    const fail = guarded(
      'observer',
      () => {
        throw new Error('first');
      },
      () => {
        throw new Error('second');
      },
    );
    expect(() => fail()).not.toThrow();
    expect(warned).toHaveBeenCalledTimes(1);
    warned.mockRestore();
  });
});
