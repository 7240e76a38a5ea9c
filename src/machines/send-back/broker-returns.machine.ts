// SPDX-License-Identifier: Apache-2.0
/**
 * How do the failed messages of one broker get back to it?
 *
 *   idle ──retries wait──► sending (36) ──all taken──► idle
 *   idle ──dead letters wait──► deadLettering (36, level -1) ──all taken──► idle
 *   sending, deadLettering ──some not taken, or 30 s──► fallback (a copy to %RETRY%) ──► idle
 *
 * Invariants (test/machines/send-back.test.ts): 1. a message is settled only after an accepted answer, and at once;
 * 2. what nobody took is on the local board when the fallback is left, and told; 3. a round that hangs delays the next one
 * of this broker by its time limit, not for ever; 4. who waits longest says which round is next, so that neither retries
 * nor dead letters wait for an end of the others.
 */
import { fromPromise, setup } from 'xstate';
import { safe } from '../shared/safe.ts';
import { sharedSignal } from '../shared/shared-signal.ts';
import type { Round } from './job-board.ts';
import { keepForLocalRetry, sendRound, settleReturned } from './send-back.actors.ts';
import type {
  BrokerReturnsContext,
  BrokerReturnsEvent,
  BrokerReturnsInput,
  SendBackPort,
} from './send-back.types.ts';
import type { Returning } from './send-back-job.ts';

interface RoundInput {
  readonly port: SendBackPort;
  readonly round: Round;
  readonly onTaken: (message: Returning) => void;
}

const built = setup({
  types: {} as { context: BrokerReturnsContext; events: BrokerReturnsEvent; input: BrokerReturnsInput },
  actors: {
    sendBack: fromPromise<void, RoundInput>(({ input: { round, port, onTaken }, signal }) =>
      sendRound(round, (...args) => port.sendBack(...args), onTaken, sharedSignal(signal)),
    ),
    sendToRetryTopic: fromPromise<void, RoundInput>(({ input: { round, port, onTaken }, signal }) =>
      sendRound(round, (...args) => port.sendToRetryTopic(...args), onTaken, sharedSignal(signal)),
    ),
  },
  actions: {
    lookAtBoard: safe(({ context, self }) => {
      if (context.board.next !== undefined) self.send({ type: 'messages.waiting' });
    }),
    beginRound: safe(({ context }, params: { readonly of: Returning['way']['kind'] }) =>
      context.board.beginRound(params.of),
    ),
    beginFallback: safe(({ context }) => context.board.beginFallback()),
    keepForLocalRetry: safe(({ context, self }) => keepForLocalRetry(context, self.id)),
    passFault: safe(({ context, event }) => {
      if (event.type === 'fault') context.parent.send(event);
    }),
  },
  guards: {
    nextIsRetry: ({ context }) => context.board.next === 'retry',
    nextIsDeadLetter: ({ context }) => context.board.next === 'deadLetter',
    allTaken: ({ context }) => context.board.round.messages.length === 0,
  },
  delays: { roundLimit: ({ context }) => context.roundLimit },
}).createMachine({
  id: 'brokerReturns',
  description: 'Hands the failed messages of one broker back, whatever becomes of those of others.',
  context: ({ input }) => input,
  on: { fault: { actions: 'passFault' } },
  initial: 'idle',
  states: {
    idle: {
      description: 'No message of this broker failed.',
      entry: 'lookAtBoard',
      on: {
        'messages.waiting': [
          { guard: 'nextIsRetry', target: 'sending' },
          { guard: 'nextIsDeadLetter', target: 'deadLettering' },
        ],
      },
    },
    sending: {
      description: 'To the broker that stores the message (36); it counts the attempt and sets the delay.',
      entry: { type: 'beginRound', params: { of: 'retry' } },
      invoke: {
        src: 'sendBack',
        input: ({ context, self }) => roundInput(context, self.id),
        onDone: [{ guard: 'allTaken', target: 'idle' }, { target: 'fallback' }],
        onError: 'fallback',
      },
      after: { roundLimit: 'fallback' },
    },
    deadLettering: {
      description: 'To the same broker, which is told to put it among the dead letters of the group.',
      entry: { type: 'beginRound', params: { of: 'deadLetter' } },
      invoke: {
        src: 'sendBack',
        input: ({ context, self }) => roundInput(context, self.id),
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
        input: ({ context, self }) => roundInput(context, self.id),
        onDone: 'idle',
        onError: 'idle',
      },
      after: { roundLimit: 'idle' },
    },
  },
});

function roundInput(context: BrokerReturnsContext, actor: string): RoundInput {
  const { port, board } = context;
  return { port, round: board.round, onTaken: message => settleReturned(context, actor, message) };
}

type Built = typeof built;
/** The sealed type of brokerReturnsMachine. */
export interface BrokerReturnsMachine extends Built {}
/** Child of `sendBack`, one for each broker of which a message failed. */
export const brokerReturnsMachine: BrokerReturnsMachine = built;
