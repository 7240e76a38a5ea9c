// SPDX-License-Identifier: Apache-2.0
/** What does a consumer do while it runs, suspended or not, and after time has passed without it? */
import { consumerSetup } from './consumer.setup.ts';

export const running = consumerSetup.createStateConfig({
  tags: 'running',
  initial: 'deciding',
  on: {
    'assignment.decided': {
      actions: [
        { type: 'placeQueues', params: ({ event }) => event },
        { type: 'giveAssignments', params: ({ event }) => ({ ...event, lost: false }) },
      ],
    },
    'gap.found': { target: '.revalidating', actions: 'disownLeaving' },
  },
  states: {
    deciding: {
      always: [
        { guard: 'isInDoubt', target: 'revalidating' },
        { guard: 'isSuspendAsked', target: 'suspended' },
        { target: 'active' },
      ],
    },
    active: {
      description: 'Pulling and delivering.',
      entry: ['resumeQueues', 'openCommands'],
      on: {
        'consumer.suspend': {
          target: 'suspended',
          actions: { type: 'noteIntent', params: { intent: 'suspended' } },
        },
        'offsets.failed': {
          guard: 'isUnsaved',
          target: 'unsaved',
          actions: {
            type: 'emitFault',
            params: ({ event }) => ({ error: event.error, actor: 'offsets' }),
          },
        },
      },
    },
    unsaved: {
      tags: 'degraded',
      description:
        'Pulling and delivering, but too few offsets reach their store: what is done now may come again after a restart.',
      on: {
        'consumer.suspend': {
          target: 'suspended',
          actions: { type: 'noteIntent', params: { intent: 'suspended' } },
        },
        'offsets.persisted': {
          guard: 'isSaved',
          target: 'active',
          actions: { type: 'emitCommitted', params: ({ event }) => event },
        },
      },
    },
    suspended: {
      tags: 'suspended',
      description: 'Queues, heartbeats and commits are kept; nothing is pulled or delivered.',
      entry: ['suspendQueues', 'openCommands'],
      on: {
        'consumer.resume': {
          target: 'active',
          actions: { type: 'noteIntent', params: { intent: 'active' } },
        },
      },
    },
    revalidating: {
      tags: 'degraded',
      description:
        'Time passed without us: no commit, no delivery until membership and offsets are confirmed.',
      initial: 'registering',
      entry: ['holdCommands', 'suspendQueues', 'holdOffsets'],
      exit: 'releaseOffsets',
      on: {
        'assignment.decided': {
          target: '.verifying',
          actions: [
            { type: 'placeQueues', params: ({ event }) => event },
            { type: 'giveAssignments', params: ({ event }) => ({ ...event, lost: true }) },
          ],
        },
      },
      states: {
        registering: {
          description: 'Brokers may have forgotten us.',
          entry: 'beatNow',
          on: {
            // Decided before we were registered anew: applied, but not yet believed.
            'assignment.decided': {
              actions: [
                { type: 'placeQueues', params: ({ event }) => event },
                { type: 'giveAssignments', params: ({ event }) => ({ ...event, lost: true }) },
              ],
            },
            'heartbeat.done': [
              { guard: { type: 'isRegistered', params: ({ event }) => event }, target: 'sharing' },
            ],
          },
          after: { startRetryPause: { target: 'registering', reenter: true } },
        },
        sharing: {
          description: 'Which queues are ours now?',
          entry: ['noteStaleRound', 'rebalanceNow'],
          on: {
            // Its members were asked before: applied, but not yet believed.
            'assignment.decided': {
              guard: { type: 'isStale', params: ({ event }) => event },
              actions: [
                { type: 'placeQueues', params: ({ event }) => event },
                { type: 'giveAssignments', params: ({ event }) => ({ ...event, lost: true }) },
              ],
            },
          },
        },
        verifying: {
          description: 'Did somebody else go on with our queues meanwhile?',
          entry: ['noteUnverified', 'verifyQueues'],
          on: { 'queue.verified': { actions: { type: 'noteVerified', params: ({ event }) => event } } },
          always: { guard: 'nothingUnverified', target: 'confirming' },
          // A broker that does not answer holds up its own queues only: they go on when it has.
          after: { verifyLimit: 'confirming' },
        },
        confirming: {
          description: 'Was there another gap meanwhile?',
          always: [
            { guard: 'confirmsPulse', target: '#consumer.running.deciding' },
            { target: 'registering' },
          ],
        },
      },
    },
  },
});
