// SPDX-License-Identifier: Apache-2.0
/**
 * What becomes of a message whose handling failed? It is decided on here; then an actor for each broker
 * (broker-returns.machine.ts) hands it back, or nobody takes it:
 *
 *   handingBack ──nobody took some──► retryingLocally ──5 s: delivered again from here──► handingBack
 *
 * Invariants (test/machines/send-back.test.ts): 1. every job ends in exactly one of settle and redeliver; 2. settle only
 * after an accepted answer, or when the retryPolicy let go of the message; 3. a broker that hangs delays no message of
 * another one; 4. a message nobody took waits a whole pause before it is delivered again.
 */
import { assign, raise, setup, stopChild } from 'xstate';
import { toRocketmqError } from '../../errors/errors.ts';
import { Hidden } from '../shared/hidden.ts';
import type { Receiver } from '../shared/refs.ts';
import { type FaultEvent, safe } from '../shared/safe.ts';
import { brokerReturnsMachine } from './broker-returns.machine.ts';
import { BrokerBoards, LocalBoard } from './job-board.ts';
import { redeliverPaused, sortOut } from './send-back.actors.ts';
import type {
  BrokerReturnsEvent,
  BrokerReturnsInput,
  MessagesFailed,
  MessagesLeft,
  SendBackContext,
  SendBackEvent,
  SendBackInput,
} from './send-back.types.ts';

interface OfActor {
  readonly actorId: string;
}

/** Unit: ms. */
const defaultRoundLimit = 30_000;

const built = setup({
  types: {} as { context: SendBackContext; events: SendBackEvent; input: SendBackInput },
  actors: { brokerReturns: brokerReturnsMachine },
  actions: {
    sortOut: safe(({ context, self }, params: MessagesFailed) => sortOut(context, self.id, params.jobs)),
    openSenders: assign(({ context, spawn, self }) => ({ senders: opened(context, self, spawn) })),
    beginPause: safe(({ context }) => context.local.beginPause()),
    redeliverPaused: safe(({ context, self }) => redeliverPaused(context, self.id)),
    tellDeath: safe(({ context }, params: OfActor & { readonly error: unknown }) =>
      context.parent.send({ type: 'fault', error: toRocketmqError(params.error), actor: params.actorId }),
    ),
    takeOver: safe(({ context }, params: OfActor) => {
      for (const name of context.boards.brokerNames)
        if (idOf(name) === params.actorId) context.local.add(context.boards.of(name).giveUp());
    }),
    forgetSender: assign(({ context }, params: OfActor) => ({
      senders: new Hidden(
        new Map([...context.senders.get()].filter(([name]) => idOf(name) !== params.actorId)),
      ),
    })),
    burySender: stopChild((_, params: OfActor) => params.actorId),
    passFault: safe(({ context, event }) => {
      if (event.type === 'fault') context.parent.send(event);
    }),
  },
  guards: {
    hasLocal: ({ context }) => context.local.hasWaiting,
  },
  delays: { localRetryPause: ({ context }) => context.localRetryPause },
}).createMachine({
  id: 'sendBack',
  description:
    'Hands failed messages back. Until one of the ways has taken a message, the offset does not pass it.',
  context: ({ input }) => ({
    ...input,
    boards: new BrokerBoards(),
    local: new LocalBoard(),
    senders: new Hidden(new Map()),
    roundLimit: input.roundLimit ?? defaultRoundLimit,
  }),
  on: {
    'messages.failed': { actions: [{ type: 'sortOut', params: ({ event }) => event }, 'openSenders'] },
    fault: { actions: 'passFault' },
    // What it had is delivered again from here; the next failure of its broker brings a new one.
    'xstate.error.actor.*': {
      actions: [
        { type: 'tellDeath', params: ({ event }) => event },
        { type: 'takeOver', params: ({ event }) => event },
        { type: 'forgetSender', params: ({ event }) => event },
        { type: 'burySender', params: ({ event }) => event },
        raise({ type: 'messages.left' }),
      ],
    },
  },
  initial: 'handingBack',
  states: {
    handingBack: {
      description: 'Every failed message is on its way to its broker, if there is one.',
      on: { 'messages.left': 'retryingLocally' },
    },
    retryingLocally: {
      description: 'Nobody took them: delivered again from here after a pause; the offset waits.',
      entry: 'beginPause',
      after: {
        localRetryPause: [
          { guard: 'hasLocal', target: 'retryingLocally', reenter: true, actions: 'redeliverPaused' },
          { target: 'handingBack', actions: 'redeliverPaused' },
        ],
      },
    },
  },
});

type SpawnSender = (
  src: 'brokerReturns',
  options: { readonly id: string; readonly input: BrokerReturnsInput },
) => Receiver<BrokerReturnsEvent>;

/** A sender looks at its board by itself when it begins. */
function opened(
  context: SendBackContext,
  self: Receiver<MessagesLeft | FaultEvent>,
  spawn: SpawnSender,
): SendBackContext['senders'] {
  const { boards, local, port, roundLimit, parent } = context;
  const missing = boards.brokerNames.filter(name => !context.senders.get().has(name));
  if (missing.length === 0) return context.senders;
  const senders = new Map(context.senders.get());
  for (const name of missing) {
    const board = boards.of(name);
    const input = { board, local, port, roundLimit, parent: self, reports: parent };
    senders.set(name, spawn('brokerReturns', { id: idOf(name), input }));
  }
  return new Hidden(senders);
}

function idOf(brokerName: string): string {
  return `returns ${brokerName}`;
}

type Built = typeof built;
/** The sealed type of sendBackMachine. */
export interface SendBackMachine extends Built {}
/** One for each consumer. */
export const sendBackMachine: SendBackMachine = built;
