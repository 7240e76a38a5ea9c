// SPDX-License-Identifier: Apache-2.0
/** A machine with every kind of arrow, to try the pictures and checks on. */
import { and, assign, fromCallback, fromPromise, not, setup } from 'xstate';
import { type FaultEvent, safe } from '../../src/machines/shared/safe.ts';

export const leafMachine = setup({}).createMachine({
  id: 'leaf',
  initial: 'on',
  states: { on: { on: { end: 'off' } }, off: { type: 'final' } },
});

export const toyMachine = setup({
  types: {} as {
    context: { readonly tries: number };
    events: { readonly type: 'go' } | { readonly type: 'stop' } | { readonly type: 'poke' } | FaultEvent;
    input: { readonly tries: number };
  },
  actors: { work: fromPromise(async () => 1), listen: fromCallback(() => {}), leaf: leafMachine },
  actions: {
    note: safe(() => {}),
    say: safe((_, _params: { readonly word: string }) => {}),
    count: assign({ tries: ({ context }) => context.tries + 1 }),
  },
  guards: { isTired: ({ context }) => context.tries > 3, isLate: () => false },
  delays: { pause: ({ context }) => context.tries * 10 },
}).createMachine({
  id: 'toy',
  description: 'Tries and rests.',
  context: ({ input }) => ({ tries: input.tries }),
  initial: 'resting',
  on: { stop: '.stopped', fault: { actions: 'note' } },
  states: {
    resting: {
      entry: 'note',
      tags: 'idle',
      after: { pause: 'busy' },
      on: { go: { target: 'busy', guard: 'isLate' }, poke: { actions: ['count', 'note'] } },
    },
    busy: {
      initial: 'working',
      invoke: { src: 'listen', id: 'listener', onError: 'resting' },
      exit: { type: 'say', params: { word: 'done' } },
      onDone: 'resting',
      states: {
        working: { invoke: { src: 'work', id: 'work', onDone: 'judging', onError: '#toy.resting' } },
        judging: {
          always: [{ guard: and(['isTired', not('isLate')]), target: 'over' }, { target: 'working' }],
        },
        over: { type: 'final' },
      },
    },
    stopped: { type: 'final' },
  },
});
