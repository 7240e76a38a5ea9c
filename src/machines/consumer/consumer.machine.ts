import { toRocketmqError } from '../../errors/errors.ts';
import { queueKey } from '../../model/message-queue.ts';
import { noPauses } from '../commands/pauses.ts';
import { onCommand, type Ticketed, type WorkCommand } from '../commands/work-command.ts';
import { Hidden } from '../shared/hidden.ts';
import { connectionPrefix } from './consumer.actors.ts';
import { leaveOf, shutdownReport } from './consumer.logic.ts';
import {
  firstError,
  flowClosed,
  flushOutcome,
  returned,
  routeLost,
  startTimedOut,
  topicNotFound,
} from './consumer.reports.ts';

import { consumerSetup } from './consumer.setup.ts';

const built = consumerSetup.createMachine({
  id: 'consumer',
  description: 'Lifecycle, supervision, public commands and events of one consumer.',
  options: { maxIterations: 100 },
  context: ({ input }) => ({
    consumerGroup: input.config.consumerGroup,
    clientId: input.config.clientId,
    assignedQueues: [],
    parts: new Hidden(input),
    intent: 'active',
    pauses: noPauses,
    residence: new Map(),
    shards: new Hidden([]),
    unverified: new Set(),
    staleRound: 0,
    lastStartError: undefined,
    stop: undefined,
  }),
  initial: 'idle',
  on: {
    'connection.wanted': { actions: { type: 'spawnConnection', params: ({ event }) => event } },
    'connection.lost': {
      actions: [
        { type: 'emitThis', params: ({ event }) => event },
        { type: 'tellLocks', params: ({ event }) => ({ type: 'broker.lost', address: event.address }) },
      ],
    },
    // It may have come back at another address: the route says where.
    'connection.failed': [
      {
        // Who we are is wrong, or what we may do: tried again, ever more slowly.
        guard: { type: 'isForbidden', params: ({ event }) => event },
        actions: {
          type: 'emitFault',
          params: ({ event }) => ({ error: event.error, actor: connectionPrefix + event.address }),
        },
      },
      {
        // Told once: the next greeting goes on without the question.
        guard: { type: 'isSelectorRefused', params: ({ event }) => event },
        actions: {
          type: 'emitFault',
          params: ({ event }) => ({ error: event.error, actor: connectionPrefix + event.address }),
        },
      },
      { guard: { type: 'isBroker', params: ({ event }) => event }, actions: 'refreshRoutes' },
    ],
    'connection.ready': {
      actions: [
        { type: 'emitThis', params: ({ event }) => ({ ...event, type: 'connection.restored' }) },
        { type: 'tellLocks', params: ({ event }) => ({ type: 'broker.back', address: event.address }) },
      ],
    },
    'consumer.shutdown': {
      target: '.stopping',
      actions: {
        type: 'beginStop',
        params: ({ event }) => ({ reason: 'requested', timeout: event.timeout }),
      },
    },
    'route.changed': { actions: ['noteRoutes', 'closeStaleLines', 'tellRouteChanged'] },
    // Brokers make the retry topic again by themselves.
    'route.lost': [
      { guard: { type: 'isOwnRetryTopic', params: ({ event }) => event } },
      {
        actions: {
          type: 'emitFault',
          params: ({ event }) => ({ error: routeLost(event), actor: 'routes' }),
        },
      },
    ],
    'route.unknown': {
      actions: [
        { type: 'noteUnknownTopic', params: ({ event }) => event },
        {
          type: 'emitFault',
          params: ({ event }) => ({ error: topicNotFound(event.topic), actor: 'routes' }),
        },
      ],
    },
    'members.changed': { actions: 'tellMembersChanged' },
    'subscription.changed': {
      actions: { type: 'tellSubscriptionChanged', params: ({ event }) => event },
    },
    'members.failed': {
      actions: {
        type: 'emitFault',
        params: ({ event }) => ({ error: firstError(event.failures), actor: 'rebalance' }),
      },
    },
    'membership.missing': { actions: 'beatNow' },
    'routes.failed': {
      actions: { type: 'emitFault', params: ({ event }) => ({ error: event.error, actor: 'routes' }) },
    },
    'offsets.persisted': { actions: { type: 'emitCommitted', params: ({ event }) => event } },
    'offsets.failed': {
      actions: { type: 'emitFault', params: ({ event }) => ({ error: event.error, actor: 'offsets' }) },
    },
    'queue.placed': {
      actions: {
        type: 'emitThis',
        params: ({ event }) => ({ type: 'queue.assigned', queue: event.queue, offset: event.offset }),
      },
    },
    'queue.corrected': {
      actions: { type: 'emitThis', params: ({ event }) => ({ ...event, type: 'offset.corrected' }) },
    },
    'target.changed': {
      actions: { type: 'emitThis', params: ({ event }) => ({ ...event, type: 'queue.replicaChanged' }) },
    },
    'master.missed': { actions: 'refreshRoutes' },
    'reset.suspected': { actions: { type: 'renewPulls', params: ({ event }) => event } },
    'queue.throttled': { actions: { type: 'emitThis', params: ({ event }) => flowClosed(event) } },
    'queue.unthrottled': {
      actions: { type: 'emitThis', params: ({ event }) => ({ type: 'flow.opened', queue: event.queue }) },
    },
    'subscription.conflict': { actions: { type: 'emitThis', params: ({ event }) => event } },
    'queue.troubled': [
      {
        guard: { type: 'isSubscriptionStale', params: ({ event }) => event },
        actions: [
          { type: 'tellRefused', params: ({ event }) => event },
          { type: 'tellStale', params: ({ event }) => event },
        ],
      },
      {
        actions: [
          'refreshRoutes',
          {
            type: 'emitFault',
            params: ({ event }) => ({ error: event.error, actor: queueKey(event.queue) }),
          },
        ],
      },
    ],
    'queue.ended': [
      {
        // Its broker may have been kept reachable for its last commit only.
        guard: { type: 'isUnrouted', params: ({ event }) => event },
        actions: [
          { type: 'tellLeft', params: ({ event }) => event },
          { type: 'tellDropped', params: ({ event }) => event },
          { type: 'forgetQueue', params: ({ event }) => event },
          { type: 'emitRevoked', params: ({ event }) => event },
          'closeStaleLines',
        ],
      },
      {
        actions: [
          { type: 'tellLeft', params: ({ event }) => event },
          { type: 'tellDropped', params: ({ event }) => event },
          { type: 'forgetQueue', params: ({ event }) => event },
          { type: 'emitRevoked', params: ({ event }) => event },
        ],
      },
    ],
    'messages.failed': { actions: { type: 'handBack', params: ({ event }) => event } },
    'message.returned': {
      actions: [
        { type: 'emitThis', params: ({ event }) => returned(event) },
        'seekRetryTopic',
        { type: 'emitListenerError', params: ({ event }) => event },
      ],
    },
    'queue.stuck': {
      actions: { type: 'emitThis', params: ({ event }) => ({ ...event, type: 'message.stuck' }) },
    },
    'queue.skipped': {
      actions: { type: 'emitThis', params: ({ event }) => ({ ...event, type: 'message.skipped' }) },
    },
    ...onCommand({ actions: { type: 'passCommand', params: itself } } as const),
    'pause.decided': [
      {
        guard: { type: 'mayPause', params: ({ event }) => event },
        actions: [
          { type: 'notePause', params: ({ event }) => event },
          'tellPauses',
          { type: 'tellPauseDone', params: ({ event }) => event },
        ],
      },
      { actions: { type: 'refusePause', params: ({ event }) => event } },
    ],
    'seek.decided': { actions: { type: 'passSeek', params: ({ event }) => event } },
    'topic.left': {
      actions: [{ type: 'forgetPauses', params: ({ event }) => event }, 'tellPauses'],
    },
    'command.refused': {
      actions: { type: 'emitFault', params: ({ event }) => ({ error: event.error, actor: 'consumer' }) },
    },
    'consumer.suspend': { actions: { type: 'noteIntent', params: { intent: 'suspended' } } },
    'consumer.resume': { actions: { type: 'noteIntent', params: { intent: 'active' } } },
    fault: { actions: { type: 'emitFault', params: ({ event }) => event } },
    'xstate.error.actor.*': {
      target: '.stopping',
      actions: [
        {
          type: 'beginStop',
          params: ({ event }) => ({ reason: 'fault', error: toRocketmqError(event.error) }),
        },
        { type: 'emitDeath', params: ({ event }) => event },
        { type: 'endOrphans', params: ({ event }) => event },
        { type: 'forgetShard', params: ({ event }) => event },
        { type: 'refuseOrphans', params: ({ event }) => event },
        { type: 'buryChild', params: ({ event }) => event },
      ],
    },
  },
  states: {
    idle: {
      description: 'Made, not started: topics and pauses are noted at once.',
      on: {
        ...onCommand({ actions: { type: 'refuseNotRunning', params: itself } } as const),
        'consumer.subscribe': { actions: { type: 'subscribeNow', params: ({ event }) => event } },
        'consumer.updateSelector': { actions: { type: 'subscribeNow', params: ({ event }) => event } },
        'consumer.unsubscribe': {
          actions: [
            { type: 'subscribeNow', params: ({ event }) => event },
            { type: 'forgetPauses', params: ({ event }) => event },
          ],
        },
        'queue.pause': [
          {
            guard: { type: 'isInvalid', params: ({ event }) => event },
            actions: { type: 'refuseNotRunning', params: itself },
          },
          {
            actions: [
              { type: 'notePause', params: ({ event }) => ({ choice: event, paused: true }) },
              { type: 'tellAccepted', params: ({ event }) => event },
            ],
          },
        ],
        'queue.resume': [
          {
            guard: { type: 'isInvalid', params: ({ event }) => event },
            actions: { type: 'refuseNotRunning', params: itself },
          },
          {
            actions: [
              { type: 'notePause', params: ({ event }) => ({ choice: event, paused: false }) },
              { type: 'tellAccepted', params: ({ event }) => event },
            ],
          },
        ],
        'consumer.start': { target: 'starting', actions: 'attachParts' },
        'consumer.shutdown': 'stopped',
      },
    },
    starting: {
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
          description:
            'May it be asked where a time is in the queues? The heartbeat does not show that right.',
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
    },
    running: {
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
    },
    stopping: {
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
    },
    stopped: {
      type: 'final',
      description: 'For good: make a new one to run again.',
      entry: ['closeScope', 'forgetQueues'],
    },
  },
  output: ({ context }) => shutdownReport(context, context.parts.get().clock.now()),
});

function itself({ event }: { readonly event: Ticketed<WorkCommand> }): Ticketed<WorkCommand> {
  return event;
}

type Built = typeof built;
/** The sealed type of consumerMachine. */
export interface ConsumerMachine extends Built {}
/** The root of the actor tree; createConsumerActor makes one behind a friendlier face. */
export const consumerMachine: ConsumerMachine = built;
