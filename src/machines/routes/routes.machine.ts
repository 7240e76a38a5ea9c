// SPDX-License-Identifier: Apache-2.0
/**
 * When are name servers asked where the topics live?
 *
 *   asking ──(every topic answered or failed)──► waiting ──(a topic is due)──► asking
 *
 * Due are: all topics every pollInterval, and after `routes.refresh` once 1 s has passed since all were asked; a topic
 * never asked at once; an unknown topic after 1 s doubling to 30 s; one without an answer after 1 s doubling to 3 s,
 * after a minute to 10 s. When exactly is one plan in the context, made by routes.logic.ts.
 *
 * Invariants (checked by test/machines/routes.test.ts):
 *   1. a refresh is never lost: one that comes while asking causes one more round; many cause one;
 *   2. all topics are never asked again within 1 s; 3. a failure or an unknown answer never removes a route;
 *   4. the parent hears of an unknown topic once, until it appears.
 */
import { assign, raise, setup } from 'xstate';
import { toRocketmqError } from '../../errors/errors.ts';
import { type FaultEvent, safe } from '../shared/safe.ts';
import { askRoutes, forgetUnwanted, takeAnswers } from './routes.actors.ts';
import {
  failedRound,
  firstPlan,
  nextAskIn,
  overdue,
  planAfter,
  planRefresh,
  roundAt,
  roundLimitOf,
} from './routes.logic.ts';
import type { RouteAnswer, RoutesContext, RoutesEvent, RoutesInput } from './routes.types.ts';

const built = setup({
  types: {} as { context: RoutesContext; events: RoutesEvent; input: RoutesInput },
  actors: { askRoutes },
  actions: {
    beginRound: assign({ round: ({ context: c }) => roundAt(c.plan, c.topics(), c.clock.now()) }),
    noteAnswers: assign({
      round: ({ context }, params: { readonly output: readonly RouteAnswer[] }) => ({
        ...context.round,
        answers: params.output,
      }),
    }),
    noteFailure: assign({
      round: ({ context }, params: { readonly error: unknown }) =>
        failedRound(context.round, toRocketmqError(params.error)),
    }),
    noteOverdue: assign({
      round: ({ context }) => failedRound(context.round, overdue(context, context.round)),
    }),
    takeAnswers: safe(({ context }) => takeAnswers(context)),
    planNextRound: assign({
      plan: ({ context: c }) =>
        planAfter(c.plan, c.round, {
          wanted: c.topics(),
          isKnown: topic => c.cache.get(topic) !== undefined,
          pollInterval: c.pollInterval,
          now: c.clock.now(),
        }),
    }),
    forgetUnwanted: safe(({ context }) => forgetUnwanted(context)),
    planRefresh: assign({ plan: ({ context: c }) => planRefresh(c.plan, c.clock.now()) }),
    refreshAgain: raise({ type: 'routes.refresh' }),
    passFault: safe(({ context }, params: FaultEvent) => context.parent.send(params)),
  },
  delays: {
    nextAsk: ({ context: c }) => nextAskIn(c.plan, c.topics(), c.clock.now()),
    roundLimit: ({ context }) => roundLimitOf(context),
  },
}).createMachine({
  id: 'routes',
  description: 'Keeps the route cache up to date and tells the parent what changed.',
  context: ({ input }) => ({
    ...input,
    plan: firstPlan(input.clock.now()),
    round: { topics: [], all: false, answers: [] },
  }),
  initial: 'asking',
  on: { fault: { actions: { type: 'passFault', params: ({ event }) => event } } },
  states: {
    asking: {
      description: 'Every topic of the round is asked for, side by side.',
      entry: 'beginRound',
      invoke: {
        src: 'askRoutes',
        input: ({ context }) => ({ port: context.port, topics: context.round.topics }),
        onDone: {
          target: 'waiting',
          actions: [
            { type: 'noteAnswers', params: ({ event }) => event },
            'takeAnswers',
            'forgetUnwanted',
            'planNextRound',
          ],
        },
        onError: {
          target: 'waiting',
          actions: [{ type: 'noteFailure', params: ({ event }) => event }, 'takeAnswers', 'planNextRound'],
        },
      },
      after: {
        roundLimit: { target: 'waiting', actions: ['noteOverdue', 'takeAnswers', 'planNextRound'] },
      },
      initial: 'once',
      states: {
        once: { on: { 'routes.refresh': 'again' } },
        again: {
          description: 'Something may have changed since we asked: once more afterwards.',
          exit: 'refreshAgain',
          on: { 'routes.refresh': {} },
        },
      },
    },
    waiting: {
      description: 'Until the first topic is due.',
      after: { nextAsk: 'asking' },
      on: { 'routes.refresh': { target: 'waiting', reenter: true, actions: 'planRefresh' } },
    },
  },
});

type Built = typeof built;
/** Source of the periods: MQClientInstance, protocol.md sections 5.2 and 7.1. */
export interface RoutesMachine extends Built {}
/** Knows where topics live. */
export const routesMachine: RoutesMachine = built;
