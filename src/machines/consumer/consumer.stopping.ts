// SPDX-License-Identifier: Apache-2.0
/** In which order does a consumer stop, each step within its share of the time? */
import { itself, onCommand } from '../commands/work-command.ts';
import { leaveOf } from './consumer.logic.ts';
import { flushOutcome } from './consumer.reports.ts';
import { consumerSetup } from './consumer.setup.ts';

export const stopping = consumerSetup.createStateConfig({
  tags: 'stopping',
  initial: 'closingIntake',
  entry: 'closeCommands',
  on: {
    ...onCommand({ actions: { type: 'refuseCommand', params: itself } } as const),
    'consumer.shutdown': {},
    'consumer.suspend': { actions: { type: 'emitRefused', params: ({ event }) => event } },
    // Nothing begins anew: the step under way goes on without it.
    'xstate.error.actor.*': {
      actions: [
        { type: 'emitDeath', params: ({ event }) => event },
        { type: 'endOrphans', params: ({ event }) => event },
        { type: 'forgetShard', params: ({ event }) => event },
        { type: 'buryChild', params: ({ event }) => event },
        'announceDone',
      ],
    },
    // Of queues that were given to others before, and still had to commit for them.
    'offsets.persisted': {
      actions: [
        {
          type: 'noteCommits',
          params: ({ event }) => ({ committed: event.committed, uncommitted: [] }),
        },
        { type: 'emitCommitted', params: ({ event }) => event },
      ],
    },
    'offsets.failed': {
      actions: [
        {
          type: 'noteCommits',
          params: ({ event }) => ({ committed: [], uncommitted: event.uncommitted }),
        },
        { type: 'emitFault', params: ({ event }) => ({ error: event.error, actor: 'offsets' }) },
      ],
    },
    'consumer.resume': { actions: { type: 'emitRefused', params: ({ event }) => event } },
    'route.changed': {},
    'members.changed': {},
    'assignment.decided': {},
  },
  states: {
    closingIntake: {
      description: 'No new pull, no new assignment; what no listener has seen is dropped.',
      entry: [
        'stopSharing',
        'stopComparing',
        'stopAsking',
        'stopLooking',
        'holdOffsets',
        'closeIntake',
        'announceDone',
      ],
      on: {
        'step.done': {
          target: 'draining',
          actions: { type: 'endStep', params: { step: 'closingIntake', outcome: 'done' } },
        },
      },
    },
    draining: {
      description: 'Running listeners and unanswered send-backs may end.',
      entry: 'announceDone',
      on: {
        'step.done': {
          guard: 'hasLeftAll',
          target: 'persisting',
          actions: { type: 'endStep', params: { step: 'draining', outcome: 'done' } },
        },
        'queue.ended': {
          actions: [
            { type: 'forgetQueue', params: ({ event }) => event },
            { type: 'emitRevoked', params: ({ event }) => event },
            'announceDone',
          ],
        },
      },
      after: {
        drainTimeout: {
          target: 'persisting',
          actions: { type: 'endStep', params: { step: 'draining', outcome: 'timedOut' } },
        },
      },
    },
    persisting: {
      description: 'The last offsets, each confirmed by its broker.',
      entry: ['flushTrace', 'flushOffsets'],
      on: {
        'xstate.error.actor.offsets': {
          target: 'releasing',
          actions: [
            { type: 'emitDeath', params: ({ event }) => event },
            { type: 'buryChild', params: ({ event }) => event },
            'noteUncommitted',
            {
              type: 'endStep',
              params: ({ event }) => ({ step: 'persisting', outcome: 'failed', error: event.error }),
            },
          ],
        },
        'step.skipped': {
          target: 'releasing',
          actions: [
            'noteUncommitted',
            { type: 'endStep', params: { step: 'persisting', outcome: 'skipped' } },
          ],
        },
        'offsets.flushed': {
          target: 'releasing',
          actions: [
            { type: 'noteCommits', params: ({ event }) => event },
            { type: 'emitCommitted', params: ({ event }) => event },
            { type: 'endStep', params: ({ event }) => flushOutcome(event) },
          ],
        },
      },
      after: {
        stepTimeout: {
          target: 'releasing',
          actions: [
            'noteUncommitted',
            { type: 'endStep', params: { step: 'persisting', outcome: 'timedOut' } },
          ],
        },
      },
    },
    releasing: {
      description: 'Locks are given back, then the brokers hear that we leave the group.',
      entry: 'stopBeating',
      invoke: {
        src: 'leave',
        input: ({ context }) => leaveOf(context),
        onDone: {
          target: 'disconnecting',
          actions: { type: 'endStep', params: { step: 'releasing', outcome: 'done' } },
        },
        onError: {
          target: 'disconnecting',
          actions: {
            type: 'endStep',
            params: ({ event }) => ({ step: 'releasing', outcome: 'failed', error: event.error }),
          },
        },
      },
      after: {
        stepTimeout: {
          target: 'disconnecting',
          actions: { type: 'endStep', params: { step: 'releasing', outcome: 'timedOut' } },
        },
      },
    },
    disconnecting: {
      description: 'Connections close; whatever is left is destroyed with the scope.',
      entry: ['closeConnections', 'closeScope', 'announceDone'],
      on: {
        'step.done': {
          target: '#consumer.stopped',
          actions: { type: 'endStep', params: { step: 'disconnecting', outcome: 'done' } },
        },
      },
    },
  },
});
