// SPDX-License-Identifier: Apache-2.0
/**
 * What is the life of one owned queue, from its assignment until it is given up?
 *
 *   owned (pull and consume at work) → draining → committing → revoked (final)
 *                                               ↘ revoked at once at shutdown (the persister commits for all) and when lost
 *
 * Invariants (test/machines/queue.test.ts): 1. pulling ends before draining begins; 2. the last commit follows the last
 * listener result; 3. a lost queue commits nothing; 4. `queue.ended` is told exactly once, whatever failed on the way.
 */
import { assign, fromPromise, setup } from 'xstate';
import { toRocketmqError } from '../../errors/errors.ts';
import { consumeMachine } from '../consume/consume.machine.ts';
import type { ConsumeEvent } from '../consume/consume.types.ts';
import { pullMachine } from '../pull/pull.machine.ts';
import type { PullEvent } from '../pull/pull.types.ts';
import type { Receiver } from '../shared/refs.ts';
import { safe } from '../shared/safe.ts';
import { isForChildren, reportOf } from './queue.logic.ts';
import type { QueueContext, QueueEvent, QueueInput, QueueWork, RevokeReason } from './queue.types.ts';

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
  },
  actions: {
    stopPulling: safe(({ self }) => childrenOf(self).pull?.send({ type: 'queue.revoke' })),
    drainListeners: safe(({ context, self }) =>
      childrenOf(self).consume?.send({ type: 'queue.drain', grace: context.grace }),
    ),
    passToPull: safe(({ self, event }) => {
      if (isForChildren(event)) childrenOf(self).pull?.send(event);
    }),
    passToConsume: safe(({ self, event }) => {
      if (event.type === 'queue.verify') childrenOf(self).consume?.send({ type: 'queue.suspend' });
      else if (isForChildren(event)) childrenOf(self).consume?.send(event);
    }),
    noteRevoke: assign(({ context }, params: { readonly reason: RevokeReason; readonly grace: number }) => ({
      reason: context.reason === 'lost' ? context.reason : params.reason,
      grace: params.grace,
    })),
    noteAbandoned: assign((_, params: { readonly abandoned: number }) => ({ abandoned: params.abandoned })),
    noteCommitError: assign((_, params: { readonly error: unknown }) => ({
      commitError: toRocketmqError(params.error),
    })),
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
      context.work.owned.letGo();
      if (context.reason !== 'shutdown') context.work.release(); // at shutdown the persister still needs the offsets
    }),
    tellEnded: safe(({ context }) =>
      context.parent.send({
        type: 'queue.ended',
        queue: context.work.owned.queue,
        reason: context.reason,
        abandoned: context.abandoned,
        commitError: context.commitError,
      }),
    ),
    passFault: safe(({ context, event }) => {
      if (event.type === 'fault') context.parent.send(event);
    }),
  },
  guards: {
    mayCommit: ({ context }) => context.reason === 'rebalance',
  },
}).createMachine({
  id: 'queue',
  description: 'One owned queue: parent of its pull and consume actors.',
  context: ({ input }) => ({
    ...input,
    reason: 'rebalance',
    grace: input.work.settings.revokeTimeout,
    abandoned: 0,
    commitError: undefined,
  }),
  initial: 'working',
  on: { fault: { actions: 'passFault' } },
  states: {
    working: {
      description: 'Both children live here, also while the listeners drain.',
      initial: 'owned',
      invoke: [
        {
          id: 'pull',
          src: 'pull',
          input: ({ context, self }) => ({
            owned: context.work.owned,
            port: context.work.pull,
            settings: { ...context.work.settings, handoverPause: context.handoverPause },
            suspended: context.suspended,
            parent: self,
          }),
          onDone: {},
          onError: {
            target: '.draining',
            actions: {
              type: 'tellChildFailed',
              params: ({ event }) => ({ child: 'pull', error: event.error }),
            },
          },
        },
        {
          id: 'consume',
          src: 'consume',
          input: ({ context, self }) => ({
            owned: context.work.owned,
            port: context.work.consume,
            slots: context.work.slots,
            batchSize: context.work.batchSize,
            suspended: context.suspended,
            parent: self,
          }),
          onDone: [
            {
              guard: 'mayCommit',
              target: 'committing',
              actions: { type: 'noteAbandoned', params: ({ event }) => event.output },
            },
            { target: 'revoked', actions: { type: 'noteAbandoned', params: ({ event }) => event.output } },
          ],
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
          on: {
            'queue.suspend': { actions: ['passToPull', 'passToConsume'] },
            'queue.resume': { actions: ['passToPull', 'passToConsume'] },
            'queue.verify': { actions: ['passToConsume', 'passToPull'] },
            'pull.*': { actions: 'tellParent' },
            'consume.*': { actions: 'tellParent' },
            'queue.revoke': {
              target: 'draining',
              actions: { type: 'noteRevoke', params: ({ event }) => event },
            },
          },
        },
        draining: {
          description: 'No new pull; listeners that run may end within their grace.',
          entry: ['stopPulling', 'drainListeners'],
          on: {
            // Stopping may leave less time than the revoke that came first.
            'queue.revoke': {
              target: 'draining',
              reenter: true,
              actions: { type: 'noteRevoke', params: ({ event }) => event },
            },
          },
        },
      },
    },
    committing: {
      description: 'The last commit of this owner, answered; the next owner reads it.',
      invoke: {
        src: 'commitFinal',
        input: ({ context }) => context.work,
        onDone: 'revoked',
        onError: { target: 'revoked', actions: { type: 'noteCommitError', params: ({ event }) => event } },
      },
    },
    revoked: { type: 'final', entry: ['letGo', 'tellEnded'] },
  },
});

/** A child that failed or ended is still listed, or not at all: sending to it is harmless either way, unlike sendTo. */
function childrenOf(self: WithChildren): Children {
  return self.getSnapshot().children;
}

interface Children {
  readonly pull?: Receiver<PullEvent> | undefined;
  readonly consume?: Receiver<ConsumeEvent> | undefined;
}
interface WithChildren {
  getSnapshot(): { readonly children: Children };
}

type Built = typeof built;
export interface QueueMachine extends Built {}
/** One for each owned queue, child of a shard. */
export const queueMachine: QueueMachine = built;
