// SPDX-License-Identifier: Apache-2.0
/** Through which steps does a consumer get from start() to its first pull, and what ends the start? */
import { toRocketmqError } from '../../errors/errors.ts';
import { firstError, startTimedOut } from './consumer.reports.ts';
import { consumerSetup } from './consumer.setup.ts';

export const starting = consumerSetup.createStateConfig({
  tags: 'starting',
  initial: 'deciding',
  entry: 'spawnCommands',
  after: {
    startTimeout: {
      target: 'stopping',
      actions: {
        type: 'beginStop',
        params: ({ context }) => ({ reason: 'startFailed', error: startTimedOut(context) }),
      },
    },
  },
  on: {
    'routes.failed': [
      {
        guard: { type: 'isRefusedByAll', params: ({ event }) => event },
        target: 'stopping',
        actions: {
          type: 'beginStop',
          params: ({ event }) => ({ reason: 'startFailed', error: event.error }),
        },
      },
      { actions: { type: 'noteStartError', params: ({ event }) => event } },
    ],
    'connection.failed': [
      {
        guard: { type: 'refusesStart', params: ({ event }) => event },
        target: 'stopping',
        actions: {
          type: 'beginStop',
          params: ({ event }) => ({ reason: 'startFailed', error: event.error }),
        },
      },
      { actions: { type: 'noteStartError', params: ({ event }) => event } },
    ],
    'members.failed': [
      {
        guard: { type: 'refusesStart', params: ({ event }) => ({ error: firstError(event.failures) }) },
        target: 'stopping',
        actions: {
          type: 'beginStop',
          params: ({ event }) => ({ reason: 'startFailed', error: firstError(event.failures) }),
        },
      },
      {
        actions: [
          { type: 'noteStartError', params: ({ event }) => ({ error: firstError(event.failures) }) },
          {
            type: 'emitFault',
            params: ({ event }) => ({ error: firstError(event.failures), actor: 'rebalance' }),
          },
        ],
      },
    ],
    fault: {
      actions: [
        { type: 'noteStartError', params: ({ event }) => event },
        { type: 'emitFault', params: ({ event }) => event },
      ],
    },
    'assignment.decided': {
      actions: [
        { type: 'placeQueues', params: ({ event }) => event },
        { type: 'giveAssignments', params: ({ event }) => ({ ...event, lost: false }) },
      ],
    },
  },
  states: {
    deciding: {
      always: [{ guard: 'isUnidentified', target: 'identifying' }, { target: 'connecting' }],
    },
    identifying: {
      description: 'The function that was given as credentials is asked: nothing can be signed before.',
      invoke: {
        src: 'identify',
        input: ({ context }) => context.parts.get(),
        onDone: 'connecting',
        onError: {
          target: '#consumer.stopping',
          actions: {
            type: 'beginStop',
            params: ({ event }) => ({ reason: 'startFailed', error: toRocketmqError(event.error) }),
          },
        },
      },
    },
    connecting: {
      description: 'One name server answers; the routes of the configured topics are asked.',
      entry: 'spawnRoutes',
      on: { 'routes.answered': { target: 'loading', actions: 'noteRoutes' } },
    },
    loading: {
      description: 'The offset store reads what it keeps itself.',
      invoke: {
        src: 'loadOffsets',
        input: ({ context }) => context.parts.get(),
        onDone: 'coordinating',
        onError: {
          target: '#consumer.stopping',
          actions: {
            type: 'beginStop',
            params: ({ event }) => ({ reason: 'startFailed', error: toRocketmqError(event.error) }),
          },
        },
      },
    },
    coordinating: {
      description:
        'Rebalance coordinator, locks, persister, send-back, heartbeat and the look at the group are up.',
      entry: [
        'spawnRebalance',
        'spawnLocks',
        'spawnOffsets',
        'spawnResets',
        'spawnSendBack',
        'spawnTrace',
        'spawnHeartbeat',
        'spawnConflicts',
        'announceDone',
      ],
      on: { 'step.done': 'registering' },
    },
    registering: {
      description: 'At least one broker answers the heartbeat; with no route nothing is required.',
      entry: 'beatNow',
      on: {
        'connection.ready': [
          {
            guard: { type: 'isBroker', params: ({ event }) => event },
            target: 'heard',
            actions: {
              type: 'emitThis',
              params: ({ event }) => ({ ...event, type: 'connection.restored' }),
            },
          },
          {
            actions: {
              type: 'emitThis',
              params: ({ event }) => ({ ...event, type: 'connection.restored' }),
            },
          },
        ],
        'heartbeat.done': [
          { guard: { type: 'isRegistered', params: ({ event }) => event }, target: 'heard' },
          {
            actions: {
              type: 'noteStartError',
              params: ({ event }) => ({ error: firstError(event.failed) }),
            },
          },
        ],
      },
      after: { startRetryPause: { target: 'registering', reenter: true } },
    },
    heard: {
      always: [{ guard: 'startsByTime', target: 'askingByTime' }, { target: 'assigning' }],
    },
    askingByTime: {
      description: 'May it be asked where a time is in the queues? The heartbeat does not show that right.',
      invoke: {
        src: 'askByTime',
        input: ({ context }) => context.parts.get(),
        onDone: 'assigning',
        onError: {
          target: '#consumer.stopping',
          actions: {
            type: 'beginStop',
            params: ({ event }) => ({ reason: 'startFailed', error: toRocketmqError(event.error) }),
          },
        },
      },
    },
    assigning: {
      description: 'The first rebalance is applied, the queue actors are spawned.',
      entry: 'rebalanceNow',
      on: {
        'assignment.decided': {
          target: 'dispatching',
          actions: [
            { type: 'placeQueues', params: ({ event }) => event },
            { type: 'giveAssignments', params: ({ event }) => ({ ...event, lost: false }) },
          ],
        },
      },
    },
    dispatching: {
      description: 'Listener calls may start.',
      entry: ['openSlots', 'announceDone'],
      on: { 'step.done': '#consumer.running' },
    },
  },
});
