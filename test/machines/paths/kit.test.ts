// SPDX-License-Identifier: Apache-2.0
/** A walk that finds nothing proves nothing: it is shown a chart whose orders are known, kept and broken. */
import { describe, expect, it } from 'vitest';
import { assign, fromPromise, setup } from 'xstate';
import { explore } from './kit/explore.ts';
import type { PathRule } from './kit/path-plan.ts';
import { Replayer, wordsOf } from './kit/replay.ts';

/** It saves before it leaves, unless the saving takes too long. */
const leavingMachine = setup({
  types: {} as { context: { readonly count: number }; events: { readonly type: 'go' | 'stop' } },
  actors: { save: fromPromise(async () => 1) },
  actions: { leave: () => {}, count: assign({ count: 1 }) },
  guards: { isEmpty: () => false, isLate: () => false },
  delays: { patience: 50 },
}).createMachine({
  id: 'leaving',
  context: { count: 0 },
  initial: 'idle',
  on: { stop: '.gone' },
  states: {
    idle: { on: { go: [{ guard: 'isEmpty', target: 'gone' }, { target: 'saving' }] } },
    saving: {
      entry: 'count',
      invoke: {
        id: 'save',
        src: 'save',
        onDone: [{ guard: 'isLate', target: 'idle' }, 'gone'],
        onError: 'idle',
      },
      after: { patience: 'gone' },
    },
    gone: { type: 'final', entry: 'leave' },
  },
});

const broken: PathRule = { sentence: 'saves before it leaves', never: ['leave'], before: ['on done(save)'] };
const kept: PathRule = { sentence: 'leaves once', never: ['leave'], after: ['leave'] };
const idle: PathRule = { sentence: 'does what nobody does', never: ['nothing'], after: ['leave'] };

describe('a walk', () => {
  it('finds every configuration, and what can happen there with every answer of a guard', () => {
    const { configurations, paths } = explore(leavingMachine, { rules: [kept] });
    expect(configurations).toEqual(['"idle"', '"saving"', '"gone"']);
    expect(
      paths.map(({ steps }) => steps.map(({ move, to }) => [move.type, to.chart.value]).at(-1)).slice(1),
    ).toEqual([
      ['go', 'saving'],
      ['go', 'gone'],
      ['stop', 'gone'],
      ['stop', 'gone'],
      ['xstate.after.patience.leaving.saving', 'gone'],
      ['xstate.done.actor.save', 'gone'],
      ['xstate.done.actor.save', 'idle'],
      ['xstate.error.actor.save', 'idle'],
    ]);
  });

  it('finds a broken rule with the shortest way there, and a rule that nothing has to do with', () => {
    const { breaches, idleRules } = explore(leavingMachine, { rules: [broken, kept, idle] });
    expect(breaches[0] === undefined ? '' : wordsOf(breaches[0])).toBe(
      '"idle"\n  go {isEmpty} → "gone"\n  saves before it leaves',
    );
    expect(new Set(breaches.map(({ steps }) => steps.at(-1)?.to.broken.join()))).toEqual(
      new Set([broken.sentence]),
    );
    expect(idleRules).toEqual([idle.sentence]);
  });

  it('is gone by a living actor, and one that differs is told', async () => {
    const { paths } = explore(leavingMachine, { rules: [kept] });
    const replayer = new Replayer(leavingMachine, { rules: [kept] });
    for (const path of paths) expect(await replayer.replay(path)).toEqual([]);
    expect(replayer.coverage.missed()).toEqual([]);
    const [first, second] = paths;
    if (first === undefined || second === undefined) throw new Error('no path');
    const wrong = { ...second, steps: second.steps.map(step => ({ ...step, to: first.begin })) };
    expect(await replayer.replay(wrong)).toEqual(['step 1, go: ["saving",["count"]] instead of ["idle",[]]']);
  });
});
