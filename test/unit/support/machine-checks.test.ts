// SPDX-License-Identifier: Apache-2.0
/** A rule that cannot fail protects nothing: each is shown a machine that breaks it. */
import { describe, expect, it } from 'vitest';
import { type AnyStateMachine, assign, createMachine, fromCallback, fromPromise, setup } from 'xstate';
import { safe } from '../../../src/machines/shared/safe.ts';
import { machineRules } from '../../support/machine-checks.ts';
import { leafMachine, toyMachine } from '../../support/toy-machine.ts';

const work = fromPromise(async () => 1);
const listen = fromCallback(() => {});
const effect = safe(() => {});

/** Only what is looked at; the types would refuse most of these, and they do not look into strings everywhere. */
const machineOf = (config: object): AnyStateMachine => createMachine(config as { readonly initial: string }); // broken on purpose

const broken: Readonly<Record<string, readonly [machine: AnyStateMachine, problems: readonly string[]]>> = {
  'implements every action, guard, delay and actor it names': [
    machineOf({
      entry: [{ type: 'greet' }],
      invoke: { src: 'work' },
      initial: 'a',
      states: {
        a: { on: { go: { guard: 'isOpen', target: 'b', actions: 'say' } }, after: { pause: 'b', 5: 'b' } },
        b: {},
      },
    }),
    [
      'greet is not among the actions',
      'work is not among the actors',
      'isOpen is not among the guards',
      'say is not among the actions',
      'pause is not among the delays',
    ],
  ],
  'names every action, guard, delay and actor': [
    machineOf({
      entry: () => {},
      invoke: { src: work },
      on: { x: { guard: () => true, actions: [assign({}), () => {}] } },
      initial: 'a',
      states: { a: { after: { 50: 'b' } }, b: {} },
    }),
    [
      'one of the actions has no name',
      'one of the actors has no name',
      'one of the guards has no name',
      'one of the actions has no name',
      'the delay of 50 ms has no name',
    ],
  ],
  'lets no action with an effect throw': [
    setup({ actions: { shout: () => {}, effect, count: assign({}) } }).createMachine({}),
    ['shout is not wrapped in safe()'],
  ],
  'takes a fault in every state': [
    setup({ actions: { effect } }).createMachine({
      id: 'm',
      initial: 'deaf',
      states: { deaf: { on: { go: 'end' } }, hearing: { on: { fault: 'end' } }, end: { type: 'final' } },
    }),
    ['m.deaf ignores a fault'],
  ],
  'handles the end and the failure of everything it invokes': [
    setup({ actors: { work, listen, leaf: leafMachine } }).createMachine({
      id: 'm',
      initial: 'a',
      on: { 'xstate.error.actor.covered': '.b' },
      states: {
        a: {
          invoke: [
            { src: 'work', id: 'w' },
            { src: 'listen', id: 'l' },
            { src: 'leaf', id: 'covered' },
          ],
        },
        b: { invoke: { src: 'work', id: 'fine', onDone: 'c', onError: 'a' } },
        c: {
          invoke: { src: 'work', id: 'caught' },
          on: { 'xstate.done.*': 'a', 'xstate.error.actor.*': 'a' },
        },
      },
    }),
    [
      'm.a has no onError for w',
      'm.a has no onDone for w',
      'm.a has no onError for l',
      'm.a has no onDone for covered',
    ],
  ],
  'has no bare wildcard, which would swallow the errors of children': [
    createMachine({ id: 'm', initial: 'a', states: { a: { on: { '*': {} } } } }),
    ['m.a takes *'],
  ],
  'can reach every state': [
    createMachine({
      id: 'm',
      initial: 'a',
      states: {
        a: { on: { go: 'b' } },
        b: { type: 'parallel', states: { left: {}, right: {} } },
        lost: { initial: 'within', states: { within: { on: { go: '#m.a' } } } },
      },
    }),
    ['nothing leads to m.lost', 'nothing leads to m.lost.within'],
  ],
  'can leave every state that is not final': [
    createMachine({
      id: 'm',
      initial: 'a',
      states: { a: { on: { go: 'stuck' } }, stuck: { on: { stay: 'stuck' } }, end: { type: 'final' } },
    }),
    ['nothing leads out of m.stuck'],
  ],
};

describe('the rules for every machine', () => {
  for (const [name, rule] of Object.entries(machineRules)) {
    it(`finds a machine that breaks: ${name}`, () => {
      const [machine, problems] = broken[name] ?? [undefined, []];
      expect(machine === undefined ? undefined : rule(machine)).toEqual(problems);
    });

    it(`finds nothing in a sound machine: ${name}`, () => {
      expect(rule(toyMachine)).toEqual([]);
    });
  }
});
