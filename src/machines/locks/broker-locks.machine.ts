// SPDX-License-Identifier: Apache-2.0
/**
 * When is one broker asked for the locks of its queues?
 *
 *   locking:   idle ──wanted──► asking ──all granted──► holding ──20 s──► asking
 *                               asking ──not all──► waiting ──50, 100, 200, 400, 800, then 1000 ms──► asking
 *                               asking ──failed──► backingOff ──G9──► asking
 *                               asking ──1, 3, 16, fence only──► off ──10 min──► asking
 *   members:   resting ──members.looked──► looking ──somebody is gone──► freeing ──► resting     (fence only)
 *                                          looking ──perhaps gone, or failed──► pausing ──3 s──► looking
 *              a list that names only us ends the waiting for what was refused; it is read once more after a refusal
 *   patience:  calm ──somebody waits──► counting ──handoverTimeout──► calm                       (fence only)
 *
 * Invariants (test/machines/locks-broker.test.ts): 1. one 41 at a time, for all that is wanted and held; 2. what is wanted
 * or in doubt is asked for at once, but not during a back-off; 3. nothing is asked again within 50 ms, unless something
 * new is wanted, a dead member's locks were freed, or the broker is back; 4. a broker that takes no locks is left alone
 * for 10 minutes and told of once; 5. nobody waits longer than handoverTimeout for a fence, and nobody delivers without
 * an orderly lock; 6. only who was seen here is ever taken for dead, never we ourselves.
 */
import { assign, enqueueActions, raise, setup } from 'xstate';
import { toRocketmqError } from '../../errors/errors.ts';
import { type FaultEvent, safe } from '../shared/safe.ts';
import { askForLocks, askMembers, freeLocksOf } from './broker-locks.actors.ts';
import {
  afterFreeing,
  afterLook,
  askBackoff,
  fencesOff,
  isEarly,
  lookPause,
  nobodyKnown,
  offTime,
  patienceLeft,
  renewEvery,
  takesNoLocks,
  unfencedAfter,
  waitStep,
} from './broker-locks.logic.ts';
import type { BrokerLocksContext, BrokerLocksEvent, BrokerLocksInput } from './locks.types.ts';

interface Failure {
  readonly error: unknown;
}

const built = setup({
  types: {} as { context: BrokerLocksContext; events: BrokerLocksEvent; input: BrokerLocksInput },
  actors: { askForLocks, askMembers, freeLocksOf },
  actions: {
    doubtHeld: safe(({ context }) => context.page.doubt()),
    startAfresh: assign({ step: 0, failures: 0 }),
    restartSteps: assign({ step: 0 }),
    countStep: assign({ step: ({ context }) => context.step + 1 }),
    noteAnswer: assign({ failures: 0, refusal: undefined }),
    countFailure: assign(({ context: { failures, failingSince, clock } }) => ({
      failures: failures + 1,
      failingSince: failures === 0 ? clock.now() : failingSince,
    })),
    goUnfenced: safe(({ context }) => context.page.unfenceAll()),
    tellOff: safe(({ context: { brokerName, parent }, self }, { error }: Failure) =>
      parent.send({ type: 'fault', error: fencesOff(brokerName, toRocketmqError(error)), actor: self.id }),
    ),
    tellRefusal: safe(({ context, self }, { error }: Failure) =>
      context.parent.send({ type: 'fault', error: toRocketmqError(error), actor: self.id }),
    ),
    noteRefusal: assign((_, { error }: Failure) => ({ refusal: toRocketmqError(error) })),
    unfenceOverdue: safe(({ context, self }) => {
      const overdue = context.page.unfenceSince(context.clock.now() - context.handoverTimeout);
      if (overdue.length === 0) return; // who was waited for was granted meanwhile
      context.parent.send({ type: 'fault', error: unfencedAfter(context, overdue), actor: self.id });
    }),
    noteBack: assign(({ context: { clock, members } }) => ({
      backAt: clock.now(),
      members: { ...members, suspects: new Set<string>() },
    })),
    noteMembers: assign(({ context }, { output }: { readonly output: readonly string[] }) => ({
      members: afterLook(context.members, lookOf(context, output)),
    })),
    noteFreed: assign({ members: ({ context }) => afterFreeing(context.members) }),
    unfenceRefused: safe(({ context }) => {
      if (context.kind === 'fence' && context.members.alone === 'yes') context.page.unfenceRefused();
    }),
    /** Somebody holds it, though the last list names only us: has somebody come since? */
    doubtAlone: enqueueActions(({ context, enqueue }) => {
      if (context.members.alone === 'yes' && context.page.isAnyRefused)
        enqueue.raise({ type: 'members.looked' });
    }),
    sayFreed: raise({ type: 'locks.freed' }),
    passFault: safe(({ context }, params: FaultEvent) => context.parent.send(params)),
  },
  guards: {
    isEmpty: ({ context }) => context.page.isEmpty,
    isWanted: ({ context }) => !context.page.isEmpty,
    isUrgent: ({ context }) => context.page.isAnyUrgent,
    isMissing: ({ context }) => context.page.isAnyMissing,
    isComplete: ({ context }) => !context.page.isAnyMissing,
    isFence: ({ context }) => context.kind === 'fence',
    /** Of a broker that was removed nobody's queues are left: it is not to be dialled for ever. */
    hasFences: ({ context: { kind, page, port, brokerName } }) =>
      kind === 'fence' && (!page.isEmpty || port.queuesOf(brokerName).length > 0),
    endsFences: ({ context }, { error }: Failure) => context.kind === 'fence' && takesNoLocks(error),
    isNewRefusal: ({ context }, { error }: Failure) => takesNoLocks(error) && context.refusal === undefined,
    isRefusal: (_, { error }: Failure) => takesNoLocks(error),
    isSomebodyGone: ({ context }) => context.members.gone.size > 0,
    /** The list may lack those who are still on their way back, and somebody waits for what it says. */
    isTooEarly: ({ context }) => context.members.alone === 'perhaps' && context.page.isAnyRefused,
    isSomebodySuspect: ({ context }) => context.members.suspects.size > 0,
    isWaitedFor: ({ context }) => context.kind === 'fence' && context.page.waitingSince !== undefined,
    isNotWaitedFor: ({ context }) => context.page.waitingSince === undefined,
  },
  delays: {
    waitStep: ({ context }) => waitStep(context.step),
    renewEvery,
    askBackoff: ({ context }) => askBackoff(context),
    offTime,
    lookPause,
    patience: ({ context }) => patienceLeft(context),
  },
}).createMachine({
  id: 'brokerLocks',
  description: 'Keeps the locks of the queues of one broker.',
  options: { maxIterations: 100 },
  context: ({ input }) => ({
    ...input,
    step: 0,
    failures: 0,
    failingSince: 0,
    refusal: undefined,
    members: nobodyKnown,
    backAt: Number.NEGATIVE_INFINITY,
  }),
  type: 'parallel',
  on: {
    'locks.changed': { description: 'The page is looked at again, by every guard without an event.' },
    'broker.lost': { actions: 'doubtHeld' },
    fault: { actions: { type: 'passFault', params: ({ event }) => event } },
  },
  states: {
    locking: {
      initial: 'idle',
      on: {
        'locks.refused': [
          {
            guard: { type: 'endsFences', params: ({ event }) => event },
            target: '.off',
            actions: { type: 'tellOff', params: ({ event }) => event },
          },
          {
            guard: { type: 'isNewRefusal', params: ({ event }) => event },
            actions: [
              { type: 'noteRefusal', params: ({ event }) => event },
              { type: 'tellRefusal', params: ({ event }) => event },
            ],
          },
        ],
      },
      states: {
        idle: {
          description: 'Nothing of this broker is wanted or held.',
          entry: 'startAfresh',
          always: { guard: 'isUrgent', target: 'asking' },
        },
        asking: {
          description: 'One question (41) for all that is wanted and held.',
          invoke: {
            id: 'askForLocks',
            src: 'askForLocks',
            input: ({ context }) => context,
            onDone: [
              { guard: 'isMissing', target: 'waiting', actions: ['noteAnswer', 'doubtAlone'] },
              { target: 'holding', actions: 'noteAnswer' },
            ],
            onError: [
              {
                guard: { type: 'endsFences', params: ({ event }) => event },
                target: 'off',
                actions: { type: 'tellOff', params: ({ event }) => event },
              },
              {
                guard: { type: 'isNewRefusal', params: ({ event }) => event },
                target: 'backingOff',
                actions: [
                  'countFailure',
                  { type: 'noteRefusal', params: ({ event }) => event },
                  { type: 'tellRefusal', params: ({ event }) => event },
                ],
              },
              { target: 'backingOff', actions: 'countFailure' },
            ],
          },
          on: { 'locks.freed': { actions: 'restartSteps' } },
        },
        waiting: {
          description: 'Another member has some of them still.',
          always: [
            { guard: 'isEmpty', target: 'idle' },
            { guard: 'isUrgent', target: 'asking', actions: 'restartSteps' },
            { guard: 'isComplete', target: 'holding' },
          ],
          on: {
            'locks.freed': { target: 'asking', actions: 'restartSteps' },
            'broker.back': { target: 'asking', actions: 'restartSteps' },
          },
          after: { waitStep: { target: 'asking', actions: 'countStep' } },
        },
        holding: {
          description: 'All that is wanted is ours.',
          entry: 'restartSteps',
          always: [
            { guard: 'isEmpty', target: 'idle' },
            { guard: 'isUrgent', target: 'asking' },
          ],
          after: { renewEvery: 'asking' },
        },
        backingOff: {
          description: 'The broker did not answer, or not as it should.',
          always: { guard: 'isEmpty', target: 'idle' },
          on: { 'broker.back': 'asking' },
          after: { askBackoff: 'asking' },
        },
        off: {
          description: 'Fence: this broker takes no locks, all go on without.',
          entry: 'goUnfenced',
          on: { 'locks.changed': { actions: 'goUnfenced' } },
          after: { offTime: [{ guard: 'isWanted', target: 'asking' }, { target: 'idle' }] },
        },
      },
    },
    members: {
      initial: 'deciding',
      states: {
        deciding: { always: [{ guard: 'isFence', target: 'looking' }, { target: 'resting' }] },
        resting: {
          description:
            'As far as we know, all who were seen here live. An orderly lock stays with a member that cannot be heard: it may deliver still.',
          on: {
            'members.looked': { guard: 'hasFences', target: 'looking' },
            'broker.back': { guard: 'isFence', target: 'looking', actions: 'noteBack' },
          },
        },
        looking: {
          description: 'Who is in the group now (38)?',
          invoke: {
            id: 'askMembers',
            src: 'askMembers',
            input: ({ context }) => context,
            onDone: {
              target: 'judging',
              actions: [{ type: 'noteMembers', params: ({ event }) => event }, 'unfenceRefused'],
            },
            onError: [{ guard: 'isMissing', target: 'pausing' }, { target: 'resting' }],
          },
          on: {
            'members.looked': { target: 'looking', reenter: true },
            'broker.back': { target: 'looking', reenter: true, actions: 'noteBack' },
          },
        },
        judging: {
          always: [
            { guard: 'isSomebodyGone', target: 'freeing' },
            { guard: 'isSomebodySuspect', target: 'pausing' },
            { guard: 'isTooEarly', target: 'pausing' },
            { target: 'resting' },
          ],
        },
        pausing: {
          description: 'The list may have been incomplete, or could not be read: a second look decides.',
          on: { 'broker.back': { target: 'looking', actions: 'noteBack' } },
          after: { lookPause: 'looking' },
        },
        freeing: {
          description: 'A dead member gives nothing back: we do, in its name (42).',
          invoke: {
            id: 'freeLocksOf',
            src: 'freeLocksOf',
            input: ({ context }) => ({ ...context, gone: context.members.gone }),
            onDone: [
              { guard: 'isSomebodySuspect', target: 'pausing', actions: ['noteFreed', 'sayFreed'] },
              { guard: 'isTooEarly', target: 'pausing', actions: ['noteFreed', 'sayFreed'] },
              { target: 'resting', actions: ['noteFreed', 'sayFreed'] },
            ],
            onError: [
              {
                // It takes no 42 either: nothing can be done for those who wait but to let time pass.
                guard: { type: 'isRefusal', params: ({ event }) => event },
                target: 'resting',
                actions: 'noteFreed',
              },
              { target: 'pausing' },
            ],
          },
          on: {
            'members.looked': 'looking',
            'broker.back': { target: 'looking', actions: 'noteBack' },
          },
        },
      },
    },
    patience: {
      initial: 'calm',
      states: {
        calm: {
          description: 'Nobody waits, or an orderly lock is waited for as long as it takes.',
          always: { guard: 'isWaitedFor', target: 'counting' },
        },
        counting: {
          description: 'Until the one who waits longest goes on without a fence.',
          always: { guard: 'isNotWaitedFor', target: 'calm' },
          after: { patience: { target: 'calm', actions: 'unfenceOverdue' } },
        },
      },
    },
  },
});

/** A list read by now, with what decides how much it says. */
function lookOf(context: BrokerLocksContext, ids: readonly string[]) {
  return { ids, clientId: context.clientId, isEarly: isEarly(context) };
}

type Built = typeof built;
/** The sealed type of brokerLocksMachine. */
export interface BrokerLocksMachine extends Built {}
/** One for each broker of which something was ever wanted; child of the locks actor. */
export const brokerLocksMachine: BrokerLocksMachine = built;
