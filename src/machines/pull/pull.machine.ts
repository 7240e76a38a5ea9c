// SPDX-License-Identifier: Apache-2.0
/**
 * When is a queue pulled, and what stops it?
 *
 *   waitingForHandover → resolvingOffset → pulling ⇄ throttled | pacing
 *   pulling → backingOff → pulling     failure, or an empty answer at once
 *   pulling → correcting → pulling     the broker says the offset is illegal or reset (21)
 *   pulling → rereading → pulling | halted   a message cannot be read
 *   any → paused → back                the consumer is suspended
 *   paused → verifying → paused        time passed without us
 *   any → revoked (final)
 *
 * Invariants (checked by test/machines/pull.test.ts and on recorded traces):
 *   1. at most one pull on the wire (puller.ts keeps it); 2. no pull before the start is resolved;
 *   3. a batch that arrives is admitted in every state but those that have left its epoch;
 *   4. nothing is written after revoked; 5. no request repeats at once unless the offset advanced or the poll was held.
 */
import { assertEvent, assign, fromPromise, setup } from 'xstate';
import { toRocketmqError } from '../../errors/errors.ts';
import type { QueueOffset } from '../../model/queue-offset.ts';
import type { Correction } from '../../transport/pull-calls.ts';
import { safe } from '../shared/safe.ts';
import { type Admission, admit, followCommitted } from './pull.actors.ts';
import { pullBackoff } from './pull.logic.ts';
import type { PullContext, PullEvent, PullInput, PullPort, StartPlace } from './pull.types.ts';
import { Puller } from './puller.ts';

const built = setup({
  types: {} as {
    context: PullContext;
    events: PullEvent;
    input: PullInput;
    tags: 'mayPull' | 'throttled';
  },
  actors: {
    resolveStart: fromPromise<StartPlace, PullPort>(({ input, signal }) => input.resolveStart(signal)),
    readCommitted: fromPromise<QueueOffset | undefined, PullPort>(({ input, signal }) =>
      input.readCommitted(signal),
    ),
    correctOffset: fromPromise<Correction, { port: PullPort; correction: Correction }>(
      async ({ input, signal }) => {
        await input.port.correct(input.correction.correctTo, signal);
        return input.correction;
      },
    ),
  },
  actions: {
    requestNextBatch: safe(({ context }) => context.puller.requestNextBatch()),
    requestAfter: safe(({ context }, params: { readonly nextOffset: QueueOffset }) =>
      context.puller.requestNextBatch(params.nextOffset),
    ),
    abandonPull: safe(({ context }) => context.puller.abandon()),
    admitBatch: safe(({ context }, params: Admission) => admit(context, params)),
    placeAt: safe(({ context }, params: StartPlace) => {
      context.owned.restart(params.offset, params.stored);
      context.parent.send({ type: 'pull.placed', offset: params.offset });
    }),
    awaitRoom: safe(({ context, self }) =>
      context.owned.gate.whenOpen(() => self.send({ type: 'flow.opened' })),
    ),
    stopAwaitingRoom: safe(({ context }) => context.owned.gate.forget()),
    noteThrottle: assign(({ context }) => ({
      throttleCause: context.owned.gate.cause() ?? context.throttleCause,
    })),
    forgetThrottle: assign({ throttleCause: undefined }),
    tellThrottled: safe(({ context }) => {
      const cause = context.throttleCause;
      if (cause !== undefined) context.parent.send({ type: 'pull.throttled', cause });
    }),
    tellUnthrottled: safe(({ context }) => context.parent.send({ type: 'pull.unthrottled' })),
    countFailure: assign(({ context }, params: { readonly error: unknown }) => ({
      failures: context.failures + 1,
      failingSince: context.failures === 0 ? context.settings.now() : context.failingSince,
      lastError: params.error === undefined ? undefined : toRocketmqError(params.error),
    })),
    countReread: assign(({ context }, params: { readonly error: unknown }) => ({
      rereads: context.rereads + 1,
      lastError: toRocketmqError(params.error),
    })),
    forgetFailures: assign({ failures: 0, rereads: 0, lastError: undefined }),
    tellTrouble: safe(({ context }) => {
      const error = context.lastError;
      if (error !== undefined && context.failures === 1)
        context.parent.send({ type: 'pull.troubled', error });
    }),
    tellHalted: safe(({ context }) => {
      const error = context.lastError;
      if (error !== undefined) context.parent.send({ type: 'pull.troubled', error });
    }),
    restartAtCorrection: safe(({ context }, params: Correction) => {
      const from = context.owned.pulledTo;
      context.owned.restart(params.correctTo, true);
      context.parent.send({ type: 'pull.corrected', from, to: params.correctTo, reason: params.reason });
    }),
    followCommitted: safe(({ context }, params: { readonly committed: QueueOffset | undefined }) =>
      followCommitted(context, params.committed),
    ),
    tellVerified: safe(({ context }) => context.parent.send({ type: 'pull.verified' })),
    passFault: safe(({ context, event }) => {
      if (event.type === 'fault') context.parent.send(event);
    }),
  },
  guards: {
    isSuspended: ({ context }) => context.suspended,
    isPlaced: ({ context }) => context.owned.isPlaced,
    isAlone: ({ context }) => context.settings.handoverPause === 0,
    isPaced: ({ context }) => context.settings.pullInterval > 0,
    hasFailed: ({ context }) => context.failures > 0 || context.rereads > 0,
    hasRoomFor: ({ context }, params: { readonly messages: readonly unknown[]; readonly bytes: number }) =>
      context.owned.gate.cause({ count: params.messages.length, bytes: params.bytes }) === undefined,
    hasRoom: ({ context }) => context.owned.gate.cause() === undefined,
    mayRepeat: (_, params: { readonly mayRepeat: boolean }) => params.mayRepeat,
    mayReread: ({ context }) => context.rereads < context.settings.maxRereads,
  },
  delays: {
    handoverPause: ({ context }) => context.settings.handoverPause,
    pullInterval: ({ context }) => context.settings.pullInterval,
    flowSafetyCheck: ({ context }) => context.settings.flowControlInterval,
    rereadPause: 500,
    backoff: ({ context }) =>
      pullBackoff({
        failures: context.failures,
        elapsedMs: context.settings.now() - context.failingSince,
        error: context.lastError,
        random: context.settings.random,
      }),
  },
}).createMachine({
  id: 'pull',
  description:
    'Pulls one queue: one request on the wire, the next one written before the batch is looked at.',
  context: ({ input, self }) => ({
    ...input,
    puller: new Puller(input.owned, input.port, event => self.send(event)),
    failures: 0,
    failingSince: 0,
    rereads: 0,
    lastError: undefined,
    throttleCause: undefined,
  }),
  initial: 'deciding',
  on: {
    'queue.revoke': '.revoked',
    'queue.suspend': '.paused',
    'queue.verify': [
      { guard: 'isPlaced', target: '.verifying' },
      { target: '.paused', actions: 'tellVerified' },
    ],
    fault: { actions: 'passFault' },
  },
  states: {
    deciding: {
      description: 'Suspended from the beginning, or straight on?',
      always: [{ guard: 'isSuspended', target: 'paused' }, { target: 'waitingForHandover' }],
    },
    waitingForHandover: {
      description: 'Other members are there: the former owner may still be finishing and committing.',
      always: { guard: 'isAlone', target: 'resolvingOffset' },
      after: { handoverPause: 'resolvingOffset' },
    },
    resolvingOffset: {
      description:
        'Where does this queue start? A failed answer is not "nowhere": the queue waits and asks again.',
      invoke: {
        src: 'resolveStart',
        input: ({ context }) => context.port,
        onDone: {
          target: 'pulling',
          actions: ['forgetFailures', { type: 'placeAt', params: ({ event }) => event.output }],
        },
        onError: {
          target: 'backingOff',
          actions: [{ type: 'countFailure', params: ({ event }) => ({ error: event.error }) }, 'tellTrouble'],
        },
      },
    },
    pulling: {
      tags: 'mayPull',
      entry: 'requestNextBatch',
      on: {
        'batch.found': [
          {
            guard: 'hasFailed',
            target: 'pulling',
            reenter: true,
            actions: ['forgetFailures', { type: 'admitBatch', params: ({ event }) => event }],
          },
          {
            guard: 'isPaced',
            target: 'pacing',
            actions: { type: 'admitBatch', params: ({ event }) => event },
          },
          {
            // Steady state: the next pull is written before this batch is looked at.
            guard: { type: 'hasRoomFor', params: ({ event }) => event },
            actions: [
              { type: 'requestAfter', params: ({ event }) => event },
              { type: 'admitBatch', params: ({ event }) => event },
            ],
          },
          { target: 'throttled', actions: { type: 'admitBatch', params: ({ event }) => event } },
        ],
        'batch.none': [
          {
            guard: { type: 'mayRepeat', params: ({ event }) => event },
            actions: [
              { type: 'admitBatch', params: ({ event }) => event },
              'forgetFailures',
              'requestNextBatch',
            ],
          },
          {
            target: 'backingOff',
            actions: { type: 'countFailure', params: { error: undefined } },
          },
        ],
        'batch.damaged': [
          {
            guard: 'mayReread',
            target: 'rereading',
            actions: [
              { type: 'admitBatch', params: ({ event }) => event },
              { type: 'countReread', params: ({ event }) => event },
            ],
          },
          {
            target: 'halted',
            actions: [
              { type: 'admitBatch', params: ({ event }) => event },
              { type: 'countReread', params: ({ event }) => event },
            ],
          },
        ],
        'offset.moved': 'correcting',
        'pull.failed': {
          target: 'backingOff',
          actions: [{ type: 'countFailure', params: ({ event }) => event }, 'tellTrouble'],
        },
      },
    },
    pacing: {
      tags: 'mayPull',
      description: 'pullInterval between two pulls.',
      after: { pullInterval: [{ guard: 'hasRoom', target: 'pulling' }, { target: 'throttled' }] },
    },
    throttled: {
      tags: 'throttled',
      description:
        'Too much is held, here or in all queues together; a batch already on the wire is admitted.',
      entry: ['noteThrottle', 'tellThrottled', 'awaitRoom'],
      exit: ['stopAwaitingRoom', 'forgetThrottle', 'tellUnthrottled'],
      on: {
        'flow.opened': 'pulling',
        'batch.found': { actions: { type: 'admitBatch', params: ({ event }) => event } },
      },
      initial: 'armed',
      states: {
        armed: {
          description: 'Called when room is given back; looks itself now and then.',
          after: {
            flowSafetyCheck: [
              { guard: 'hasRoom', target: '#pull.pulling' },
              { target: 'armed', reenter: true },
            ],
          },
        },
      },
    },
    backingOff: {
      description: 'A failure, or an empty answer at once: wait, longer each time.',
      after: { backoff: [{ guard: 'isPlaced', target: 'pulling' }, { target: 'resolvingOffset' }] },
    },
    rereading: {
      description:
        'A message could not be read: the commit point stays before it, and it is asked for again.',
      after: { rereadPause: 'pulling' },
    },
    halted: {
      description: 'Asked again and still unreadable: the queue stands here, nothing is skipped.',
      entry: 'tellHalted',
    },
    correcting: {
      description: 'The broker moved the offset (21): commit its place, then start there with a new epoch.',
      entry: 'abandonPull',
      invoke: {
        src: 'correctOffset',
        input: ({ context, event }) => {
          assertEvent(event, 'offset.moved');
          return { port: context.port, correction: event };
        },
        onDone: {
          target: 'pulling',
          actions: [{ type: 'restartAtCorrection', params: ({ event }) => event.output }, 'forgetFailures'],
        },
        onError: {
          target: 'backingOff',
          actions: [{ type: 'countFailure', params: ({ event }) => ({ error: event.error }) }, 'tellTrouble'],
        },
      },
    },
    paused: {
      description: 'Suspended: what is on the wire is admitted, nothing new is asked for.',
      on: {
        'batch.found': { actions: { type: 'admitBatch', params: ({ event }) => event } },
        'batch.none': { actions: { type: 'admitBatch', params: ({ event }) => event } },
        'queue.resume': [{ guard: 'isPlaced', target: 'pulling' }, { target: 'waitingForHandover' }],
        'queue.suspend': {},
      },
    },
    verifying: {
      description: 'Time passed without us: does the broker have a later offset than we do?',
      initial: 'asking',
      on: {
        'queue.suspend': {},
        'batch.found': { actions: { type: 'admitBatch', params: ({ event }) => event } },
        'batch.none': { actions: { type: 'admitBatch', params: ({ event }) => event } },
      },
      states: {
        asking: {
          invoke: {
            src: 'readCommitted',
            input: ({ context }) => context.port,
            onDone: {
              target: '#pull.paused',
              actions: [
                { type: 'followCommitted', params: ({ event }) => ({ committed: event.output }) },
                'tellVerified',
                'forgetFailures',
              ],
            },
            onError: {
              target: 'waiting',
              actions: [
                { type: 'countFailure', params: ({ event }) => ({ error: event.error }) },
                'tellTrouble',
              ],
            },
          },
        },
        waiting: { after: { backoff: 'asking' } },
      },
    },
    revoked: { type: 'final', entry: ['stopAwaitingRoom', 'abandonPull'] },
  },
});

type Built = typeof built;
export interface PullMachine extends Built {}
/** One for each owned queue, child of the queue actor. */
export const pullMachine: PullMachine = built;
