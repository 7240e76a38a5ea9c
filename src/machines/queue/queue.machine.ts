// SPDX-License-Identifier: Apache-2.0
/**
 * What is the life of one owned queue, from its assignment until it is given up?
 *
 *   owned (pull and consume at work) → draining → telling → committing → unlocking → revoked (final)
 *   at shutdown: telling → revoked, the persister commits and the consumer unlocks for all
 *   when lost, or deleted with its topic: telling → unlocking or, when somebody else has the lock, revoked
 *
 * Invariants (test/machines/queue.test.ts): 1. pulling ends before draining begins; 2. the last commit follows the last
 * listener result and the user's onQueuesRevoked; 3. a lost queue, and one of a deleted topic, commits nothing, from the moment that is known;
 * 4. `queue.ended` is told exactly once, whatever failed on the way; 5. a result that comes after draining counts for
 * nothing; 6. the lock is given back after the last commit was confirmed, else not at all; 7. nor while an orderly
 * listener call may still run; 8. the ticket of a seek that finds it given up is refused.
 */
import { assign, fromPromise, setup } from 'xstate';
import { toRocketmqError } from '../../errors/errors.ts';
import type { RevokeReason } from '../../model/revoke-reason.ts';
import { notOwned } from '../commands/refusals.ts';
import { consumeMachine } from '../consume/consume.machine.ts';
import { pullMachine } from '../pull/pull.machine.ts';
import type { Seek } from '../pull/pull.types.ts';
import { safe } from '../shared/safe.ts';
import { isActive, type QueueChildren, tellIfActive } from './queue.actors.ts';
import {
  commitLimit,
  type HookCall,
  hookFailed,
  hookLimit,
  hookOverdue,
  isForChildren,
  mayUnlock,
  notConfirmed,
  reportOf,
  revokedAgain,
} from './queue.logic.ts';
import type { QueueContext, QueueEvent, QueueInput, QueueWork } from './queue.types.ts';

const built = setup({
  types: {} as {
    context: QueueContext;
    events: QueueEvent;
    input: QueueInput;
    children: { pull: 'pull'; consume: 'consume' };
  },
  actors: {
    pull: pullMachine,
    consume: consumeMachine,
    commitFinal: fromPromise<void, QueueWork>(({ input, signal }) =>
      input.commitFinal({ timeoutMs: input.settings.commitTimeout, signal }),
    ),
    tellUser: fromPromise<void, HookCall>(async ({ input: { work, reason }, signal }) =>
      work.onRevoked?.({ reason, signal }),
    ),
    unlock: fromPromise<void, QueueWork>(async ({ input: { lock, settings }, signal }) =>
      lock?.release({ timeoutMs: settings.commitTimeout, signal }),
    ),
  },
  actions: {
    watchLock: safe(({ context, self }) =>
      context.work.lock?.whenLost(() => self.send({ type: 'lock.lost' })),
    ),
    stopPulling: safe(({ self }) => tellIfActive(childrenOf(self).pull, { type: 'queue.revoke' })),
    drainListeners: safe(({ context, self }) =>
      tellIfActive(childrenOf(self).consume, { type: 'queue.drain', grace: context.grace }),
    ),
    passToPull: safe(({ self, event }) => {
      if (isForChildren(event)) tellIfActive(childrenOf(self).pull, event);
    }),
    passToConsume: safe(({ self, event }) => {
      const { consume } = childrenOf(self);
      if (event.type === 'queue.verify') tellIfActive(consume, { type: 'queue.suspend' });
      else if (isForChildren(event)) tellIfActive(consume, event);
    }),
    renewPull: safe(({ self }) => tellIfActive(childrenOf(self).pull, { type: 'queue.renew' })),
    seek: safe(({ context, self }, seek: Seek) => {
      const { pull } = childrenOf(self);
      if (isActive(pull)) pull.send({ ...seek, type: 'queue.seek' });
      else seek.ticket?.refused(notOwned(context.work.owned.queue));
    }),
    refuseSeek: safe(({ context }, { ticket }: Seek) => ticket?.refused(notOwned(context.work.owned.queue))),
    resumeBoth: safe(({ self }) => {
      tellIfActive(childrenOf(self).pull, { type: 'queue.resume' });
      tellIfActive(childrenOf(self).consume, { type: 'queue.resume' });
    }),
    withholdCommits: safe(({ context }) => {
      if (context.reason !== 'shutdown' && context.reason !== 'lost') context.work.withholdCommits();
    }),
    noteRevoke: assign(({ context }, params: { readonly reason: RevokeReason; readonly grace: number }) =>
      revokedAgain(context, params),
    ),
    /** At once: what still runs may end, but nothing of it may be committed by anybody. */
    releaseIfLost: safe(({ context }) => {
      if (context.reason === 'lost') context.work.release();
    }),
    noteAbandoned: assign((_, params: { readonly abandoned: number }) => ({ abandoned: params.abandoned })),
    noteCommitError: assign((_, params: { readonly error: unknown }) => ({
      commitError: toRocketmqError(params.error),
    })),
    noteLost: assign({ reason: 'lost' }),
    tellParent: safe(({ context, event }) => {
      const report = reportOf(context.work.owned, event);
      if (report !== undefined) context.parent.send(report);
    }),
    tellChildFailed: safe(({ context }, params: { readonly child: string; readonly error: unknown }) =>
      context.parent.send({
        type: 'fault',
        error: toRocketmqError(params.error),
        actor: `${params.child} ${context.work.owned.key}`,
      }),
    ),
    letGo: safe(({ context }) => {
      const { owned } = context.work;
      owned.letGo();
      owned.gate.forget(); // a pull actor that was stopped ran no exit action
    }),
    release: safe(({ context }) => {
      if (context.reason !== 'shutdown') context.work.release(); // at shutdown the persister still needs the offsets
    }),
    tellEnded: safe(({ context }) =>
      context.parent.send({
        type: 'queue.ended',
        queue: context.work.owned.queue,
        reason: context.reason,
        abandoned: context.abandoned,
        commitError: context.commitError,
        returns: false, // the shard knows better
      }),
    ),
    tellFault: safe(({ context }, params: { readonly error: unknown }) =>
      context.parent.send({
        type: 'fault',
        error: toRocketmqError(params.error),
        actor: context.work.owned.key,
      }),
    ),
    /** At shutdown the consumer gives back the locks of all queues, but not of one whose orderly call may still run. */
    partWithLock: safe(({ context }) => {
      const { lock } = context.work;
      const mayRun = !mayUnlock(context);
      if (context.reason !== 'shutdown') lock?.forget({ mayRun });
      else if (mayRun) lock?.keepBack();
    }),
    passFault: safe(({ context, event }) => {
      if (event.type === 'fault') context.parent.send(event);
    }),
  },
  guards: {
    mayCommit: ({ context }) => context.reason === 'rebalance' || context.reason === 'unrouted',
    hasHook: ({ context }) => context.work.onRevoked !== undefined,
    mayUnlock: ({ context }) => mayUnlock(context),
    mayUnlockUncommitted: ({ context }) =>
      (context.reason === 'lost' || context.reason === 'deleted') &&
      mayUnlock(context) &&
      !context.work.isCommitting(),
    isLost: (_, params: { readonly reason: RevokeReason }) => params.reason === 'lost',
  },
  delays: {
    commitLimit: ({ context }) => commitLimit(context),
    hookLimit: ({ context }) => hookLimit(context),
  },
}).createMachine({
  id: 'queue',
  description: 'One owned queue: parent of its pull and consume actors.',
  context: ({ input }) => ({
    ...input,
    reason: 'rebalance',
    grace: input.work.settings.revokeTimeout,
    graceEnds: Number.POSITIVE_INFINITY,
    abandoned: 0,
    commitError: undefined,
  }),
  initial: 'working',
  on: {
    fault: { actions: 'passFault' },
    'queue.seek': { actions: { type: 'refuseSeek', params: ({ event }) => event } },
  },
  states: {
    working: {
      description: 'Both children live here, also while the listeners drain.',
      initial: 'owned',
      entry: 'watchLock',
      exit: 'letGo',
      on: {
        'pull.*': { actions: 'tellParent' },
        'consume.*': { actions: 'tellParent' },
      },
      invoke: [
        {
          id: 'pull',
          src: 'pull',
          input: ({ context, self }) => ({
            owned: context.work.owned,
            port: context.work.pull,
            settings: context.work.settings,
            suspended: context.suspended,
            parent: self,
          }),
          onDone: {},
          onError: {
            target: '.draining',
            actions: [
              { type: 'tellChildFailed', params: ({ event }) => ({ child: 'pull', error: event.error }) },
              {
                type: 'noteRevoke',
                params: ({ context }) => ({
                  reason: context.reason,
                  grace: context.work.settings.revokeTimeout,
                }),
              },
            ],
          },
        },
        {
          id: 'consume',
          src: 'consume',
          input: ({ context, self }) => ({
            owned: context.work.owned,
            port: context.work.consume,
            slots: context.work.slots,
            ...context.work.delivery,
            suspended: context.suspended,
            parent: self,
          }),
          onDone: {
            target: 'settling',
            actions: { type: 'noteAbandoned', params: ({ event }) => event.output },
          },
          onError: {
            target: 'revoked',
            actions: {
              type: 'tellChildFailed',
              params: ({ event }) => ({ child: 'consume', error: event.error }),
            },
          },
        },
      ],
      states: {
        owned: {
          initial: 'steady',
          states: {
            steady: {
              description: 'We know that it is ours.',
              on: {
                'queue.suspend': { actions: ['passToPull', 'passToConsume'] },
                'queue.resume': { actions: ['passToPull', 'passToConsume'] },
                'queue.renew': { actions: 'renewPull' },
              },
            },
            verifying: {
              description: 'Time passed without us, and its broker has not said yet where it stands.',
              initial: 'held',
              // Time passed once more: an answer to the first question is old already.
              on: { 'queue.verify': { target: '.held', actions: ['passToConsume', 'passToPull'] } },
              states: {
                held: {
                  on: {
                    'queue.resume': 'resumeAsked',
                    'pull.verified': { target: '#queue.working.owned.steady', actions: 'tellParent' },
                  },
                },
                resumeAsked: {
                  description: 'The others go on already; this one follows when its broker has answered.',
                  on: {
                    'queue.suspend': 'held',
                    'pull.verified': {
                      target: '#queue.working.owned.steady',
                      actions: ['tellParent', 'resumeBoth'],
                    },
                  },
                },
              },
            },
          },
          on: {
            'queue.seek': { actions: { type: 'seek', params: ({ event }) => event } },
            'queue.verify': { target: '.verifying', actions: ['passToConsume', 'passToPull'] },
            'queue.revoke': {
              target: 'draining',
              actions: { type: 'noteRevoke', params: ({ event }) => event },
            },
            'lock.lost': {
              target: 'draining',
              actions: { type: 'noteRevoke', params: ({ context }) => lostNow(context) },
            },
          },
        },
        draining: {
          description: 'No new pull; listeners that run may end within their grace.',
          entry: ['releaseIfLost', 'stopPulling', 'withholdCommits', 'drainListeners'],
          on: {
            // Stopping may leave less time than the revoke that came first; never more.
            'queue.revoke': {
              actions: [
                { type: 'noteRevoke', params: ({ event }) => event },
                'releaseIfLost',
                'drainListeners',
              ],
            },
            'lock.lost': {
              actions: [
                { type: 'noteRevoke', params: ({ context }) => lostNow(context) },
                'releaseIfLost',
                'drainListeners',
              ],
            },
          },
        },
      },
    },
    settling: {
      description: 'Nothing of it runs any more: who has to hear of it, and may it be committed?',
      always: [{ guard: 'hasHook', target: 'telling' }, { target: 'told' }],
    },
    telling: {
      description: "The user's onQueuesRevoked.",
      invoke: {
        src: 'tellUser',
        input: ({ context }) => context,
        onDone: 'told',
        onError: {
          target: 'told',
          actions: {
            type: 'tellFault',
            params: ({ context, event }) => ({ error: hookFailed(context, event.error) }),
          },
        },
      },
      on: {
        'queue.revoke': { guard: { type: 'isLost', params: ({ event }) => event }, actions: 'noteLost' },
        'lock.lost': { actions: 'noteLost' },
      },
      after: {
        hookLimit: {
          target: 'told',
          actions: { type: 'tellFault', params: ({ context }) => ({ error: hookOverdue(context) }) },
        },
      },
    },
    told: {
      always: [
        { guard: 'mayCommit', target: 'committing' },
        // Given up unseen, after a time without us, or deleted: nothing is committed, but nobody shall wait for the lock to expire.
        { guard: 'mayUnlockUncommitted', target: 'unlocking' },
        { target: 'revoked' },
      ],
    },
    committing: {
      description: 'The last commit of this owner, answered; the next owner reads it.',
      invoke: {
        src: 'commitFinal',
        input: ({ context }) => context.work,
        onDone: [{ guard: 'mayUnlock', target: 'unlocking' }, { target: 'revoked' }],
        onError: { target: 'revoked', actions: { type: 'noteCommitError', params: ({ event }) => event } },
      },
      on: {
        'queue.revoke': {
          guard: { type: 'isLost', params: ({ event }) => event },
          target: 'revoked',
          actions: 'noteLost',
        },
        'lock.lost': { target: 'revoked', actions: 'noteLost' },
      },
      after: {
        commitLimit: {
          target: 'revoked',
          actions: { type: 'noteCommitError', params: ({ context }) => ({ error: notConfirmed(context) }) },
        },
      },
    },
    unlocking: {
      description: 'The next owner may begin.',
      invoke: {
        src: 'unlock',
        input: ({ context }) => context.work,
        onDone: 'revoked',
        onError: { target: 'revoked', actions: { type: 'tellFault', params: ({ event }) => event } },
      },
      after: { commitLimit: 'revoked' },
    },
    revoked: { type: 'final', entry: ['partWithLock', 'release', 'tellEnded'] },
  },
});

function lostNow({ work }: QueueContext): { readonly reason: RevokeReason; readonly grace: number } {
  return { reason: 'lost', grace: work.settings.revokeTimeout };
}

/** A child that failed or ended is still listed, or not at all: it is asked first, unlike with sendTo. */
function childrenOf(self: { getSnapshot(): { readonly children: QueueChildren } }): QueueChildren {
  return self.getSnapshot().children;
}

type Built = typeof built;
/** The sealed type of queueMachine. */
export interface QueueMachine extends Built {}
/** One for each owned queue, child of a shard. */
export const queueMachine: QueueMachine = built;
