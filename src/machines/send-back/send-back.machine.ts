// SPDX-License-Identifier: Apache-2.0
/**
 * What becomes of a message whose handling failed?
 *
 *   returning:  idle → sending (36, to the broker that stores it) → fallback (a copy to %RETRY%) → idle
 *   retrying:   none → retryingLocally (nobody took it: delivered again from here after 5 s) → none
 *
 * Invariants (test/machines/send-back.test.ts): 1. every job ends in exactly one of settle and redeliver;
 * 2. settle only after an accepted answer; 3. a round that hangs delays the next one by its own time limit, not for ever.
 */
import { assign, fromPromise, setup } from 'xstate';
import { safe } from '../shared/safe.ts';
import { sendRound, settleAccepted } from './send-back.actors.ts';
import type {
  RoundOutcome,
  SendBackContext,
  SendBackEvent,
  SendBackInput,
  SendBackJob,
  SendBackPort,
} from './send-back.types.ts';

interface Round {
  readonly port: SendBackPort;
  readonly jobs: readonly SendBackJob[];
}

const built = setup({
  types: {} as { context: SendBackContext; events: SendBackEvent; input: SendBackInput },
  actors: {
    sendBack: fromPromise<RoundOutcome, Round>(({ input, signal }) =>
      sendRound(input.jobs, job => input.port.sendBack(job, signal)),
    ),
    sendToRetryTopic: fromPromise<RoundOutcome, Round>(({ input, signal }) =>
      sendRound(input.jobs, job => input.port.sendToRetryTopic(job, signal)),
    ),
  },
  actions: {
    queueUp: assign(({ context }, params: { readonly jobs: readonly SendBackJob[] }) => ({
      waiting: [...context.waiting, ...params.jobs],
    })),
    takeRound: assign(({ context }) => ({ round: context.waiting, waiting: [] })),
    keepRefused: assign((_, params: RoundOutcome) => ({ round: params.refused.map(({ job }) => job) })),
    settleAccepted: safe(({ context }, params: RoundOutcome) => settleAccepted(context, params)),
    keepForLocalRetry: assign(({ context }, params: { readonly jobs: readonly SendBackJob[] }) => ({
      local: [...context.local, ...params.jobs],
      round: [],
    })),
    tellRefused: safe(({ context, self }, params: RoundOutcome) => {
      for (const { error } of params.refused) context.parent.send({ type: 'fault', error, actor: self.id });
    }),
    redeliverLocal: safe(({ context }) => {
      for (const job of context.local) job.redeliver(job.failed);
    }),
    forgetLocal: assign({ local: [] }),
    passFault: safe(({ context, event }) => {
      if (event.type === 'fault') context.parent.send(event);
    }),
  },
  guards: {
    hasWaiting: ({ context }) => context.waiting.length > 0,
    hasLocal: ({ context }) => context.local.length > 0,
    allAccepted: (_, params: RoundOutcome) => params.refused.length === 0,
  },
  delays: { localRetryPause: ({ context }) => context.localRetryPause },
}).createMachine({
  id: 'sendBack',
  description:
    'Hands failed messages back. Until one of the ways has taken a message, the offset does not pass it.',
  context: ({ input }) => ({ ...input, waiting: [], round: [], local: [] }),
  type: 'parallel',
  on: {
    'messages.failed': { actions: { type: 'queueUp', params: ({ event }) => event } },
    fault: { actions: 'passFault' },
  },
  states: {
    returning: {
      initial: 'idle',
      states: {
        idle: {
          description: 'No message failed.',
          always: { guard: 'hasWaiting', target: 'sending' },
        },
        sending: {
          description:
            'To the broker that stores the message (36); it counts the attempt and sets the delay.',
          entry: 'takeRound',
          invoke: {
            src: 'sendBack',
            input: ({ context }) => ({ port: context.port, jobs: context.round }),
            onDone: [
              {
                guard: { type: 'allAccepted', params: ({ event }) => event.output },
                target: 'idle',
                actions: { type: 'settleAccepted', params: ({ event }) => event.output },
              },
              {
                target: 'fallback',
                actions: [
                  { type: 'settleAccepted', params: ({ event }) => event.output },
                  { type: 'keepRefused', params: ({ event }) => event.output },
                ],
              },
            ],
            onError: {
              target: 'idle',
              actions: { type: 'keepForLocalRetry', params: ({ context }) => ({ jobs: context.round }) },
            },
          },
        },
        fallback: {
          description: 'Refused or unanswered: a copy goes to the retry topic of the group instead.',
          invoke: {
            src: 'sendToRetryTopic',
            input: ({ context }) => ({ port: context.port, jobs: context.round }),
            onDone: {
              target: 'idle',
              actions: [
                { type: 'settleAccepted', params: ({ event }) => event.output },
                { type: 'tellRefused', params: ({ event }) => event.output },
                {
                  type: 'keepForLocalRetry',
                  params: ({ event }) => ({ jobs: event.output.refused.map(({ job }) => job) }),
                },
              ],
            },
            onError: {
              target: 'idle',
              actions: { type: 'keepForLocalRetry', params: ({ context }) => ({ jobs: context.round }) },
            },
          },
        },
      },
    },
    retrying: {
      initial: 'none',
      states: {
        none: { always: { guard: 'hasLocal', target: 'retryingLocally' } },
        retryingLocally: {
          description: 'Nobody took them: delivered again from here after a pause; the offset waits.',
          after: { localRetryPause: { target: 'none', actions: ['redeliverLocal', 'forgetLocal'] } },
        },
      },
    },
  },
});

type Built = typeof built;
export interface SendBackMachine extends Built {}
/** One for each consumer. */
export const sendBackMachine: SendBackMachine = built;
