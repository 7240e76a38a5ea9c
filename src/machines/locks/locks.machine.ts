// SPDX-License-Identifier: Apache-2.0
/**
 * Who keeps the locks of all queues? One actor for each broker, made when something of it is wanted for the first time;
 * this one hands them what the lock book and the consumer say.
 *
 * Invariants (test/machines/locks.test.ts): 1. a broker of which something is wanted has an actor, also after the former one
 * died; 2. what is told of a broker reaches its actor and no other; 3. once stopped, nothing is heard of the book any more.
 */
import { assign, type EventObject, fromCallback, setup, stopChild } from 'xstate';
import { toRocketmqError } from '../../errors/errors.ts';
import { Hidden } from '../shared/hidden.ts';
import type { Receiver } from '../shared/refs.ts';
import { type FaultEvent, safe } from '../shared/safe.ts';
import { brokerLocksMachine } from './broker-locks.machine.ts';
import type {
  BookNote,
  BrokerLocksEvent,
  BrokerLocksInput,
  LocksContext,
  LocksEvent,
  LocksInput,
  LocksOfBrokers,
} from './locks.types.ts';

interface OfBroker {
  readonly brokerName: string;
}

/** The book tells from here on until this ends, however it ends. */
const bookReader = fromCallback<EventObject, { readonly book: LocksOfBrokers }>(({ input, sendBack }) => {
  const tell: (note: BookNote) => void = sendBack; // XState leaves this untyped
  return input.book.attach(tell);
});

const built = setup({
  types: {} as { context: LocksContext; events: LocksEvent; input: LocksInput },
  actors: { bookReader, brokerLocks: brokerLocksMachine },
  actions: {
    openBroker: assign(({ context, spawn, self }, { brokerName }: OfBroker) => ({
      keepers: opened(context, [brokerName], self, spawn),
    })),
    openMissing: assign(({ context, spawn, self }) => ({
      keepers: opened(context, context.book.brokerNames(), self, spawn),
    })),
    passOn: safe(({ context }, params: OfBroker & { readonly event: BrokerLocksEvent }) =>
      context.keepers.get().get(params.brokerName)?.send(params.event),
    ),
    passToAll: safe(({ context }, params: { readonly event: BrokerLocksEvent }) => {
      for (const keeper of context.keepers.get().values()) keeper.send(params.event);
    }),
    forgetKeeper: assign(({ context }, params: { readonly actorId: string }) => ({
      keepers: new Hidden(
        new Map([...context.keepers.get()].filter(([name]) => idOf(name) !== params.actorId)),
      ),
    })),
    buryKeeper: stopChild((_, params: { readonly actorId: string }) => params.actorId),
    tellDeath: safe(({ context }, params: { readonly actorId: string; readonly error: unknown }) =>
      context.parent.send({ type: 'fault', error: toRocketmqError(params.error), actor: params.actorId }),
    ),
    passFault: safe(({ context }, params: FaultEvent) => context.parent.send(params)),
  },
  guards: {
    isOpen: ({ context }, { brokerName }: OfBroker) => context.keepers.get().has(brokerName),
  },
}).createMachine({
  id: 'locks',
  description: 'Keeps the locks of all queues: hand-over fences, or those of orderly consumption.',
  context: ({ input }) => ({
    ...input,
    random: input.random ?? Math.random,
    keepers: new Hidden(new Map()),
  }),
  invoke: {
    id: 'bookReader',
    src: 'bookReader',
    input: ({ context }) => context,
    onError: { actions: { type: 'tellDeath', params: ({ event }) => event } },
  },
  initial: 'keeping',
  states: { keeping: { description: 'Brokers come; those of which nothing is wanted any more rest.' } },
  on: {
    'locks.changed': [
      {
        guard: { type: 'isOpen', params: ({ event }) => event },
        actions: { type: 'passOn', params: toBroker },
      },
      { actions: { type: 'openBroker', params: ({ event }) => event } },
    ],
    'locks.refused': { actions: { type: 'passOn', params: toBroker } },
    'broker.lost': { actions: { type: 'passOn', params: toBroker } },
    'broker.back': { actions: { type: 'passOn', params: toBroker } },
    'members.looked': {
      actions: ['openMissing', { type: 'passToAll', params: { event: { type: 'members.looked' } } }],
    },
    fault: { actions: { type: 'passFault', params: ({ event }) => event } },
    // What it kept lives at the broker for a minute; the next look at the members brings a new one.
    'xstate.error.actor.*': {
      actions: [
        { type: 'tellDeath', params: ({ event }) => event },
        { type: 'forgetKeeper', params: ({ event }) => event },
        { type: 'buryKeeper', params: ({ event }) => event },
      ],
    },
  },
});

type ToBroker = BrokerLocksEvent & OfBroker;

function toBroker({ event }: { readonly event: ToBroker }) {
  return { brokerName: event.brokerName, event };
}

type SpawnKeeper = (
  src: 'brokerLocks',
  options: { readonly id: string; readonly input: BrokerLocksInput },
) => Receiver<BrokerLocksEvent>;

/** A keeper looks at its page by itself when it begins. */
function opened(
  context: LocksContext,
  brokerNames: readonly string[],
  self: Receiver<FaultEvent>,
  spawn: SpawnKeeper,
): LocksContext['keepers'] {
  const keepers = new Map(context.keepers.get());
  const { port, kind, clientId, handoverTimeout, clock, random } = context;
  for (const brokerName of brokerNames) {
    if (keepers.has(brokerName)) continue;
    const page = context.book.page(brokerName);
    const input = { brokerName, page, port, kind, clientId, handoverTimeout, clock, random, parent: self };
    keepers.set(brokerName, spawn('brokerLocks', { id: idOf(brokerName), input }));
  }
  return new Hidden(keepers);
}

function idOf(brokerName: string): string {
  return `locks ${brokerName}`;
}

type Built = typeof built;
/** The sealed type of locksMachine. */
export interface LocksMachine extends Built {}
/** Child of the consumer, where locks are wanted: fenced hand-over, or orderly consumption. */
export const locksMachine: LocksMachine = built;
