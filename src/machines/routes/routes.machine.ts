// SPDX-License-Identifier: Apache-2.0
/**
 * When are name servers asked where the topics live?
 *
 *   asking ──(every topic answered or failed)──► waiting ──(a topic is due)──► asking
 *   asking ──(an answer lacks a topic or a broker that was there)──► confirming ──(witnesses heard)──► waiting
 *
 * Due are: all topics every pollInterval, and after `routes.refresh` once 1 s has passed since all were asked; a topic
 * never asked at once; an unknown topic after 1 s doubling to 30 s; one in doubt after 5 s; one without an answer after 1 s
 * doubling to 3 s, after a minute to 10 s. When exactly is one plan in the context, made by routes.logic.ts.
 *
 * What is missing is believed (losses.ts) when no other name server names it, and the broker says that it does not have
 * the topic: at once; or has been silent for 20 s; or has not told for 60 s. A broker that has the topic keeps it.
 *
 * Invariants (checked by test/machines/routes.test.ts, routes-losses.test.ts):
 *   1. a refresh is never lost: one that comes while asking or confirming causes one more round; many cause one;
 *   2. all topics are never asked again within 1 s, a broker never within 5 s; 3. a failure removes nothing, and a missing
 *   topic or broker nothing that is not confirmed; 4. the parent hears once of an unknown topic, until it appears, and
 *   once of a loss; 5. what is named is taken at once, fewer queues and other permissions too.
 */
import { assign, raise, setup } from 'xstate';
import { toRocketmqError } from '../../errors/errors.ts';
import { type FaultEvent, safe } from '../shared/safe.ts';
import { missingIn, settle } from './losses.ts';
import { askRoutes, askWitnesses, forgetUnwanted, takeAnswers } from './routes.actors.ts';
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
import type { RouteAnswer, RoutesContext, RoutesEvent, RoutesInput, Testimony } from './routes.types.ts';

/** Of a state that asks: a refresh that comes meanwhile is kept, and follows. */
const rememberingRefresh = {
  initial: 'once',
  states: {
    once: { on: { 'routes.refresh': 'again' } },
    again: {
      description: 'Something may have changed since we asked: once more afterwards.',
      exit: 'refreshAgain',
      on: { 'routes.refresh': {} },
    },
  },
} as const;

/** A round ends in which no witness said anything. */
const unwitnessed = [
  { type: 'settleRound', params: { output: [] } },
  'takeAnswers',
  'forgetUnwanted',
  'planNextRound',
] as const;

const built = setup({
  types: {} as { context: RoutesContext; events: RoutesEvent; input: RoutesInput },
  actors: { askRoutes, askWitnesses },
  actions: {
    beginRound: assign({ round: ({ context: c }) => roundAt(c.plan, c.topics(), c.clock.now()) }),
    noteAnswers: assign({
      round: ({ context }, params: { readonly output: readonly RouteAnswer[] }) => ({
        ...context.round,
        answers: params.output,
      }),
    }),
    settleRound: assign({
      round: ({ context: c }, params: { readonly output: readonly Testimony[] }) =>
        settle({
          round: c.round,
          testimonies: params.output,
          kept: topic => c.cache.get(topic),
          now: c.clock.now(),
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
          pollInterval: c.pollInterval,
          now: c.clock.now(),
        }),
    }),
    forgetUnwanted: safe(({ context }) => forgetUnwanted(context)),
    planRefresh: assign({ plan: ({ context: c }) => planRefresh(c.plan, c.clock.now()) }),
    refreshAgain: raise({ type: 'routes.refresh' }),
    passFault: safe(({ context }, params: FaultEvent) => context.parent.send(params)),
  },
  guards: {
    lacksSomething: ({ context: { cache } }, params: { readonly output: readonly RouteAnswer[] }) =>
      missingIn(params.output, topic => cache.get(topic)).length > 0,
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
    round: { topics: [], all: false, answers: [], losses: [], doubts: new Map() },
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
        onDone: [
          {
            guard: { type: 'lacksSomething', params: ({ event }) => event },
            target: 'confirming',
            actions: { type: 'noteAnswers', params: ({ event }) => event },
          },
          {
            target: 'waiting',
            actions: [{ type: 'noteAnswers', params: ({ event }) => event }, ...unwitnessed],
          },
        ],
        onError: {
          target: 'waiting',
          actions: [{ type: 'noteFailure', params: ({ event }) => event }, 'takeAnswers', 'planNextRound'],
        },
      },
      after: {
        roundLimit: { target: 'waiting', actions: ['noteOverdue', 'takeAnswers', 'planNextRound'] },
      },
      ...rememberingRefresh,
    },
    confirming: {
      description:
        'Something is missing that was there: do other name servers, and the brokers themselves, say so too?',
      invoke: {
        src: 'askWitnesses',
        input: ({ context: { port, cache, round, clock } }) => ({
          ...{ port, cache, doubts: round.doubts, now: clock.now() },
          missing: missingIn(round.answers, topic => cache.get(topic)),
        }),
        onDone: {
          target: 'waiting',
          actions: [
            { type: 'settleRound', params: ({ event }) => event },
            'takeAnswers',
            'forgetUnwanted',
            'planNextRound',
          ],
        },
        onError: {
          target: 'waiting',
          actions: [...unwitnessed],
        },
      },
      after: {
        roundLimit: {
          target: 'waiting',
          actions: [...unwitnessed],
        },
      },
      ...rememberingRefresh,
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
