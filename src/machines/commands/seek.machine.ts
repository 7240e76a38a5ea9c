// SPDX-License-Identifier: Apache-2.0
/**
 * How does one queue get to another place?
 *
 *   resolving ──► moving ──► committing ⇄ retrying
 *        └──────────┴────────────┴──► done | refused (both final)
 *
 * Invariants (test/machines/seek.test.ts): 1. the ticket hears exactly one end, unless the actor is stopped from outside;
 * 2. nothing is moved unless the place is one of those the broker stores, as far as it says so; 3. done only when the queue
 * stands there and the broker has confirmed it; 4. a queue that is no longer ours ends it in every state.
 */
import { assign, setup } from 'xstate';
import { type RocketmqError, toRocketmqError } from '../../errors/errors.ts';
import type { QueueOffset } from '../../model/queue-offset.ts';
import { backoffDelay } from '../../transport/backoff.ts';
import { safe } from '../shared/safe.ts';
import { patience } from './claims.ts';
import { notOwned } from './refusals.ts';
import { confirmPlace, resolveTarget } from './seek.actors.ts';
import type { SeekContext, SeekEvent, SeekInput } from './seek.types.ts';

/** How often a commit that was not confirmed is tried again. */
const commitRetries = 3;

const built = setup({
  types: {} as { context: SeekContext; events: SeekEvent; input: SeekInput },
  actors: { resolveTarget, confirmPlace },
  actions: {
    noteOffset: assign((_, params: { readonly offset: QueueOffset }) => ({ offset: params.offset })),
    countFailure: assign(({ context }) => ({ failures: context.failures + 1 })),
    noteError: assign((_, params: { readonly error: unknown }) => ({ error: toRocketmqError(params.error) })),
    noteLeft: assign(({ context }) => ({ error: notOwned(context.work.queue) })),
    move: safe(({ context, self }) => {
      const { offset, work, parent } = context;
      if (offset === undefined) return;
      const tell = (event: SeekEvent): void => {
        if (self.getSnapshot().status === 'active') self.send(event); // the consumer may have stopped meanwhile
      };
      const ticket = {
        done: () => tell({ type: 'seek.moved' }),
        refused: (error: RocketmqError) => tell({ type: 'seek.refused', error }),
      };
      parent.send({ type: 'seek.decided', queue: work.queue, reason: work.reason, offset, ticket });
    }),
    tellLasts: safe(({ context }) => context.keeper.send({ type: 'seek.lasts', queue: context.work.queue })),
    tellDone: safe(({ context }) => context.ticket.done()),
    tellRefused: safe(({ context }) => {
      const { error, ticket, work } = context;
      ticket.refused(error ?? notOwned(work.queue));
    }),
  },
  guards: {
    mayTryAgain: ({ context }) => context.failures < commitRetries,
  },
  delays: {
    patience,
    retryPause: ({ context: { failures, random } }) =>
      backoffDelay({ attempt: failures, elapsedMs: 0, random }),
  },
}).createMachine({
  id: 'seek',
  description: 'Takes one queue to another place.',
  context: ({ input }) => ({ ...input, offset: undefined, failures: 0, error: undefined }),
  initial: 'resolving',
  on: {
    'queue.left': { target: '.refused', actions: 'noteLeft' },
    fault: { target: '.refused', actions: { type: 'noteError', params: ({ event }) => event } },
  },
  states: {
    resolving: {
      description: 'Its broker says which offset is meant, or what it stores.',
      invoke: {
        src: 'resolveTarget',
        input: ({ context }) => context,
        onDone: {
          target: 'moving',
          actions: { type: 'noteOffset', params: ({ event }) => ({ offset: event.output }) },
        },
        onError: { target: 'refused', actions: { type: 'noteError', params: ({ event }) => event } },
      },
    },
    moving: {
      description:
        'The queue lets go of what it holds and begins anew; one that waits for its lock does so later.',
      entry: 'move',
      after: { patience: { actions: 'tellLasts' } },
      on: {
        'seek.moved': 'committing',
        'seek.refused': { target: 'refused', actions: { type: 'noteError', params: ({ event }) => event } },
      },
    },
    committing: {
      description: 'An answered call: the next owner shall start there.',
      invoke: {
        src: 'confirmPlace',
        input: ({ context }) => context,
        onDone: 'done',
        onError: [
          { guard: 'mayTryAgain', target: 'retrying', actions: 'countFailure' },
          { target: 'refused', actions: { type: 'noteError', params: ({ event }) => event } },
        ],
      },
    },
    retrying: {
      description: 'Not confirmed; the queue goes on from its new place meanwhile.',
      after: { retryPause: 'committing' },
    },
    done: { type: 'final', entry: 'tellDone' },
    refused: { type: 'final', entry: 'tellRefused' },
  },
});

type Built = typeof built;
/** The sealed type of seekMachine. */
export interface SeekMachine extends Built {}
/** One for each seek under way, child of the commands actor. */
export const seekMachine: SeekMachine = built;
