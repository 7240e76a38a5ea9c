// SPDX-License-Identifier: Apache-2.0
/**
 * What becomes of a message whose handling failed?
 *
 *   returning:  idle → sending (36, to the broker that stores it) → fallback (a copy to %RETRY%) → idle
 *   retrying:   none → retryingLocally (nobody took it: delivered again from here after 5 s) → none
 *
 * Invariants (test/machines/send-back.test.ts): 1. every job ends in exactly one of settle and redeliver;
 * 2. settle only after an accepted answer, and at once; 3. a round that hangs delays the next one by its time limit, not
 * for ever; 4. a message nobody took waits a whole pause before it is delivered again.
 */
import { fromPromise, setup } from 'xstate';
import { safe } from '../shared/safe.ts';
import { sharedSignal } from '../shared/shared-signal.ts';
import { JobBoard, type Round } from './job-board.ts';
import { keepForLocalRetry, redeliverPaused, sendRound, settle } from './send-back.actors.ts';
import type { SendBackContext, SendBackEvent, SendBackInput, SendBackPort } from './send-back.types.ts';
import type { SendBackJob } from './send-back-job.ts';

interface RoundInput {
  readonly port: SendBackPort;
  readonly round: Round;
  readonly onTaken: (job: SendBackJob) => void;
}

/** Unit: ms. */
const defaultRoundLimit = 30_000;

const built = setup({
  types: {} as { context: SendBackContext; events: SendBackEvent; input: SendBackInput },
  actors: {
    sendBack: fromPromise<void, RoundInput>(({ input, signal }) =>
      sendRound(input.round, (...args) => input.port.sendBack(...args), input.onTaken, sharedSignal(signal)),
    ),
    sendToRetryTopic: fromPromise<void, RoundInput>(({ input, signal }) =>
      sendRound(
        input.round,
        (...args) => input.port.sendToRetryTopic(...args),
        input.onTaken,
        sharedSignal(signal),
      ),
    ),
  },
  actions: {
    queueUp: safe(({ context }, params: { readonly jobs: readonly SendBackJob[] }) =>
      context.board.add(params.jobs),
    ),
    beginRound: safe(({ context }) => context.board.beginRound()),
    beginFallback: safe(({ context }) => context.board.beginFallback()),
    keepForLocalRetry: safe(({ context, self }) => keepForLocalRetry(context, self.id)),
    beginPause: safe(({ context }) => context.board.beginPause()),
    redeliverPaused: safe(({ context, self }) => redeliverPaused(context, self.id)),
    passFault: safe(({ context, event }) => {
      if (event.type === 'fault') context.parent.send(event);
    }),
  },
  guards: {
    hasWaiting: ({ context }) => context.board.hasWaiting,
    hasLocal: ({ context }) => context.board.hasLocal,
    allTaken: ({ context }) => context.board.round.jobs.length === 0,
  },
  delays: {
    localRetryPause: ({ context }) => context.localRetryPause,
    roundLimit: ({ context }) => context.roundLimit,
  },
}).createMachine({
  id: 'sendBack',
  description:
    'Hands failed messages back. Until one of the ways has taken a message, the offset does not pass it.',
  context: ({ input }) => ({
    ...input,
    board: new JobBoard(),
    roundLimit: input.roundLimit ?? defaultRoundLimit,
  }),
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
          entry: 'beginRound',
          invoke: {
            src: 'sendBack',
            input: ({ context, self }) => ({
              port: context.port,
              round: context.board.round,
              onTaken: job => settle(context, self.id, job),
            }),
            onDone: [{ guard: 'allTaken', target: 'idle' }, { target: 'fallback' }],
            onError: 'fallback',
          },
          after: { roundLimit: 'fallback' },
        },
        fallback: {
          description: 'Refused or unanswered: a copy goes to the retry topic of the group instead.',
          entry: 'beginFallback',
          exit: 'keepForLocalRetry',
          invoke: {
            src: 'sendToRetryTopic',
            input: ({ context, self }) => ({
              port: context.port,
              round: context.board.round,
              onTaken: job => settle(context, self.id, job),
            }),
            onDone: 'idle',
            onError: 'idle',
          },
          after: { roundLimit: 'idle' },
        },
      },
    },
    retrying: {
      initial: 'none',
      states: {
        none: { always: { guard: 'hasLocal', target: 'retryingLocally' } },
        retryingLocally: {
          description: 'Nobody took them: delivered again from here after a pause; the offset waits.',
          entry: 'beginPause',
          after: { localRetryPause: { target: 'none', actions: 'redeliverPaused' } },
        },
      },
    },
  },
});

type Built = typeof built;
export interface SendBackMachine extends Built {}
/** One for each consumer. */
export const sendBackMachine: SendBackMachine = built;
