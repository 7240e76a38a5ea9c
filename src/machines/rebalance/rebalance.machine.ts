// SPDX-License-Identifier: Apache-2.0
/**
 * When are queues shared out anew, and when has the parent caught up?
 *
 *   idle ──(20 s, or something changed)──► collecting ──(decided)──► applying ──(assignment.applied)──► idle | unbalanced
 *   collecting ──(no topic could be decided)──► unbalanced | idle
 *   unbalanced ──(1 s, or something changed)──► collecting
 *
 * Invariants (checked by test/machines/rebalance.test.ts):
 *   1. one round at a time; a change during a round causes exactly one more, however often it is said;
 *   2. a topic's queues change only by an answer that lists us: failed, empty and foreign lists keep them;
 *   3. no decision is sent before the last one was applied; 4. without a change, rounds are at least 1 s apart.
 */
import { assign, raise, setup } from 'xstate';
import { type RocketmqError, toRocketmqError } from '../../errors/errors.ts';
import { type FaultEvent, safe } from '../shared/safe.ts';
import { runRound, tellDecision, tellTroubles } from './rebalance.actors.ts';
import {
  applyLimitOf,
  applyOverdue,
  collectLimitOf,
  type Decision,
  membersOverdue,
  unbalancedRetry,
  undecidable,
} from './rebalance.logic.ts';
import type { RebalanceContext, RebalanceEvent, RebalanceInput } from './rebalance.types.ts';

/** The same transition for every reason to share out anew. */
const onChange = <Transition>(transition: Transition) => ({
  'members.changed': transition,
  'route.changed': transition,
  'subscription.changed': transition,
  'rebalance.now': transition,
});

/** A round that could not even collect. */
const givenUp = (context: RebalanceContext, error: RocketmqError): Decision =>
  undecidable(context, context.assigned, error);

const built = setup({
  types: {} as { context: RebalanceContext; events: RebalanceEvent; input: RebalanceInput },
  actors: { runRound },
  actions: {
    beginRound: assign({ round: ({ context }) => context.round + 1 }),
    keepDecision: assign((_, params: Decision) => ({
      assigned: params.queues,
      undecided: params.undecided,
    })),
    tellTroubles: safe(({ context, self }, params: Decision) => tellTroubles(context, params, self.id)),
    tellDecision: safe(({ context }, params: Decision) => tellDecision(context, params)),
    tellOverdue: safe(({ context, self }) => {
      context.parent.send({ type: 'fault', error: applyOverdue(context, context.round), actor: self.id });
    }),
    rebalanceAgain: raise({ type: 'rebalance.now' }),
    passFault: safe(({ context }, params: FaultEvent) => context.parent.send(params)),
  },
  guards: {
    isDecided: (_, params: Decision) => params.isDecided,
    isRefusedOnly: (_, params: Decision) => params.undecided.length === 0,
    isOfAnotherRound: ({ context }, params: { readonly round: number }) => params.round !== context.round,
    isBalanced: ({ context }) => context.undecided.length === 0,
  },
  delays: {
    rebalanceInterval: ({ context }) => context.interval,
    unbalancedRetry,
    collectLimit: ({ context }) => collectLimitOf(context),
    applyLimit: ({ context }) => applyLimitOf(context),
  },
}).createMachine({
  id: 'rebalance',
  description: 'Decides which queues this member holds, and waits until the parent holds them.',
  options: { maxIterations: 100 },
  context: ({ input }) => ({ ...input, round: 0, assigned: [], undecided: [] }),
  initial: 'idle',
  on: { fault: { actions: { type: 'passFault', params: ({ event }) => event } } },
  states: {
    idle: {
      description: 'What is held is what was decided.',
      after: { rebalanceInterval: 'collecting' },
      on: onChange('collecting'),
    },
    collecting: {
      description: 'The members of every topic are asked for, side by side; then the shares are worked out.',
      entry: 'beginRound',
      invoke: {
        src: 'runRound',
        input: ({ context }) => context,
        onDone: [
          {
            guard: { type: 'isDecided', params: ({ event }) => event.output },
            target: 'applying',
            actions: [
              { type: 'keepDecision', params: ({ event }) => event.output },
              { type: 'tellTroubles', params: ({ event }) => event.output },
              { type: 'tellDecision', params: ({ event }) => event.output },
            ],
          },
          {
            guard: { type: 'isRefusedOnly', params: ({ event }) => event.output },
            target: 'idle', // only the strategy failed: it would fail again in a second
            actions: { type: 'tellTroubles', params: ({ event }) => event.output },
          },
          {
            target: 'unbalanced',
            actions: { type: 'tellTroubles', params: ({ event }) => event.output },
          },
        ],
        onError: {
          target: 'unbalanced',
          actions: {
            type: 'tellTroubles',
            params: ({ context, event }) => givenUp(context, toRocketmqError(event.error)),
          },
        },
      },
      after: {
        collectLimit: {
          target: 'unbalanced',
          actions: {
            type: 'tellTroubles',
            params: ({ context }) => givenUp(context, membersOverdue(context)),
          },
        },
      },
      initial: 'once',
      states: {
        once: { on: onChange('again') },
        again: {
          description: 'Something changed since we asked: once more afterwards.',
          exit: 'rebalanceAgain',
          on: onChange({}),
        },
      },
    },
    applying: {
      description: 'The parent takes and gives up queues.',
      on: {
        'assignment.applied': [
          { guard: { type: 'isOfAnotherRound', params: ({ event }) => event } }, // too late, after applyLimit
          { guard: 'isBalanced', target: 'idle' },
          { target: 'unbalanced' },
        ],
      },
      after: {
        applyLimit: [
          { guard: 'isBalanced', target: 'idle', actions: 'tellOverdue' },
          { target: 'unbalanced', actions: 'tellOverdue' },
        ],
      },
      initial: 'once',
      states: {
        once: { on: onChange('again') },
        again: {
          description: 'Something changed since the decision: once more afterwards.',
          exit: 'rebalanceAgain',
          on: onChange({}),
        },
      },
    },
    unbalanced: {
      description: 'Some topic could not be decided; its queues were kept.',
      after: { unbalancedRetry: 'collecting' },
      on: onChange('collecting'),
    },
  },
});

type Built = typeof built;
/** Source: RebalanceService, RebalanceImpl.rebalanceByTopic. */
export interface RebalanceMachine extends Built {}
export const rebalanceMachine: RebalanceMachine = built;
