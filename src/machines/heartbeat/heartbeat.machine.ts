// SPDX-License-Identifier: Apache-2.0
/**
 * When are brokers told that we are here?
 *
 *   waiting ──(interval, heartbeat.now)──► beating ──(every address has answered or failed)──► waiting
 *   waiting ──(subscription.stale)──► hurrying ──(pause, heartbeat.now)──► beating
 *
 * Invariants (checked by test/machines/heartbeat.test.ts):
 *   1. one round at a time; 2. every round ends in one `heartbeat.done` that names each of its addresses once;
 *   3. a `heartbeat.now` is never lost: one that comes while beating causes one more round, many cause one;
 *   4. refused pulls hurry one beat at once, the next after 1 s, 2 s and so on up to the interval; each is told as one fault.
 */
import { assign, raise, setup } from 'xstate';
import { type RocketmqError, toRocketmqError } from '../../errors/errors.ts';
import type { Address } from '../../model/route.ts';
import { type FaultEvent, safe } from '../shared/safe.ts';
import { beatAll } from './heartbeat.actors.ts';
import {
  givenUp,
  hurried,
  noHurry,
  overdue,
  pauseBefore,
  roundLimitOf,
  roundOf,
  withAnswer,
  withFailure,
} from './heartbeat.logic.ts';
import type { HeartbeatContext, HeartbeatEvent, HeartbeatInput } from './heartbeat.types.ts';

const built = setup({
  types: {} as { context: HeartbeatContext; events: HeartbeatEvent; input: HeartbeatInput },
  actors: { beatAll },
  actions: {
    beginRound: assign({ round: ({ context }) => roundOf(context.port.addresses()) }),
    noteAnswer: assign({
      round: ({ context }, params: { readonly address: Address }) =>
        withAnswer(context.round, params.address),
    }),
    noteFailure: assign({
      round: ({ context }, params: { readonly address: Address; readonly error: RocketmqError }) =>
        withFailure(context.round, params.address, params.error),
    }),
    giveUpRound: assign({
      round: ({ context }) => givenUp(context.round, address => overdue(context, address)),
    }),
    failRound: assign({
      round: ({ context }, params: { readonly error: unknown }) =>
        givenUp(context.round, () => toRocketmqError(params.error)),
    }),
    reportRound: safe(({ context }) => {
      const { answered, failed } = context.round;
      context.parent.send({ type: 'heartbeat.done', answered, failed });
    }),
    countHurried: assign({ hurry: ({ context }) => hurried(context.hurry, context) }),
    tellStale: safe(({ context, self }, params: { readonly error: RocketmqError }) =>
      context.parent.send({ type: 'fault', error: params.error, actor: self.id }),
    ),
    beatAgain: raise({ type: 'heartbeat.now' }),
    passFault: safe(({ context }, params: FaultEvent) => context.parent.send(params)),
  },
  guards: {
    isComplete: ({ context }) => context.round.waitingFor.length === 0,
  },
  delays: {
    heartbeatInterval: ({ context }) => context.interval,
    hurryPause: ({ context }) => pauseBefore(context.hurry, context),
    roundLimit: ({ context }) => roundLimitOf(context),
  },
}).createMachine({
  id: 'heartbeat',
  description: 'Tells every broker of our topics that we are here, and what we subscribe to.',
  options: { maxIterations: 100 },
  context: ({ input }) => ({ ...input, round: roundOf([]), hurry: noHurry }),
  initial: 'waiting',
  on: { fault: { actions: { type: 'passFault', params: ({ event }) => event } } },
  states: {
    waiting: {
      description: 'Until the interval has passed, or somebody asks for a beat.',
      after: { heartbeatInterval: 'beating' },
      on: {
        'heartbeat.now': 'beating',
        'subscription.stale': {
          target: 'hurrying',
          actions: { type: 'tellStale', params: ({ event }) => event },
        },
      },
    },
    hurrying: {
      description:
        'A broker does not know our subscription; how soon it is told depends on how often that was so lately.',
      exit: 'countHurried',
      after: { hurryPause: 'beating' },
      on: { 'heartbeat.now': 'beating' },
    },
    beating: {
      description: 'All addresses side by side; the slowest one ends the round.',
      entry: 'beginRound',
      invoke: {
        src: 'beatAll',
        input: ({ context }) => ({ port: context.port, addresses: context.round.waitingFor }),
        onError: {
          target: 'waiting',
          actions: [{ type: 'failRound', params: ({ event }) => event }, 'reportRound'],
        },
      },
      always: { guard: 'isComplete', target: 'waiting', actions: 'reportRound' },
      after: { roundLimit: { target: 'waiting', actions: ['giveUpRound', 'reportRound'] } },
      on: {
        'beat.answered': { actions: { type: 'noteAnswer', params: ({ event }) => event } },
        'beat.failed': { actions: { type: 'noteFailure', params: ({ event }) => event } },
      },
      initial: 'once',
      states: {
        once: { on: { 'heartbeat.now': 'again' } },
        again: {
          description: 'Asked for meanwhile: once more afterwards.',
          exit: 'beatAgain',
          on: { 'heartbeat.now': {} },
        },
      },
    },
  },
});

type Built = typeof built;
/** Source of the period: MQClientInstance.sendHeartbeatToAllBroker, protocol.md section 5.3. */
export interface HeartbeatMachine extends Built {}
/** Tells brokers that this member lives, and what it wants. */
export const heartbeatMachine: HeartbeatMachine = built;
