// SPDX-License-Identifier: Apache-2.0
/**
 * When are the messages of a queue given to the listener?
 *
 *   idle ⇄ dispatching        as messages arrive and the last one is done
 *   idle, dispatching ⇄ suspended
 *   any → draining → drained (final)
 *
 * Invariants (test/machines/consume.test.ts): 1. no listener call starts outside dispatching; 2. draining drops what has
 * not started and ends when nothing runs, or after the grace with signals aborted; 3. nothing of a drained queue is
 * delivered or finished any more.
 */
import { assign, setup } from 'xstate';
import { ConsumerError } from '../../errors/errors.ts';
import { ConcurrentDispatcher } from '../../listeners/concurrent-dispatcher.ts';
import { safe } from '../shared/safe.ts';
import type { ConsumeContext, ConsumeEvent, ConsumeInput, ConsumeOutput } from './consume.types.ts';

const built = setup({
  types: {} as {
    context: ConsumeContext;
    events: ConsumeEvent;
    input: ConsumeInput;
    output: ConsumeOutput;
    tags: 'mayDeliver' | 'suspended';
  },
  actions: {
    openDispatcher: safe(({ context }) => context.dispatcher.open()),
    closeDispatcher: safe(({ context }) => context.dispatcher.close()),
    dropWaiting: safe(({ context }) => {
      context.owned.dropWaiting();
    }),
    awaitDrained: safe(({ context, self }) =>
      context.dispatcher.whenDrained(() => self.send({ type: 'work.drained' })),
    ),
    noteGrace: assign((_, params: { readonly grace: number }) => ({ grace: params.grace })),
    abortRunning: safe(({ context }) => context.dispatcher.abort(revoked(context.owned.key))),
    passFault: safe(({ context, event }) => {
      if (event.type === 'fault') context.parent.send(event);
    }),
  },
  guards: {
    isSuspended: ({ context }) => context.suspended,
    hasWork: ({ context }) => context.owned.count > 0,
    nothingRuns: ({ context }) => context.owned.count === 0,
  },
  delays: { grace: ({ context }) => context.grace, idleCheck: 200 },
}).createMachine({
  id: 'consume',
  description:
    'Gives the messages of one queue to the listener. The calls themselves are plain code (ConcurrentDispatcher).',
  context: ({ input, self }) => {
    const dispatcher: ConcurrentDispatcher = new ConcurrentDispatcher(
      input.owned,
      input.slots,
      input.batchSize,
      {
        listenerOf: message => input.port.listenerOf(message),
        mayDeliver: () => input.port.mayDeliver(),
        stopSignal: input.port.stopSignal,
        onMisuse: error => input.parent.send({ type: 'consume.misused', error }),
        onFailed: failed =>
          input.port.sendBack(
            failed,
            one => dispatcher.settle(one),
            one => dispatcher.redeliver(one),
          ),
      },
    );
    input.owned.whenWorkArrives(wasEmpty => {
      if (wasEmpty && !dispatcher.isOpen) self.send({ type: 'work.arrived' });
      else dispatcher.pump();
    });
    return { ...input, dispatcher, grace: 0 };
  },
  initial: 'deciding',
  on: {
    'queue.drain': { target: '.draining', actions: { type: 'noteGrace', params: ({ event }) => event } },
    fault: { actions: 'passFault' },
  },
  states: {
    deciding: {
      description: 'Suspended from the beginning?',
      always: [{ guard: 'isSuspended', target: 'suspended' }, { target: 'idle' }],
    },
    idle: {
      description: 'No message is held.',
      on: { 'work.arrived': 'dispatching', 'queue.suspend': 'suspended' },
    },
    dispatching: {
      tags: 'mayDeliver',
      description: 'Listener calls start as slots are free.',
      entry: 'openDispatcher',
      exit: 'closeDispatcher',
      on: { 'queue.suspend': 'suspended' },
      initial: 'watching',
      states: {
        watching: {
          description: 'Idle is noticed by looking now and then: no event for each batch that is done.',
          after: {
            idleCheck: [
              { guard: 'nothingRuns', target: '#consume.idle' },
              { target: 'watching', reenter: true },
            ],
          },
        },
      },
    },
    suspended: {
      tags: 'suspended',
      description: 'No call starts; running ones end.',
      on: { 'queue.resume': [{ guard: 'hasWork', target: 'dispatching' }, { target: 'idle' }] },
    },
    draining: {
      description: 'The queue is given up: what has not started is dropped, what runs may end.',
      entry: ['dropWaiting', 'awaitDrained'],
      on: { 'work.drained': 'drained' },
      after: { grace: { target: 'drained', actions: 'abortRunning' } },
    },
    drained: { type: 'final' },
  },
  output: ({ context }) => ({ abandoned: context.dispatcher.pending }),
});

function revoked(key: string): ConsumerError {
  return new ConsumerError('RMQ_ABORTED', `${key} was given up before its listener calls ended`, {
    context: { queue: key },
  });
}

type Built = typeof built;
export interface ConsumeMachine extends Built {}
/** One for each owned queue, child of the queue actor. */
export const consumeMachine: ConsumeMachine = built;
