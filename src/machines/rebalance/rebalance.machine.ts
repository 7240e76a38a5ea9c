// SPDX-License-Identifier: Apache-2.0
/**
 * When are queues shared out anew, and when has the parent caught up?
 *
 *   idle ──(20 s, or something changed)──► collecting ──(decided)──► applying ──(assignment.applied)──► resting
 *   collecting ──(no topic could be decided, or a queue was dropped)──► resting
 *   resting ──(250 ms)──► idle | unbalanced | collecting, when something changed meanwhile
 *   unbalanced ──(1 s after the round, or something changed)──► collecting
 *
 * Invariants (checked by test/machines/rebalance.test.ts):
 *   1. one round at a time; a change during a round causes exactly one more, however often it is said;
 *   2. a topic's queues change only by an answer that lists us: failed, empty and foreign lists keep them;
 *   3. no decision is sent before the last one was applied; 4. without a change, rounds are at least 1 s apart, with
 *   changes at least 250 ms, whatever became of the last one; 5. a dropped queue is `added` in the next decision that has it;
 *   6. a ticket that came with a change is done with the first applied round that began after it.
 */
import { assign, raise, setup, stateIn } from 'xstate';
import { type RocketmqError, toRocketmqError } from '../../errors/errors.ts';
import { sameQueue } from '../../model/message-queue.ts';
import { type FaultEvent, safe } from '../shared/safe.ts';
import { runRound, tellDecision, tellTroubles } from './rebalance.actors.ts';
import {
  applyLimitOf,
  applyOverdue,
  asBefore,
  collectLimitOf,
  type Decision,
  membersOverdue,
  restPause,
  unbalancedRetry,
  undecidable,
} from './rebalance.logic.ts';
import type { QueueDropped, RebalanceContext, RebalanceEvent, RebalanceInput } from './rebalance.types.ts';

/** The same transition for every reason to share out anew; `{}`: none, the next round is asked for already. */
const onChange = <Transition extends { readonly target?: string }>(transition: Transition) => ({
  'members.changed': transition,
  'route.changed': transition,
  'subscription.changed': { ...transition, actions: 'noteTicket' as const },
  'rebalance.now': transition,
});

/** A round that could not even collect. */
const givenUp = (context: RebalanceContext, error: RocketmqError): Decision =>
  undecidable(context, context.assigned, error);

const built = setup({
  types: {} as { context: RebalanceContext; events: RebalanceEvent; input: RebalanceInput },
  actors: { runRound },
  actions: {
    beginRound: assign(({ context: { round, tickets } }) => ({
      round: round + 1,
      tickets: { waiting: [], counted: [...tickets.counted, ...tickets.waiting] },
    })),
    noteTicket: assign(({ context: { tickets }, event }) => {
      const ticket = event.type === 'subscription.changed' ? event.ticket : undefined;
      return ticket === undefined ? {} : { tickets: { ...tickets, waiting: [...tickets.waiting, ticket] } };
    }),
    tellTickets: safe(({ context }) => {
      for (const ticket of context.tickets.counted) ticket.done();
    }),
    forgetTickets: assign({ tickets: ({ context }) => ({ ...context.tickets, counted: [] }) }),
    keepDecision: assign((_, params: Decision) => ({
      assigned: params.queues,
      undecided: params.undecided,
      hasDecided: true,
    })),
    keepUndecided: assign((_, params: Decision) => ({ undecided: params.undecided })),
    tellTroubles: safe(({ context, self }, params: Decision) => tellTroubles(context, params, self.id)),
    tellDecision: safe(({ context }, params: Decision) => tellDecision(context, params)),
    tellOverdue: safe(({ context, self }) => {
      context.parent.send({ type: 'fault', error: applyOverdue(context, context.round), actor: self.id });
    }),
    rebalanceAgain: raise({ type: 'rebalance.now' }),
    forgetDropped: assign(({ context }, params: QueueDropped) => ({
      assigned: context.assigned.filter(queue => !sameQueue(queue, params.queue)),
      undecided: [...new Set([...context.undecided, params.queue.topic])],
    })),
    passFault: safe(({ context }, params: FaultEvent) => context.parent.send(params)),
  },
  guards: {
    isDecided: (_, params: Decision) => params.isDecided,
    isRefusedAgain: ({ context }, params: Decision) => context.hasDecided && params.undecided.length === 0,
    isOfAnotherRound: ({ context }, params: { readonly round: number }) => params.round !== context.round,
    isAskedAgain: stateIn({ resting: 'again' }),
    isBalanced: ({ context }) => context.undecided.length === 0,
  },
  delays: {
    rebalanceInterval: ({ context }) => context.interval,
    restOfRetry: unbalancedRetry - restPause,
    restPause,
    collectLimit: ({ context }) => collectLimitOf(context),
    applyLimit: ({ context }) => applyLimitOf(context),
  },
}).createMachine({
  id: 'rebalance',
  description: 'Decides which queues this member holds, and waits until the parent holds them.',
  options: { maxIterations: 100 },
  context: ({ input }) => ({
    ...input,
    round: 0,
    assigned: [],
    undecided: [],
    hasDecided: false,
    tickets: { waiting: [], counted: [] },
  }),
  initial: 'idle',
  on: {
    fault: { actions: { type: 'passFault', params: ({ event }) => event } },
    'queue.dropped': { actions: { type: 'forgetDropped', params: ({ event }) => event } },
  },
  states: {
    idle: {
      description: 'What is held is what was decided.',
      after: { rebalanceInterval: 'collecting' },
      on: {
        ...onChange({ target: 'collecting' as const }),
        'queue.dropped': {
          target: 'resting',
          actions: { type: 'forgetDropped', params: ({ event }) => event },
        },
      },
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
            // Only the strategy failed; it would fail again in a second. What is held stays, and the parent hears so;
            // before the first decision there is nothing to stay with.
            guard: { type: 'isRefusedAgain', params: ({ event }) => event.output },
            target: 'applying',
            actions: [
              { type: 'keepUndecided', params: ({ event }) => event.output },
              { type: 'tellTroubles', params: ({ event }) => event.output },
              { type: 'tellDecision', params: ({ context }) => asBefore(context.assigned) },
            ],
          },
          {
            target: 'resting',
            actions: [
              { type: 'keepUndecided', params: ({ event }) => event.output },
              { type: 'tellTroubles', params: ({ event }) => event.output },
            ],
          },
        ],
        onError: {
          target: 'resting',
          actions: [
            {
              type: 'keepUndecided',
              params: ({ context, event }) => givenUp(context, toRocketmqError(event.error)),
            },
            {
              type: 'tellTroubles',
              params: ({ context, event }) => givenUp(context, toRocketmqError(event.error)),
            },
          ],
        },
      },
      after: {
        collectLimit: {
          target: 'resting',
          actions: [
            {
              type: 'keepUndecided',
              params: ({ context }) => givenUp(context, membersOverdue(context)),
            },
            {
              type: 'tellTroubles',
              params: ({ context }) => givenUp(context, membersOverdue(context)),
            },
          ],
        },
      },
      on: {
        // The round counts on the queue as held, so its outcome is worth nothing.
        'queue.dropped': {
          target: 'resting',
          actions: { type: 'forgetDropped', params: ({ event }) => event },
        },
      },
      initial: 'once',
      states: {
        once: { on: onChange({ target: 'again' as const }) },
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
          { target: 'resting', actions: ['tellTickets', 'forgetTickets'] },
        ],
      },
      after: {
        applyLimit: { target: 'resting', actions: 'tellOverdue' },
      },
      initial: 'once',
      states: {
        once: { on: onChange({ target: 'again' as const }) },
        again: {
          description: 'Something changed since the decision: once more afterwards.',
          exit: 'rebalanceAgain',
          on: onChange({}),
        },
      },
    },
    resting: {
      description: 'Rounds do not follow each other faster than this, however often something changes.',
      initial: 'once',
      after: {
        restPause: [
          { guard: 'isAskedAgain', target: 'collecting' },
          { guard: 'isBalanced', target: 'idle' },
          { target: 'unbalanced' },
        ],
      },
      states: {
        once: { on: onChange({ target: 'again' as const }) },
        again: { description: 'Something changed meanwhile: once more afterwards.', on: onChange({}) },
      },
    },
    unbalanced: {
      description: 'Some topic could not be decided and kept its queues, or a queue was dropped.',
      after: { restOfRetry: 'collecting' },
      on: onChange({ target: 'collecting' as const }),
    },
  },
});

type Built = typeof built;
/** Source: RebalanceService, RebalanceImpl.rebalanceByTopic. */
export interface RebalanceMachine extends Built {}
/** Decides which queues are ours. */
export const rebalanceMachine: RebalanceMachine = built;
