// SPDX-License-Identifier: Apache-2.0
/** What is deferred on a scope ends with it, whatever else goes wrong. */
import { describe, expect, it, vi } from 'vitest';
import { createActor, setup } from 'xstate';
import { createScope } from '../../../src/machines/shared/scope.ts';

describe('a scope', () => {
  it('aborts its signal first, then runs the disposers once, newest first', () => {
    const log: string[] = [];
    const scope = createScope();
    scope.signal.addEventListener('abort', () => log.push('aborted'));
    scope.defer(() => log.push('first'));
    scope.defer(() => log.push('second'));
    expect(scope.close(new Error('enough'))).toEqual([]);
    expect(scope.close()).toEqual([]);
    expect(log).toEqual(['aborted', 'second', 'first']);
    expect(scope.signal.reason).toEqual(new Error('enough'));
  });

  it('gives RMQ_ABORTED as the reason when none is named', () => {
    const scope = createScope();
    scope.close();
    expect(scope.signal.reason).toMatchObject({ code: 'RMQ_ABORTED' });
  });

  it('runs every disposer even if some throw, and answers what they threw', () => {
    const log: string[] = [];
    const scope = createScope();
    scope.defer(() => log.push('last'));
    scope.defer(() => {
      throw new Error('one');
    });
    scope.child().defer(() => {
      throw new Error('in the child');
    });
    expect(scope.close()).toEqual([new Error('in the child'), new Error('one')]);
    expect(log).toEqual(['last']);
  });

  it('runs at once what is deferred after it was closed, so that nothing slips through', () => {
    const scope = createScope();
    scope.close();
    const dispose = vi.fn();
    scope.defer(dispose);
    expect(dispose).toHaveBeenCalledTimes(1);
  });

  it('leaves alone what was taken back, and runs twice what was deferred twice', () => {
    const scope = createScope();
    const takenBack = vi.fn();
    const twice = vi.fn();
    scope.defer(takenBack)();
    scope.defer(twice);
    scope.defer(twice);
    scope.close();
    expect(takenBack).not.toHaveBeenCalled();
    expect(twice).toHaveBeenCalledTimes(2);
  });

  it('closes its children with the same reason, at every depth', () => {
    const scope = createScope();
    const grandchild = scope.child().child();
    const dispose = vi.fn();
    grandchild.defer(dispose);
    scope.close('over');
    expect(grandchild.signal.reason).toBe('over');
    expect(dispose).toHaveBeenCalledTimes(1);
  });

  it('outlives a child, and does not run its disposers again', () => {
    const scope = createScope();
    const child = scope.child();
    const dispose = vi.fn();
    child.defer(dispose);
    child.close();
    expect(scope.signal.aborted).toBe(false);
    scope.close();
    expect(dispose).toHaveBeenCalledTimes(1);
  });

  it('follows a parent signal, also one aborted before', () => {
    const parent = new AbortController();
    const scope = createScope(parent.signal);
    parent.abort('stop');
    expect(scope.signal.reason).toBe('stop');
    expect(createScope(parent.signal).signal.reason).toBe('stop');
  });

  it('leaves no listener on the parent signal once closed', () => {
    const parent = new AbortController();
    const removed = vi.spyOn(parent.signal, 'removeEventListener');
    createScope(parent.signal).close();
    expect(removed).toHaveBeenCalledTimes(1);
  });

  it('closes what a hard stopped actor holds, though no exit action runs', () => {
    const exit = vi.fn();
    const dispose = vi.fn();
    const scope = createScope();
    scope.defer(dispose);
    const machine = setup({ actions: { exit } }).createMachine({ exit: 'exit' });
    const actor = createActor(machine);
    actor.subscribe({ complete: () => scope.close() });
    actor.start().stop();
    expect(exit).not.toHaveBeenCalled();
    expect(dispose).toHaveBeenCalledTimes(1);
  });

  it('bears hundreds of waiting calls without a leak warning', async () => {
    const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
    const scope = createScope();
    for (let i = 0; i < 300; i++) scope.signal.addEventListener('abort', () => {});
    await new Promise(resolve => setImmediate(resolve));
    expect(warned).not.toHaveBeenCalled();
    warned.mockRestore();
  });
});
