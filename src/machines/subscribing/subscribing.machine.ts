// SPDX-License-Identifier: Apache-2.0
/**
 * How does one subscribe, updateSelector or unsubscribe of a running consumer take effect, or leave everything as it was?
 *
 *   planning → checking → locating → registering → sharing → done      a new topic
 *              checking → registering → done                           another selector
 *   planning → leaving.sharing → leaving.draining → leaving.announcing → done
 *   planning | checking → refused                                      nothing was changed
 *   locating, registering: asking | beating ⇄ resting                  until somebody answers
 *   locating, registering, sharing → refused                           the next change of the topic takes over
 *   any → abandoned                                                    whoever gave the command died
 *
 * Invariants (checked by test/machines/subscribing.test.ts):
 *   1. nothing is changed before planning and checking have ended well, and after that nothing is refused but in favour of
 *      the next change of the topic, which goes on from there;
 *   2. heartbeat before pull: pulls name a version, and queues are shared out, only once a broker of the topic took a
 *      heartbeat that has it; 3. a topic is in the heartbeats until the last of its queues has ended;
 *   4. the ticket is told once, then the parent; 5. one that waits for others for more than 5 s says so.
 */
import { assign, setup } from 'xstate';
import { toRocketmqError } from '../../errors/errors.ts';
import { patience } from '../commands/claims.ts';
import { replaced } from '../commands/refusals.ts';
import { type FaultEvent, safe } from '../shared/safe.ts';
import { check, drain, locate, plan, register, type StepInput, share } from './subscribing.actors.ts';
import { isLeaving, isNew, isQuiet } from './subscribing.logic.ts';
import type {
  SubscribingContext,
  SubscribingEvent,
  SubscribingInput,
  SubscribingPlan,
} from './subscribing.types.ts';

/** Before brokers or name servers that did not answer are asked again. Unit: ms. */
const retryPause = 1000;

interface PlanParams {
  readonly plan: SubscribingPlan;
}

const built = setup({
  types: {} as { context: SubscribingContext; events: SubscribingEvent; input: SubscribingInput },
  actors: { plan, check, locate, register, share, drain },
  actions: {
    keepPlan: assign((_, params: PlanParams) => ({ plan: params.plan })),
    keepRefusal: assign((_, params: { readonly error: unknown }) => ({
      refusal: toRocketmqError(params.error),
    })),
    apply: safe(({ context }, params: PlanParams) => context.port.apply(params.plan)),
    settle: safe(({ context }) => context.port.settle(context.plan.topic)),
    forget: safe(({ context }) => context.port.forget(context.plan.topic)),
    tellTrouble: safe(({ context, self }, params: { readonly error: unknown }) =>
      context.parent.send({ type: 'fault', error: toRocketmqError(params.error), actor: self.id }),
    ),
    tellDone: safe(({ context }) => context.ticket.done()),
    tellRefused: safe(({ context }) => {
      if (context.refusal !== undefined) context.ticket.refused(context.refusal);
    }),
    keepReplaced: assign(({ context }) => ({ refusal: replaced(context.command) })),
    tellLasts: safe(({ context }) =>
      context.parent.send({ type: 'subscribing.lasts', topic: context.command.topic }),
    ),
    tellEnded: safe(({ context }) => context.parent.send({ type: 'subscribing.ended' })),
    passFault: safe(({ context }, params: FaultEvent) => context.parent.send(params)),
  },
  guards: {
    isQuiet: (_, params: PlanParams) => isQuiet(params.plan),
    isLeaving: (_, params: PlanParams) => isLeaving(params.plan),
    isNew: (_, params: PlanParams) => isNew(params.plan),
  },
  delays: { retryPause, patience },
}).createMachine({
  id: 'subscribing',
  description: 'Carries out one change of the subscriptions of a running consumer.',
  context: ({ input }) => ({
    ...input,
    plan: { kind: 'nothing', topic: input.command.topic },
    refusal: undefined,
  }),
  initial: 'planning',
  on: {
    'subscribing.abandon': '.abandoned',
    fault: { actions: { type: 'passFault', params: ({ event }) => event } },
  },
  states: {
    planning: {
      description: 'What is there to do, and may it be done?',
      invoke: {
        src: 'plan',
        input: ({ context }) => context,
        onDone: [
          {
            guard: { type: 'isQuiet', params: ({ event }) => ({ plan: event.output }) },
            target: 'done',
            actions: { type: 'apply', params: ({ event }) => ({ plan: event.output }) },
          },
          {
            guard: { type: 'isLeaving', params: ({ event }) => ({ plan: event.output }) },
            target: 'leaving',
            actions: [
              { type: 'keepPlan', params: ({ event }) => ({ plan: event.output }) },
              { type: 'apply', params: ({ event }) => ({ plan: event.output }) },
            ],
          },
          {
            target: 'checking',
            actions: { type: 'keepPlan', params: ({ event }) => ({ plan: event.output }) },
          },
        ],
        onError: { target: 'refused', actions: { type: 'keepRefusal', params: ({ event }) => event } },
      },
    },
    checking: {
      description: 'An SQL92 selector is shown to a broker of the topic.',
      invoke: {
        src: 'check',
        input: ({ context }): StepInput => context,
        onDone: [
          {
            guard: { type: 'isNew', params: ({ context }) => context },
            target: 'locating',
            actions: { type: 'apply', params: ({ context }) => context },
          },
          { target: 'registering', actions: { type: 'apply', params: ({ context }) => context } },
        ],
        onError: { target: 'refused', actions: { type: 'keepRefusal', params: ({ event }) => event } },
      },
    },
    locating: {
      description: 'Name servers are asked where the topic lives; that they do not know it is an answer.',
      after: { patience: { actions: 'tellLasts' } },
      on: { 'subscribing.replaced': { target: 'refused', actions: 'keepReplaced' } },
      initial: 'asking',
      states: {
        asking: {
          invoke: {
            src: 'locate',
            input: ({ context }): StepInput => context,
            onDone: '#subscribing.registering',
            onError: { target: 'resting', actions: { type: 'tellTrouble', params: ({ event }) => event } },
          },
        },
        resting: { after: { retryPause: 'asking' } },
      },
    },
    registering: {
      description: 'Brokers are told by heartbeat; at least one of the topic answers, if it has any.',
      after: { patience: { actions: 'tellLasts' } },
      on: { 'subscribing.replaced': { target: 'refused', actions: 'keepReplaced' } },
      initial: 'beating',
      states: {
        beating: {
          invoke: {
            src: 'register',
            input: ({ context }): StepInput => context,
            onDone: [
              {
                guard: { type: 'isNew', params: ({ context }) => context },
                target: '#subscribing.sharing',
                actions: 'settle',
              },
              { target: '#subscribing.done', actions: 'settle' },
            ],
            onError: { target: 'resting', actions: { type: 'tellTrouble', params: ({ event }) => event } },
          },
        },
        resting: { after: { retryPause: 'beating' } },
      },
    },
    sharing: {
      description: 'A rebalance that counts the topic in is applied.',
      after: { patience: { actions: 'tellLasts' } },
      on: { 'subscribing.replaced': { target: 'refused', actions: 'keepReplaced' } },
      invoke: {
        src: 'share',
        input: ({ context }): StepInput => context,
        onDone: 'done',
        onError: { target: 'done', actions: { type: 'tellTrouble', params: ({ event }) => event } },
      },
    },
    leaving: {
      initial: 'sharing',
      after: { patience: { actions: 'tellLasts' } },
      states: {
        sharing: {
          description: 'A rebalance that leaves the topic out is applied: its queues are being given up.',
          invoke: {
            src: 'share',
            input: ({ context }): StepInput => context,
            onDone: 'draining',
            onError: { target: 'draining', actions: { type: 'tellTrouble', params: ({ event }) => event } },
          },
        },
        draining: {
          description: 'Their handlers end, what is done is committed. Heartbeats still have the topic.',
          invoke: {
            src: 'drain',
            input: ({ context }): StepInput => context,
            onDone: { target: 'announcing', actions: 'forget' },
            onError: {
              target: 'announcing',
              actions: [{ type: 'tellTrouble', params: ({ event }) => event }, 'forget'],
            },
          },
        },
        announcing: {
          description:
            'Heartbeats without the topic; a broker that does not answer hears of it with the next one.',
          invoke: {
            src: 'register',
            input: ({ context }): StepInput => context,
            onDone: '#subscribing.done',
            onError: {
              target: '#subscribing.done',
              actions: { type: 'tellTrouble', params: ({ event }) => event },
            },
          },
        },
      },
    },
    done: { type: 'final', entry: ['tellDone', 'tellEnded'] },
    refused: { type: 'final', entry: ['tellRefused', 'tellEnded'] },
    abandoned: { type: 'final', description: 'Nobody is left who could be told.' },
  },
});

type Built = typeof built;
/** Source: DefaultMQPushConsumerImpl.subscribe, unsubscribe; protocol.md section 5.3. */
export interface SubscribingMachine extends Built {}
/** Lets a topic come, go or change its selector while the consumer runs. */
export const subscribingMachine: SubscribingMachine = built;
