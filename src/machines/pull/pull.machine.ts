// SPDX-License-Identifier: Apache-2.0
/**
 * When is a queue pulled, and what stops it?
 *
 *   waitingForHandover | locking → resolvingOffset → pulling ⇄ throttled | pacing
 *   pulling → backingOff → pulling     failure, or an answer without progress
 *   pulling → correcting → pulling     the broker says the offset is illegal or reset (21)
 *   pulling → rereading → pulling | halted   a message cannot be read
 *   … → checkingRoom → pulling | throttled   on every way back to pulling
 *   any → paused → back                the consumer is suspended
 *   paused → verifying → paused        time passed without us
 *   any → revoked (final)
 *
 * Invariants (checked by test/machines/pull.test.ts and on recorded traces):
 *   1. at most one pull on the wire (puller.ts keeps it); 2. no pull before the start is resolved;
 *   3. a batch that arrives is admitted in every state but those that have left its epoch;
 *   4. nothing is written after revoked; 5. no request repeats at once unless the offset advanced or the poll was held;
 *   6. with a permit, no offset is read before it is given; 7. a correction ends the epoch before it is committed: no late result moves the commit point away from it.
 */
import { assertEvent, assign, fromPromise, setup } from 'xstate';
import { type RocketmqError, toRocketmqError } from '../../errors/errors.ts';
import type { QueueOffset } from '../../model/queue-offset.ts';
import type { Correction } from '../../transport/pull-calls.ts';
import { safe } from '../shared/safe.ts';
import { admit, followCommitted, restartAt } from './pull.actors.ts';
import {
  answerLimit,
  type Failure,
  goesOn,
  pullBackoff,
  rereadsOf,
  standsStill,
  unanswered,
} from './pull.logic.ts';
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
    correctOffset: fromPromise<void, { port: PullPort; correctTo: QueueOffset }>(({ input, signal }) =>
      input.port.correct(input.correctTo, signal),
    ),
  },
  actions: {
    requestPermit: safe(({ context, self }) =>
      context.port.permit?.request(() => self.send({ type: 'start.permitted' })),
    ),
    requestNextBatch: safe(({ context }) => context.puller.requestNextBatch()),
    pullOn: safe(({ context }) => context.puller.pullOn(batch => goesOn(context, batch))),
    pullNoFurther: safe(({ context }) => context.puller.pullNoFurther()),
    abandonPull: safe(({ context }) => context.puller.abandon()),
    admitBatch: safe(({ context, event }) => {
      if ('nextOffset' in event) admit(context, event);
    }),
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
    countFailure: assign(({ context }, { error }: Failure) => ({
      failures: context.failures + 1,
      failingSince: context.failures === 0 ? context.settings.now() : context.failingSince,
      lastError: error === undefined ? undefined : toRocketmqError(error),
    })),
    /** Before it is counted: only the first error of an outage is news. */
    tellTrouble: safe(({ context }, { error }: Failure) => {
      if (context.lastError !== undefined) return;
      context.parent.send({ type: 'pull.troubled', error: toRocketmqError(error) });
    }),
    /** Before the batch is admitted: each unreadable message has rereads of its own. */
    countReread: assign(({ context }, params: { readonly nextOffset: QueueOffset }) => ({
      rereads: rereadsOf(context, params) + 1,
    })),
    forgetFailures: assign({ failures: 0, rereads: 0, lastError: undefined }),
    tellHalted: safe(({ context }, { error }: { readonly error: RocketmqError }) =>
      context.parent.send({ type: 'pull.troubled', error }),
    ),
    restartAtCorrection: safe(({ context }, params: Correction) => restartAt(context, params)),
    followCommitted: safe(({ context }, params: { readonly committed: QueueOffset | undefined }) =>
      followCommitted(context, params.committed),
    ),
    withholdCommits: safe(({ context }) => context.port.withholdCommits(true)),
    allowCommits: safe(({ context }) => context.port.withholdCommits(false)),
    tellVerified: safe(({ context }) => context.parent.send({ type: 'pull.verified' })),
    passFault: safe(({ context, event }) => {
      if (event.type === 'fault') context.parent.send(event);
    }),
  },
  guards: {
    isSuspended: ({ context }) => context.suspended,
    isPlaced: ({ context }) => context.owned.isPlaced,
    needsLock: ({ context }) => context.port.permit?.kind === 'lock',
    waitsForNobody: ({ context }) =>
      context.port.permit === undefined && context.settings.handoverPause === 0,
    hasNoPermit: ({ context }) => context.port.permit === undefined,
    isPaced: ({ context }) => context.settings.pullInterval > 0,
    hasFailed: ({ context }) => context.failures > 0,
    hasRoom: ({ context }) => context.owned.gate.cause() === undefined,
    standsStill: ({ context }, params: { readonly nextOffset: QueueOffset }) => standsStill(context, params),
    mayRepeat: (_, params: { readonly mayRepeat: boolean }) => params.mayRepeat,
    mayReread: ({ context }, params: { readonly nextOffset: QueueOffset }) =>
      rereadsOf(context, params) < context.settings.maxRereads,
  },
  delays: {
    handoverPause: ({ context }) => context.settings.handoverPause,
    pullInterval: ({ context }) => context.settings.pullInterval,
    flowSafetyCheck: ({ context }) => context.settings.flowControlInterval,
    rereadPause: 500,
    answerLimit: ({ context }) => answerLimit(context),
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
      always: [{ guard: 'isSuspended', target: 'paused' }, { target: 'takingOver' }],
    },
    takingOver: {
      description: 'Is there anything to wait for before the queue is ours to read?',
      always: [
        { guard: 'needsLock', target: 'locking' },
        { guard: 'waitsForNobody', target: 'resolvingOffset' },
        { target: 'waitingForHandover' },
      ],
    },
    waitingForHandover: {
      description:
        'The former owner may still be finishing and committing: its fence opens when it has, when it died, or after handoverTimeout. Without a fence, a pause.',
      entry: 'requestPermit',
      on: { 'start.permitted': 'resolvingOffset' },
      after: { handoverPause: { guard: 'hasNoPermit', target: 'resolvingOffset' } },
    },
    locking: {
      description: 'Orderly: nothing is read or pulled without the lock.',
      entry: 'requestPermit',
      on: { 'start.permitted': 'resolvingOffset' },
    },
    resolvingOffset: {
      description:
        'Where does this queue start? A failed answer is not "nowhere": the queue waits and asks again.',
      invoke: {
        src: 'resolveStart',
        input: ({ context }) => context.port,
        onDone: {
          target: 'checkingRoom',
          actions: ['forgetFailures', { type: 'placeAt', params: ({ event }) => event.output }],
        },
        onError: {
          target: 'backingOff',
          actions: [
            { type: 'tellTrouble', params: ({ event }) => event },
            { type: 'countFailure', params: ({ event }) => event },
          ],
        },
      },
      after: {
        answerLimit: {
          target: 'backingOff',
          actions: [
            { type: 'tellTrouble', params: ({ context }) => unanswered(context, 'the start') },
            { type: 'countFailure', params: ({ context }) => unanswered(context, 'the start') },
          ],
        },
      },
    },
    checkingRoom: {
      description: 'Before the first pull, and after every pause: is there room for a batch?',
      always: [{ guard: 'hasRoom', target: 'pulling' }, { target: 'throttled' }],
    },
    pulling: {
      tags: 'mayPull',
      description:
        'Batch follows batch without an event as long as each leads on, finds room, and nothing failed (puller.ts, goesOn).',
      entry: 'pullOn',
      exit: 'pullNoFurther',
      on: {
        'batch.found': [
          {
            guard: { type: 'standsStill', params: ({ event }) => event },
            target: 'backingOff',
            actions: { type: 'countFailure', params: { error: undefined } },
          },
          {
            guard: 'isPaced',
            target: 'pacing',
            actions: ['admitBatch', 'forgetFailures'],
          },
          {
            target: 'checkingRoom',
            actions: ['admitBatch', 'forgetFailures'],
          },
        ],
        'batch.none': [
          {
            guard: { type: 'mayRepeat', params: ({ event }) => event },
            actions: ['admitBatch', 'forgetFailures', 'requestNextBatch'],
          },
          {
            target: 'backingOff',
            actions: { type: 'countFailure', params: { error: undefined } },
          },
        ],
        'batch.damaged': [
          {
            guard: { type: 'mayReread', params: ({ event }) => event },
            target: 'rereading',
            actions: [{ type: 'countReread', params: ({ event }) => event }, 'admitBatch'],
          },
          {
            target: 'halted',
            actions: ['admitBatch', { type: 'tellHalted', params: ({ event }) => event }],
          },
        ],
        'offset.moved': {
          target: 'correcting',
          actions: { type: 'restartAtCorrection', params: ({ event }) => event },
        },
        'pull.failed': {
          target: 'backingOff',
          actions: [
            { type: 'tellTrouble', params: ({ event }) => event },
            { type: 'countFailure', params: ({ event }) => event },
          ],
        },
      },
    },
    pacing: {
      tags: 'mayPull',
      description: 'pullInterval between two pulls.',
      after: { pullInterval: 'checkingRoom' },
    },
    throttled: {
      tags: 'throttled',
      description:
        'Too much is held, here or in all queues together; a batch already on the wire is admitted.',
      entry: ['noteThrottle', 'tellThrottled', 'awaitRoom'],
      exit: ['stopAwaitingRoom', 'forgetThrottle', 'tellUnthrottled'],
      on: {
        'flow.opened': 'pulling',
        'batch.found': { actions: 'admitBatch' },
        'batch.none': { actions: 'admitBatch' },
        'batch.damaged': { actions: 'admitBatch' },
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
      description: 'A failure, or an answer without progress: wait, longer each time.',
      after: { backoff: [{ guard: 'isPlaced', target: 'checkingRoom' }, { target: 'resolvingOffset' }] },
    },
    rereading: {
      description:
        'A message could not be read: the commit point stays before it, and it is asked for again.',
      after: { rereadPause: 'checkingRoom' },
    },
    halted: {
      description: 'Asked again and still unreadable: the queue stands here, nothing is skipped.',
    },
    correcting: {
      description: 'The broker moved the offset (21): a new epoch begins there, and its place is committed.',
      invoke: {
        src: 'correctOffset',
        input: ({ context, event }) => {
          assertEvent(event, 'offset.moved');
          return { port: context.port, correctTo: event.correctTo };
        },
        onDone: [
          {
            // Moved again, and no other answer in between.
            guard: 'hasFailed',
            target: 'backingOff',
            actions: { type: 'countFailure', params: { error: undefined } },
          },
          { target: 'checkingRoom', actions: { type: 'countFailure', params: { error: undefined } } },
        ],
        onError: {
          target: 'backingOff',
          actions: [
            { type: 'tellTrouble', params: ({ event }) => event },
            { type: 'countFailure', params: ({ event }) => event },
          ],
        },
      },
      after: {
        answerLimit: {
          target: 'backingOff',
          actions: [
            { type: 'tellTrouble', params: ({ context }) => unanswered(context, 'the correction') },
            { type: 'countFailure', params: ({ context }) => unanswered(context, 'the correction') },
          ],
        },
      },
    },
    paused: {
      description: 'Suspended: what is on the wire is admitted, nothing new is asked for.',
      on: {
        'batch.found': { actions: 'admitBatch' },
        'batch.none': { actions: 'admitBatch' },
        'batch.damaged': { actions: 'admitBatch' },
        // Told once by the broker, and forgotten there: an admin's reset must not be missed while we are suspended.
        'offset.moved': { actions: { type: 'restartAtCorrection', params: ({ event }) => event } },
        'queue.resume': [{ guard: 'isPlaced', target: 'checkingRoom' }, { target: 'takingOver' }],
        'queue.suspend': {},
      },
    },
    verifying: {
      description: 'Time passed without us: does the broker have a later offset than we do?',
      initial: 'asking',
      entry: 'withholdCommits', // until the answer is there: given up before, nothing of it is committed
      on: {
        'queue.suspend': {},
        'offset.moved': { actions: { type: 'restartAtCorrection', params: ({ event }) => event } },
        'batch.found': { actions: 'admitBatch' },
        'batch.none': { actions: 'admitBatch' },
        'batch.damaged': { actions: 'admitBatch' },
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
                'allowCommits',
                'tellVerified',
                'forgetFailures',
              ],
            },
            onError: {
              target: 'waiting',
              actions: [
                { type: 'tellTrouble', params: ({ event }) => event },
                { type: 'countFailure', params: ({ event }) => event },
              ],
            },
          },
          after: {
            answerLimit: {
              target: 'waiting',
              actions: [
                { type: 'tellTrouble', params: ({ context }) => unanswered(context, 'the committed offset') },
                {
                  type: 'countFailure',
                  params: ({ context }) => unanswered(context, 'the committed offset'),
                },
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
