// SPDX-License-Identifier: Apache-2.0
/**
 * What is the life of a consumer, in which order do its parts start and stop, and who looks after them?
 *
 *   idle → starting.{identifying → connecting → loading → coordinating → registering → askingByTime → assigning → dispatching}
 *        → running.{active ⇄ suspended, active ⇄ unsaved, revalidating}
 *        → stopping.{closingIntake → draining → persisting → releasing → disconnecting} → stopped (final)
 *
 * Here stand what is the same in every state, and idle; the others are in consumer.starting.ts, .running.ts, .stopping.ts.
 *
 * Invariants (test/machines/consumer-*.test.ts and the trace checker): 1. a heartbeat is answered before the first pull;
 * 2. no listener is called before dispatching, nor after stopped; 3. the last offsets are answered before unregister,
 * which comes before the connections close; 4. stopping is reachable from every state and ends within its time;
 * 5. the root never fails: whatever happens below becomes a `fault` or a way through stopping.
 */
import { toRocketmqError } from '../../errors/errors.ts';
import { queueKey } from '../../model/message-queue.ts';
import { noPauses } from '../commands/pauses.ts';
import { itself, onCommand } from '../commands/work-command.ts';
import { Hidden } from '../shared/hidden.ts';
import { connectionPrefix } from './consumer.actors.ts';
import { shutdownReport } from './consumer.logic.ts';
import { firstError, flowClosed, returned, routeLost, topicNotFound } from './consumer.reports.ts';
import { running } from './consumer.running.ts';
import { consumerSetup } from './consumer.setup.ts';
import { starting } from './consumer.starting.ts';
import { stopping } from './consumer.stopping.ts';

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
    starting,
    running,
    stopping,
    stopped: {
      type: 'final',
      description: 'For good: make a new one to run again.',
      entry: ['closeScope', 'forgetQueues'],
    },
  },
  output: ({ context }) => shutdownReport(context, context.parts.get().clock.now()),
});

type Built = typeof built;
/** The sealed type of consumerMachine. */
export interface ConsumerMachine extends Built {}
/** The root of the actor tree; createConsumerActor makes one behind a friendlier face. */
export const consumerMachine: ConsumerMachine = built;
