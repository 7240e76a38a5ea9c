// SPDX-License-Identifier: Apache-2.0
/**
 * When are the messages of a queue given to the listener, and which calls take too long? Two regions, side by side.
 *
 *   delivery: idle ⇄ dispatching        as messages arrive and the last one is done
 *             dispatching.watching ⇄ gathering   fewer wait than make a batch (batchMaxWaitMillis)
 *             idle, dispatching, awaitingLock ⇄ suspended.byConsumer
 *             dispatching ⇄ suspended.byListener   orderly by queue: the listener asked for a pause, or failed
 *             dispatching ⇄ awaitingLock           orderly: a delivery is due and the lock is not known to be ours
 *             any → draining → drained (final, of both)
 *   calls:    none → timed ⇄ stuck      a call is older than consumeTimeout
 *             timed, stuck → none       nothing runs, and nothing may start
 *
 * Orderly by sharding key, only the key rests whose listener call asked for it; the others go on in dispatching.
 *
 * Invariants (test/machines/consume*.test.ts): 1. no listener call starts outside dispatching, but for draining, where
 * an orderly queue may still deliver what lies before a message that was started; 2. draining drops what has not started
 * and ends when nothing runs, or after the grace with signals aborted; 3. nothing of a drained queue is delivered or
 * finished any more; 4. what a listener suspended is not delivered again before its pause is over, whatever the consumer
 * does meanwhile; 5. while a call runs, somebody looks at its age, whatever the delivery does; an idle queue has no timer.
 */
import { assign, raise, setup } from 'xstate';
import { safe } from '../shared/safe.ts';
import { makeDispatcher, sweepCalls } from './consume.actors.ts';
import { revoked } from './consume.logic.ts';
import type {
  BatchGathering,
  ConsumeContext,
  ConsumeEvent,
  ConsumeInput,
  ConsumeOutput,
  LaneRested,
} from './consume.types.ts';

const built = setup({
  types: {} as {
    context: ConsumeContext;
    events: ConsumeEvent;
    input: ConsumeInput;
    output: ConsumeOutput;
    tags: 'mayDeliver' | 'suspended' | 'stuck';
  },
  actions: {
    openDispatcher: safe(({ context }) => context.dispatcher.open()),
    tellOpened: raise({ type: 'delivery.opened' }),
    closeDispatcher: safe(({ context }) => context.dispatcher.close()),
    dropWaiting: safe(({ context }) => context.dispatcher.drop(false)),
    dropButFinish: safe(({ context }) => context.dispatcher.drop(true)),
    awaitDrained: safe(({ context, self }) =>
      context.dispatcher.whenDrained(() => self.send({ type: 'work.drained' })),
    ),
    noteGrace: assign((_, params: { readonly grace: number }) => ({ grace: params.grace })),
    abortRunning: safe(({ context }) => context.dispatcher.abort(revoked(context.owned.key))),
    /** One timer for each resting lane. */
    scheduleWake: raise((_, params: LaneRested) => ({ type: 'rest.over' as const, rest: params.rest }), {
      delay: (_, params: LaneRested) => params.ms,
    }),
    wakeLane: safe(({ context }, params: { readonly rest: number }) => context.dispatcher.wake(params.rest)),
    noteBatchWait: assign((_, params: BatchGathering) => ({ batchWait: params.ms })),
    startGathered: safe(({ context }) => context.dispatcher.gathered()),
    sweepCalls: safe(({ context }) => sweepCalls(context)),
    /** What still runs gives its slot back at its own end, or when another queue finds it stuck. */
    leaveRunning: safe(({ context }) => context.port.outlived.adopt(context.dispatcher)),
    passFault: safe(({ context, event }) => {
      if (event.type === 'fault') context.parent.send(event);
    }),
  },
  guards: {
    isSuspended: ({ context }) => context.suspended,
    hasWork: ({ context }) => context.owned.count > 0,
    nothingRuns: ({ context }) => context.owned.count === 0,
    isOneLane: ({ context }) => context.order === 'queue',
    restsAsAWhole: ({ context }) => context.order === 'queue' && context.dispatcher.isResting,
    lockIsLive: ({ context }) => context.dispatcher.lockIsLive(),
    hasStuck: ({ context }) => context.dispatcher.hasStuck,
    isAtWork: ({ context }) => context.dispatcher.isAtWork,
  },
  delays: {
    grace: ({ context }) => context.grace,
    batchWait: ({ context }) => context.batchWait,
    idleCheck: 200,
    lockCheck: 100,
    /** A call is noticed when it is older than consumeTimeout by at most three of these. */
    sweep: 500,
  },
}).createMachine({
  id: 'consume',
  description:
    'Gives the messages of one queue to the listener. The calls themselves are plain code (ConcurrentDispatcher, OrderlyDispatcher).',
  context: ({ input, self }) => ({
    ...input,
    dispatcher: makeDispatcher(input, self),
    batchWait: 0,
    grace: 0,
  }),
  initial: 'working',
  on: { fault: { actions: 'passFault' } },
  states: {
    working: {
      type: 'parallel',
      states: {
        delivery: {
          initial: 'deciding',
          on: {
            'queue.drain': {
              target: '.draining',
              actions: [{ type: 'noteGrace', params: ({ event }) => event }, 'dropWaiting'],
            },
            'lane.rested': { actions: { type: 'scheduleWake', params: ({ event }) => event } },
            'rest.over': { actions: { type: 'wakeLane', params: ({ event }) => event } },
          },
          states: {
            deciding: {
              description: 'Suspended from the beginning?',
              always: [{ guard: 'isSuspended', target: 'suspended.byConsumer' }, { target: 'idle' }],
            },
            idle: {
              description: 'No message is held.',
              on: { 'work.arrived': 'dispatching', 'queue.suspend': 'suspended.byConsumer' },
            },
            dispatching: {
              tags: 'mayDeliver',
              description: 'Listener calls start as slots are free.',
              entry: ['openDispatcher', 'tellOpened'],
              exit: 'closeDispatcher',
              on: {
                'queue.suspend': 'suspended.byConsumer',
                'lane.rested': [
                  {
                    guard: 'isOneLane',
                    target: 'suspended.byListener',
                    actions: { type: 'scheduleWake', params: ({ event }) => event },
                  },
                  { actions: { type: 'scheduleWake', params: ({ event }) => event } },
                ],
                'batch.gathering': {
                  target: '.gathering',
                  actions: { type: 'noteBatchWait', params: ({ event }) => event },
                },
                'lock.missed': 'awaitingLock',
                'queue.drain': {
                  target: 'draining',
                  actions: [{ type: 'noteGrace', params: ({ event }) => event }, 'dropButFinish'],
                },
              },
              initial: 'watching',
              states: {
                watching: {
                  description:
                    'Idle is noticed by looking now and then: no event for each batch that is done.',
                  after: {
                    idleCheck: [
                      { guard: 'nothingRuns', target: '#consume.working.delivery.idle' },
                      { target: 'watching', reenter: true },
                    ],
                  },
                },
                gathering: {
                  description:
                    'Fewer messages wait than make a batch; they go when it is full, or when this time is over.',
                  after: { batchWait: { target: 'watching', actions: 'startGathered' } },
                },
              },
            },
            awaitingLock: {
              description:
                'A delivery is due, but the lock is not known to be ours, or a call of a former assignment still runs.',
              on: { 'queue.suspend': 'suspended.byConsumer' },
              after: {
                lockCheck: [
                  { guard: 'lockIsLive', target: 'dispatching' },
                  { target: 'awaitingLock', reenter: true },
                ],
              },
            },
            suspended: {
              tags: 'suspended',
              description: 'No call starts; running ones end.',
              initial: 'byConsumer',
              states: {
                byConsumer: {
                  description:
                    'The consumer was suspended, or does not know whether the queue is still its own.',
                  on: {
                    'queue.resume': [
                      { guard: 'restsAsAWhole', target: 'byListener' },
                      { guard: 'hasWork', target: '#consume.working.delivery.dispatching' },
                      { target: '#consume.working.delivery.idle' },
                    ],
                  },
                },
                byListener: {
                  description:
                    'Its listener asked for a pause, or failed: the same messages come again afterwards.',
                  on: {
                    'queue.suspend': 'byConsumer',
                    'rest.over': {
                      target: '#consume.working.delivery.dispatching',
                      actions: { type: 'wakeLane', params: ({ event }) => event },
                    },
                  },
                },
              },
            },
            draining: {
              description: 'The queue is given up: what has not started is dropped, what runs may end.',
              entry: 'awaitDrained',
              on: {
                'work.drained': '#consume.drained',
                'queue.drain': {
                  target: 'draining',
                  reenter: true,
                  actions: { type: 'noteGrace', params: ({ event }) => event },
                },
              },
              after: { grace: { target: '#consume.drained', actions: 'abortRunning' } },
            },
          },
        },
        calls: {
          description: 'How long do listener calls take? Looked at now and then, never for each of them.',
          initial: 'none',
          states: {
            none: {
              description: 'No call runs, and none may start.',
              on: { 'delivery.opened': 'timed' },
            },
            timed: {
              description: 'Calls may run; none of them for too long.',
              after: { sweep: 'sweeping' },
            },
            sweeping: {
              entry: 'sweepCalls',
              always: [
                { guard: 'hasStuck', target: 'stuck' },
                { guard: 'isAtWork', target: 'timed' },
                { target: 'none' },
              ],
            },
            stuck: {
              tags: 'stuck',
              description:
                'A call runs longer than consumeTimeout: told, its signal aborted. Concurrent: its messages were given back.',
              after: { sweep: 'sweeping' },
            },
          },
        },
      },
    },
    drained: { type: 'final', entry: 'leaveRunning' },
  },
  output: ({ context }) => ({ abandoned: context.dispatcher.pending }),
});

type Built = typeof built;
/** The sealed type of consumeMachine. */
export interface ConsumeMachine extends Built {}
/** One for each owned queue, child of the queue actor. */
export const consumeMachine: ConsumeMachine = built;
