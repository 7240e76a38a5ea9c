// SPDX-License-Identifier: Apache-2.0
/**
 * When are offsets handed to their store?
 *
 *   idle ──(interval)──► due ──(something new)──► persisting ──(all written)──► idle
 *                                                 persisting ──(failed)──► retrying ──► persisting, at most retryTimes
 *   held: no periodic persist between offsets.hold and offsets.release
 *   flushing: from every state; answered calls for all queues, repeated while there is time, then offsets.flushed
 *
 * Invariants (checked by test/machines/offsets.test.ts): 1. one persist at a time; 2. every flush is answered within its
 * timeout, whatever the store does; 3. what was not confirmed is reported as uncommitted; 4. no periodic persist while
 * held, and a hold that comes during a flush is kept for after it.
 */
import { assign, setup, stateIn } from 'xstate';
import { toRocketmqError } from '../../errors/errors.ts';
import type { PersistReport } from '../../stores/offset-store.ts';
import { type FaultEvent, safe } from '../shared/safe.ts';
import { persistAnswered, persistPeriodically } from './offsets.actors.ts';
import {
  flushMargin,
  givenUp,
  hasRetriesLeft,
  isFlushWorthRepeating,
  persistLimit,
  retryDelay,
  timeLeft,
} from './offsets.logic.ts';
import type { FlushRequest, OffsetsContext, OffsetsEvent, OffsetsInput } from './offsets.types.ts';

const built = setup({
  types: {} as { context: OffsetsContext; events: OffsetsEvent; input: OffsetsInput },
  actors: { persistPeriodically, persistAnswered },
  actions: {
    forgetFailures: assign({ attempt: 0 }),
    countFailure: assign({ attempt: ({ context }) => context.attempt + 1 }),
    noteFlush: assign((_, params: { readonly until: number }) => ({ attempt: 0, flushUntil: params.until })),
    tellPersisted: safe(({ context }, { committed }: PersistReport) => {
      if (committed.length > 0) context.parent.send({ type: 'offsets.persisted', committed });
    }),
    tellFailed: safe(({ context }, { uncommitted }: PersistReport) => {
      const [first] = uncommitted;
      if (first !== undefined)
        context.parent.send({ type: 'offsets.failed', error: first.error, uncommitted });
    }),
    tellBroken: safe(({ context }, params: { readonly error: unknown }) =>
      context.parent.send({ type: 'offsets.failed', error: toRocketmqError(params.error), uncommitted: [] }),
    ),
    tellFlushed: safe(({ context }, { committed, uncommitted }: PersistReport) =>
      context.parent.send({ type: 'offsets.flushed', committed, uncommitted }),
    ),
    tellFlushGivenUp: safe(({ context }) =>
      context.parent.send({ type: 'offsets.flushed', ...givenUp(context.port.uncommitted()) }),
    ),
    passFault: safe(({ context }, params: FaultEvent) => context.parent.send(params)),
  },
  guards: {
    hasNothingNew: ({ context }) => context.port.uncommitted().length === 0,
    isAllWritten: (_, { uncommitted }: PersistReport) => uncommitted.length === 0,
    hasRetriesLeft: ({ context }) => hasRetriesLeft(context),
    isAnswered: stateIn({ flushing: { work: 'answered' } }),
    isToBeHeld: stateIn({ flushing: { work: 'answered', afterwards: 'holding' } }),
    isWorthRepeating: ({ context }, params: PersistReport) => isFlushWorthRepeating(context, params),
  },
  delays: {
    persistInterval: ({ context }) => context.interval,
    retryDelay: ({ context }) => retryDelay(context),
    persistLimit,
    flushPause: ({ context }) => Math.min(retryDelay(context), timeLeft(context)),
    flushLimit: ({ context }) => timeLeft(context) + flushMargin,
  },
}).createMachine({
  id: 'offsets',
  description: 'Hands the commit points of all queues to the offset store.',
  options: { maxIterations: 100 },
  context: ({ input }) => ({ ...input, attempt: 0, flushUntil: 0 }),
  initial: 'idle',
  on: {
    fault: { actions: { type: 'passFault', params: ({ event }) => event } },
    'offsets.hold': '.held',
    'offsets.flush': { target: '.flushing', actions: { type: 'noteFlush', params: untilOf } },
  },
  states: {
    idle: {
      description: 'Until the interval has passed.',
      entry: 'forgetFailures',
      after: { persistInterval: 'due' },
    },
    due: {
      description: 'It is time; is there anything the store does not have?',
      always: [{ guard: 'hasNothingNew', target: 'idle' }, { target: 'persisting' }],
    },
    persisting: {
      description: 'One-way writes, a batch a broker at a time.',
      invoke: {
        src: 'persistPeriodically',
        input: ({ context }) => context.port,
        onDone: [
          {
            guard: { type: 'isAllWritten', params: ({ event }) => event.output },
            target: 'idle',
            actions: { type: 'tellPersisted', params: ({ event }) => event.output },
          },
          {
            guard: 'hasRetriesLeft',
            target: 'retrying',
            actions: ['countFailure', { type: 'tellPersisted', params: ({ event }) => event.output }],
          },
          {
            target: 'idle',
            actions: [
              { type: 'tellPersisted', params: ({ event }) => event.output },
              { type: 'tellFailed', params: ({ event }) => event.output },
            ],
          },
        ],
        onError: { target: 'idle', actions: { type: 'tellBroken', params: ({ event }) => event } },
      },
      after: { persistLimit: 'idle' },
    },
    retrying: {
      description: 'Something was not written: again, a little later.',
      after: { retryDelay: 'persisting' },
    },
    held: {
      description: 'Time passed without us: nothing is handed over until somebody has looked who owns what.',
      on: {
        'offsets.release': 'due',
        'offsets.flush': {
          target: ['flushing.afterwards.holding', 'flushing.work'],
          actions: { type: 'noteFlush', params: untilOf },
        },
      },
    },
    flushing: {
      description: 'Every point by an answered call; the parent waits for the report.',
      type: 'parallel',
      always: [
        { guard: 'isToBeHeld', target: 'held' },
        { guard: 'isAnswered', target: 'idle' },
      ],
      states: {
        work: {
          initial: 'confirming',
          on: {
            'offsets.flush': {
              target: '.confirming',
              actions: { type: 'noteFlush', params: untilOf },
            },
          },
          states: {
            confirming: {
              invoke: {
                src: 'persistAnswered',
                input: ({ context }) => context,
                onDone: [
                  {
                    guard: { type: 'isWorthRepeating', params: ({ event }) => event.output },
                    target: 'pausing',
                    actions: 'countFailure',
                  },
                  {
                    target: 'answered',
                    actions: { type: 'tellFlushed', params: ({ event }) => event.output },
                  },
                ],
                onError: { target: 'answered', actions: 'tellFlushGivenUp' },
              },
              after: { flushLimit: { target: 'answered', actions: 'tellFlushGivenUp' } },
            },
            pausing: {
              description: 'Something was not confirmed, and there is time for another try.',
              after: { flushPause: 'confirming' },
            },
            answered: { description: 'The report is told; where to go next, the other half knows.' },
          },
        },
        afterwards: {
          initial: 'goingOn',
          states: {
            goingOn: { on: { 'offsets.hold': 'holding' } },
            holding: {
              description: 'Held meanwhile, and still so when the flush is over.',
              on: { 'offsets.hold': {}, 'offsets.release': 'goingOn' },
            },
          },
        },
      },
    },
  },
});

function untilOf({ context, event }: { readonly context: OffsetsContext; readonly event: FlushRequest }): {
  readonly until: number;
} {
  return { until: context.clock.now() + event.timeout };
}

type Built = typeof built;
/** Source of the period: MQClientInstance.persistAllConsumerOffset, protocol.md section 7.1. */
export interface OffsetsMachine extends Built {}
/** Hands offsets to their store, now and then and at the end. */
export const offsetsMachine: OffsetsMachine = built;
