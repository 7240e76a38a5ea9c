// SPDX-License-Identifier: Apache-2.0
/**
 * When is a queue pulled, and what stops it?
 *
 *   waitingForHandover | locking → resolvingOffset → pulling ⇄ throttled | pacing
 *   pulling → backingOff → pulling     failure, or an answer without progress
 *   pulling → correcting → pulling     the broker says the offset is illegal or reset (21)
 *   pulling → rereading → pulling | judging   a message cannot be read
 *   judging → checkingRoom | halted    onCorruptMessage: it is passed over, or the queue stands in front of it
 *   … → checkingRoom → pulling | throttled   on every way back to pulling
 *   any → checkingRoom                 queue.seek; before the start is permitted, or while verifying, it waits for that
 *   any → paused → back                the consumer is suspended
 *   paused → preparing → paused        sought before it was ever started: taken over and placed, but not pulled
 *   paused → verifying → paused        time passed without us
 *   any → revoked (final)
 *
 * Invariants (checked by test/machines/pull.test.ts and on recorded traces):
 *   1. at most one pull on the wire (puller.ts keeps it), but for one that is renewed while the broker holds it; 2. no pull before the start is resolved;
 *   3. a batch that arrives is admitted in every state but those that have left its epoch;
 *   4. nothing is written after revoked; 5. no request repeats at once unless the offset advanced or the poll was held;
 *   6. with a permit, no offset is read, and no place taken, before it is given; 7. a correction or a seek ends the epoch before it
 *   is committed: no late result moves the commit point away from it; 8. one offset is passed over for each `skip`, and told
 *   before; a halt outlives suspensions; 9. a seek's ticket is told once: moved, replaced, or given up; 10. no answer of a slave is
 *   an `offset.moved` or a `batch.damaged`, and no pull to one carries an offset (pull-target.ts, transport/slave-answers.ts).
 */
import { assertEvent } from 'xstate';
import { unanswered } from './pull.logic.ts';
import { pullSetup } from './pull.setup.ts';
import { Puller } from './puller.ts';

const built = pullSetup.createMachine({
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
    damage: undefined,
    verdict: undefined,
    sought: undefined,
  }),
  initial: 'deciding',
  on: {
    'queue.seek': {
      target: '.checkingRoom',
      actions: [{ type: 'moveTo', params: ({ event }) => event }, 'forgetFailures'],
    },
    // Suspended or verifying meanwhile: what the policy says counts as soon as it says it.
    'damage.judged': [
      {
        guard: { type: 'isSkipOfOurs', params: ({ event }) => event },
        actions: ['tellVerdict', 'passOver', 'forgetDamage', 'forgetFailures'],
      },
      {
        guard: { type: 'isOurs', params: ({ event }) => event },
        actions: ['tellVerdict', 'noteHalt'],
      },
    ],
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
        { guard: 'waitsForNobody', target: 'placing' },
        { target: 'waitingForHandover' },
      ],
    },
    waitingForHandover: {
      description:
        'The former owner may still be finishing and committing: its fence opens when it has, when it died, or after handoverTimeout. Without a fence, a pause.',
      entry: 'requestPermit',
      on: {
        'start.permitted': 'placing',
        'queue.seek': { actions: ['refuseReplaced', 'noteSeek'] },
      },
      after: { handoverPause: { guard: 'hasNoPermit', target: 'placing' } },
    },
    locking: {
      description: 'Orderly: nothing is read or pulled without the lock.',
      entry: 'requestPermit',
      on: {
        'start.permitted': 'placing',
        'queue.seek': { actions: ['refuseReplaced', 'noteSeek'] },
      },
    },
    placing: {
      description:
        'It is ours to read: from where it was sought meanwhile, or from where it has to be found out?',
      always: [
        {
          guard: 'isSought',
          target: 'checkingRoom',
          actions: ['moveToSought', 'forgetSeek', 'forgetFailures'],
        },
        { target: 'resolvingOffset' },
      ],
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
            target: 'judging',
            actions: ['admitBatch', { type: 'noteDamage', params: ({ event }) => event }, 'askPolicy'],
          },
        ],
        'offset.moved': {
          target: 'correcting',
          actions: { type: 'restartAtCorrection', params: ({ event }) => event },
        },
        'queue.renew': { actions: 'renewPull' },
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
        // Told once by the broker: a pull from before a suspension may bring it.
        'offset.moved': {
          target: 'correcting',
          actions: { type: 'restartAtCorrection', params: ({ event }) => event },
        },
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
    judging: {
      description:
        'Asked again and still unreadable: onCorruptMessage decides, and takes the time it needs. Nothing is pulled meanwhile.',
      on: {
        'damage.judged': [
          {
            guard: { type: 'isSkipOfOurs', params: ({ event }) => event },
            target: 'checkingRoom',
            actions: ['tellVerdict', 'passOver', 'forgetDamage', 'forgetFailures'],
          },
          {
            guard: { type: 'isOurs', params: ({ event }) => event },
            target: 'halted',
            actions: ['tellVerdict', 'noteHalt'],
          },
        ],
      },
    },
    halted: {
      description:
        'The queue stands in front of a message that cannot be read, until queue.seek; lock and heartbeats go on.',
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
      always: [
        { guard: 'isSoughtAndPlaced', actions: ['moveToSought', 'forgetSeek', 'forgetFailures'] },
        { guard: 'isSought', target: 'preparing' },
      ],
      on: {
        'batch.found': { actions: 'admitBatch' },
        'batch.none': { actions: 'admitBatch' },
        'batch.damaged': { actions: 'admitBatch' },
        'queue.seek': { actions: 'noteSeek' },
        // Told once by the broker, and forgotten there: an admin's reset must not be missed while we are suspended.
        'offset.moved': { actions: { type: 'restartAtCorrection', params: ({ event }) => event } },
        'queue.resume': [
          { guard: 'isHalted', target: 'halted' },
          { guard: 'isJudged', target: 'judging' },
          { guard: 'isPlaced', target: 'checkingRoom' },
          { target: 'takingOver' },
        ],
        'queue.suspend': {},
      },
    },
    preparing: {
      description:
        'Suspended, and told where to begin: it is taken over and placed there, and stays suspended.',
      entry: 'requestPermit',
      on: {
        'start.permitted': { target: 'paused', actions: ['moveToSought', 'forgetSeek'] },
        'queue.seek': { actions: ['refuseReplaced', 'noteSeek'] },
        'queue.resume': 'takingOver',
        'queue.suspend': {},
      },
      after: {
        handoverPause: { guard: 'hasNoPermit', target: 'paused', actions: ['moveToSought', 'forgetSeek'] },
      },
    },
    verifying: {
      description: 'Time passed without us: does the broker have a later offset than we do?',
      initial: 'asking',
      entry: 'withholdCommits', // until the answer is there: given up before, nothing of it is committed
      on: {
        'queue.suspend': {},
        // Is it still ours? Until that is known nothing moves; `paused` does it then.
        'queue.seek': { actions: ['refuseReplaced', 'noteSeek'] },
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
    revoked: {
      type: 'final',
      entry: ['dismissPermit', 'stopAwaitingRoom', 'abandonPull', 'refuseGivenUp'],
    },
  },
});

type Built = typeof built;
/** The sealed type of pullMachine. */
export interface PullMachine extends Built {}
/** One for each owned queue, child of the queue actor. */
export const pullMachine: PullMachine = built;
