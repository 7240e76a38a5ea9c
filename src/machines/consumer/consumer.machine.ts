// SPDX-License-Identifier: Apache-2.0
/**
 * What is the life of a consumer, in which order do its parts start and stop, and who looks after them?
 *
 *   idle → starting.{connecting → loading → coordinating → registering → assigning → dispatching}
 *        → running.{active ⇄ suspended, revalidating}
 *        → stopping.{closingIntake → draining → persisting → releasing → disconnecting} → stopped (final)
 *
 * Invariants (test/machines/consumer-*.test.ts and the trace checker): 1. a heartbeat is answered before the first pull;
 * 2. no listener is called before dispatching, nor after stopped; 3. the last offsets are answered before unregister,
 * which comes before the connections close; 4. stopping is reachable from every state and ends within its time;
 * 5. the root never fails: whatever happens below becomes a `fault` or a way through stopping.
 */
import { assign, emit, enqueueActions, fromPromise, setup, spawnChild, stopChild } from 'xstate';
import { ConsumerError, type RocketmqError, toRocketmqError } from '../../errors/errors.ts';
import { type MessageQueue, queueKey, sameQueue } from '../../model/message-queue.ts';
import { connectionMachine } from '../connection/connection.machine.ts';
import { heartbeatMachine } from '../heartbeat/heartbeat.machine.ts';
import { offsetsMachine } from '../offsets/offsets.machine.ts';
import type { RevokeReason } from '../queue/queue.types.ts';
import { queuesMachine } from '../queues/queues.machine.ts';
import { rebalanceMachine } from '../rebalance/rebalance.machine.ts';
import type { AssignmentDecided } from '../rebalance/rebalance.types.ts';
import { routesMachine } from '../routes/routes.machine.ts';
import { sendBackMachine } from '../send-back/send-back.machine.ts';
import type { MessagesFailed } from '../send-back/send-back.types.ts';
import { Hidden } from '../shared/hidden.ts';
import { safe } from '../shared/safe.ts';
import { sharedSignal } from '../shared/shared-signal.ts';
import {
  childrenOf,
  closeConnections,
  connectionPrefix,
  endOrphans,
  giveAssignments,
  newestRound,
  nobody,
  shardPrefix,
  tellShards,
} from './consumer.actors.ts';
import type { ConsumerContext } from './consumer.context.ts';
import {
  beginStop,
  type CommitOutcome,
  drainBudget,
  endStep,
  flushBudget,
  place,
  refusesStart,
  shutdownReport,
  stepBudget,
  stopTimeout,
  withCommits,
  withoutQueue,
  withoutShard,
} from './consumer.logic.ts';
import {
  commandRefused,
  firstError,
  flowClosed,
  flushOutcome,
  retried,
  startTimedOut,
  topicNotFound,
} from './consumer.reports.ts';
import type {
  AssignedQueue,
  ConnectionWanted,
  ConsumerCommand,
  ConsumerEvent,
  ConsumerMachineEvent,
  ConsumerTag,
  ShutdownReport,
  StepReport,
  StopStep,
} from './consumer.types.ts';
import type { ConsumerParts } from './consumer-parts.ts';

/** While starting: how often registering and assigning are tried again. Unit: ms. */
const startRetryPause = 1000;
/** After a time gap: how long queues of a broker that does not answer hold up the others. Unit: ms. */
const verifyLimit = 5000;
/** How long other members may need to finish and commit a queue that was just given to us. Unit: ms. */
const handoverPause = 400;

const built = setup({
  types: {} as {
    context: ConsumerContext;
    events: ConsumerMachineEvent;
    input: ConsumerParts;
    output: ShutdownReport;
    emitted: ConsumerEvent;
    tags: ConsumerTag;
  },
  actors: {
    routes: routesMachine,
    connection: connectionMachine,
    heartbeat: heartbeatMachine,
    rebalance: rebalanceMachine,
    offsets: offsetsMachine,
    queues: queuesMachine,
    sendBack: sendBackMachine,
    loadOffsets: fromPromise<void, ConsumerParts>(({ input, signal }) => input.loadOffsets(signal)),
    unregister: fromPromise<void, { readonly parts: ConsumerParts; readonly timeoutMs: number }>(
      ({ input, signal }) =>
        input.parts.unregister({ timeoutMs: input.timeoutMs, signal: sharedSignal(signal) }),
    ),
  },
  actions: {
    attachParts: safe(({ context, self }) => context.parts.get().attach(self)),
    spawnRoutes: spawnChild('routes', {
      id: 'routes',
      input: ({ context, self }) => context.parts.get().inputs.routes(self),
    }),
    spawnHeartbeat: spawnChild('heartbeat', {
      id: 'heartbeat',
      input: ({ context, self }) => context.parts.get().inputs.heartbeat(self),
    }),
    spawnRebalance: spawnChild('rebalance', {
      id: 'rebalance',
      input: ({ context, self }) => context.parts.get().inputs.rebalance(self),
    }),
    spawnOffsets: spawnChild('offsets', {
      id: 'offsets',
      input: ({ context, self }) => context.parts.get().inputs.offsets(self),
    }),
    spawnSendBack: spawnChild('sendBack', {
      id: 'sendBack',
      input: ({ context, self }) => context.parts.get().inputs.sendBack(self),
    }),
    stopSharing: stopChild('rebalance'),
    stopAsking: stopChild('routes'),
    stopBeating: stopChild('heartbeat'),
    refreshRoutes: safe(({ self }) => childrenOf(self).routes?.send({ type: 'routes.refresh' })),
    beatNow: safe(({ self }) => childrenOf(self).heartbeat?.send({ type: 'heartbeat.now' })),
    rebalanceNow: safe(({ self }) => childrenOf(self).rebalance?.send({ type: 'rebalance.now' })),
    tellMembersChanged: safe(({ self }) => childrenOf(self).rebalance?.send({ type: 'members.changed' })),
    tellRouteChanged: safe(({ self }) => childrenOf(self).rebalance?.send({ type: 'route.changed' })),
    handBack: safe(({ self }, params: MessagesFailed) => childrenOf(self).sendBack?.send(params)),
    announceDone: safe(({ self }) => self.send({ type: 'step.done' })),
    noteRoutes: safe(({ context }) => context.parts.get().noteRoutes()),
    noteUnknownTopic: safe(({ context }, params: { readonly topic: string }) =>
      context.parts.get().noteRoutes(params.topic),
    ),
    noteStartError: assign((_, params: { readonly error: RocketmqError }) => ({
      lastStartError: params.error,
    })),
    noteIntent: assign((_, params: { readonly intent: ConsumerContext['intent'] }) => ({
      intent: params.intent,
    })),
    openSlots: safe(({ context }) => context.parts.get().slots.open()),
    suspendQueues: safe(({ context }) => tellShards(context, { type: 'queues.suspend' })),
    resumeQueues: safe(({ context }) => tellShards(context, { type: 'queues.resume' })),
    verifyQueues: safe(({ context }) => tellShards(context, { type: 'queues.verify' })),
    holdOffsets: safe(({ self }) => childrenOf(self).offsets?.send({ type: 'offsets.hold' })),
    releaseOffsets: safe(({ self }) => childrenOf(self).offsets?.send({ type: 'offsets.release' })),
    placeQueues: assign(({ context, spawn, self }, params: AssignmentDecided) => {
      const parts = context.parts.get();
      const shards = [...context.shards.get()];
      const { residence, shardCount } = place(
        { residence: context.residence, shardCount: shards.length },
        params.added,
      );
      while (shards.length < shardCount) {
        shards.push(spawn('queues', { id: shardPrefix + shards.length, input: parts.inputs.queues(self) }));
      }
      return {
        residence,
        shards: new Hidden(shards),
        assignedQueues: params.queues.map(queue => parts.viewOf(queue)),
      };
    }),
    giveAssignments: safe(({ context, self }, params: AssignmentDecided & { readonly lost: boolean }) => {
      context.parts.get().beginRound();
      const pause = params.otherMembers ? handoverPause : 0;
      giveAssignments(context, params, { lost: params.lost, handoverPause: pause });
      childrenOf(self).rebalance?.send({ type: 'assignment.applied', round: params.round });
    }),
    disownLeaving: safe(({ context }) =>
      tellShards(context, { type: 'queues.disownLeaving', grace: context.parts.get().config.revokeTimeout }),
    ),
    /** A queue that ended though it is still ours, be it that it could not be opened: it is shared out anew. */
    tellDropped: safe(
      ({ context, self }, params: { readonly queue: MessageQueue; readonly returns: boolean }) => {
        const isOurs = context.assignedQueues.some(({ queue }) => sameQueue(queue, params.queue));
        if (isOurs && !params.returns && context.stop === undefined) {
          childrenOf(self).rebalance?.send({ type: 'queue.dropped', queue: params.queue });
        }
      },
    ),
    closeStaleLines: enqueueActions(({ context, enqueue }) => {
      for (const address of context.parts.get().closeStaleLines())
        enqueue.stopChild(connectionPrefix + address);
    }),
    noteStaleRound: assign(({ self }) => ({ staleRound: newestRound(self) })),
    noteUnverified: assign(({ context }) => ({
      unverified: new Set(
        context.assignedQueues.map(({ queue }) => queueKey(queue)).filter(key => context.residence.has(key)),
      ),
    })),
    noteVerified: assign(({ context }, params: { readonly queue: Parameters<typeof queueKey>[0] }) => {
      const unverified = new Set(context.unverified);
      unverified.delete(queueKey(params.queue));
      return { unverified };
    }),
    forgetQueue: assign(
      (
        { context },
        params: { readonly queue: MessageQueue; readonly abandoned: number; readonly returns: boolean },
      ) => {
        const { stop } = context;
        const unverified = new Set(context.unverified);
        unverified.delete(queueKey(params.queue));
        return {
          unverified,
          residence: params.returns ? context.residence : withoutQueue(context.residence, params.queue),
          assignedQueues:
            stop === undefined
              ? context.assignedQueues // a rebalance has set them already
              : context.assignedQueues.filter(({ queue }) => !sameQueue(queue, params.queue)),
          stop: stop && { ...stop, abandoned: stop.abandoned + params.abandoned },
        };
      },
    ),
    emitRevoked: emit(
      (_, { queue, reason }: { readonly queue: MessageQueue; readonly reason: RevokeReason }) => ({
        type: 'queue.revoked' as const,
        queue,
        reason,
      }),
    ),
    beginStop: assign(
      (
        { context },
        params: {
          readonly reason: ShutdownReport['reason'];
          readonly error?: RocketmqError | undefined;
          readonly timeout?: number | undefined;
        },
      ) => {
        const { clock, config } = context.parts.get();
        const timeoutMs = stopTimeout(params.timeout, config.shutdownTimeout);
        return {
          stop: beginStop({ reason: params.reason, error: params.error, now: clock.now(), timeoutMs }),
        };
      },
    ),
    endStep: assign(
      (
        { context },
        params: {
          readonly step: StopStep;
          readonly outcome: StepReport['outcome'];
          readonly error?: unknown;
        },
      ) => {
        const { stop, parts } = context;
        if (stop === undefined) return {};
        const error = params.error === undefined ? undefined : toRocketmqError(params.error);
        return { stop: endStep(stop, params.step, parts.get().clock.now(), params.outcome, error) };
      },
    ),
    noteCommits: assign(({ context: { stop } }, params: CommitOutcome) =>
      stop === undefined ? {} : { stop: withCommits(stop, params) },
    ),
    noteUncommitted: assign(({ context: { stop, parts } }) =>
      stop === undefined
        ? {}
        : { stop: withCommits(stop, { committed: [], uncommitted: parts.get().uncommitted() }) },
    ),
    closeIntake: safe(({ context }) => {
      const parts = context.parts.get();
      const grace = drainBudget(context.stop, parts.clock.now());
      tellShards(context, { type: 'queues.revokeAll', reason: 'shutdown', grace });
    }),
    flushOffsets: safe(({ context, self }) => {
      const timeout = flushBudget(context.stop, context.parts.get().clock.now());
      const { offsets } = childrenOf(self);
      if (offsets === undefined)
        self.send({ type: 'step.skipped' }); // stopped before there was anything to persist, or the persister died
      else offsets.send({ type: 'offsets.flush', timeout });
    }),
    closeConnections: safe(({ context, self }) => {
      const parts = context.parts.get();
      parts.slots.close();
      parts.closeLines(
        new ConsumerError('RMQ_CONSUMER_STOPPED', `the consumer of ${context.consumerGroup} stops`),
      );
      closeConnections(self);
    }),
    forgetQueues: assign({
      assignedQueues: [],
      residence: new Map(),
      unverified: new Set(),
      shards: new Hidden([]),
    }),
    endOrphans: safe(({ self }, params: { readonly actorId: string }) => endOrphans(self, params.actorId)),
    forgetShard: assign(({ context }, params: { readonly actorId: string }) => {
      const { residence, assignedQueues, stop } = context;
      if (!params.actorId.startsWith(shardPrefix)) return {};
      const shard = Number(params.actorId.slice(shardPrefix.length));
      const isLost = ({ queue }: AssignedQueue): boolean => residence.get(queueKey(queue)) === shard;
      const abandoned = assignedQueues.filter(isLost).reduce((sum, { running }) => sum + running, 0);
      return {
        residence: withoutShard(residence, shard),
        assignedQueues: assignedQueues.filter(each => !isLost(each)),
        shards: new Hidden(context.shards.get().map((each, i) => (i === shard ? nobody : each))),
        stop: stop && { ...stop, abandoned: stop.abandoned + abandoned },
      };
    }),
    buryChild: stopChild((_, params: { readonly actorId: string }) => params.actorId),
    emitDeath: emit((_, params: { readonly actorId: string; readonly error: unknown }) => ({
      type: 'fault' as const,
      error: toRocketmqError(params.error),
      actor: params.actorId,
    })),
    closeScope: safe(({ context }) => context.parts.get().closeScope()),
    emitFault: emit((_, params: { readonly error: RocketmqError; readonly actor: string }) => ({
      type: 'fault' as const,
      error: params.error,
      actor: params.actor,
    })),
    emitRefused: emit(({ context }, params: { readonly type: ConsumerCommand['type'] }) => ({
      type: 'fault' as const,
      error: commandRefused(context.consumerGroup, params.type, 'stopping'),
      actor: 'consumer',
    })),
    emitThis: emit((_, params: ConsumerEvent) => params),
    emitCommitted: enqueueActions(
      (
        { enqueue },
        params: { readonly committed: readonly { readonly queue: MessageQueue; readonly offset: number }[] },
      ) => {
        for (const { queue, offset } of params.committed)
          enqueue.emit({ type: 'offset.committed', queue, offset });
      },
    ),
    emitListenerError: enqueueActions(
      ({ enqueue }, params: { readonly error: RocketmqError | undefined; readonly queue: MessageQueue }) => {
        if (params.error !== undefined)
          enqueue.emit({ type: 'fault', error: params.error, actor: queueKey(params.queue) });
      },
    ),
    spawnConnection: assign(({ context, spawn, self }, params: ConnectionWanted) => {
      const { address, line } = params;
      spawn('connection', {
        id: connectionPrefix + address,
        input: context.parts.get().inputs.connection(address, line.get(), self),
      });
      return {};
    }),
  },
  guards: {
    isInDoubt: ({ context }) => !context.parts.get().isFresh(),
    isSuspendAsked: ({ context }) => context.intent === 'suspended',
    refusesStart: (_, params: { readonly error: RocketmqError }) => refusesStart(params.error),
    isBroker: (_, params: { readonly role: string }) => params.role === 'broker',
    isRegistered: (
      _,
      params: { readonly answered: readonly unknown[]; readonly failed: readonly unknown[] },
    ) => params.answered.length > 0 || params.failed.length === 0,
    isStale: ({ context }, params: { readonly round: number }) => params.round <= context.staleRound,
    nothingUnverified: ({ context }) => context.unverified.size === 0,
    hasLeftAll: ({ context }) => context.residence.size === 0,
    confirmsPulse: ({ context }) => context.parts.get().confirmPulse(),
  },
  delays: {
    startTimeout: ({ context }) => context.parts.get().config.startTimeout,
    startRetryPause,
    verifyLimit,
    drainTimeout: ({ context }) => drainBudget(context.stop, context.parts.get().clock.now()) + 100,
    stepTimeout: ({ context }) => stepBudget(context.stop, context.parts.get().clock.now()) + 50,
    disconnectTimeout: ({ context }) =>
      Math.min(500, stepBudget(context.stop, context.parts.get().clock.now())),
  },
}).createMachine({
  id: 'consumer',
  description: 'Lifecycle, supervision, public commands and events of one consumer.',
  options: { maxIterations: 100 },
  context: ({ input }) => ({
    consumerGroup: input.config.consumerGroup,
    clientId: input.config.clientId,
    assignedQueues: [],
    parts: new Hidden(input),
    intent: 'active',
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
    'connection.lost': { actions: { type: 'emitThis', params: ({ event }) => event } },
    // It may have come back at another address: the route says where.
    'connection.failed': {
      guard: { type: 'isBroker', params: ({ event }) => event },
      actions: 'refreshRoutes',
    },
    'connection.ready': {
      actions: { type: 'emitThis', params: ({ event }) => ({ ...event, type: 'connection.restored' }) },
    },
    'consumer.shutdown': {
      target: '.stopping',
      actions: {
        type: 'beginStop',
        params: ({ event }) => ({ reason: 'requested', timeout: event.timeout }),
      },
    },
    'route.changed': { actions: ['noteRoutes', 'closeStaleLines', 'tellRouteChanged'] },
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
    'queue.throttled': { actions: { type: 'emitThis', params: ({ event }) => flowClosed(event) } },
    'queue.unthrottled': {
      actions: { type: 'emitThis', params: ({ event }) => ({ type: 'flow.opened', queue: event.queue }) },
    },
    'queue.troubled': {
      actions: [
        'refreshRoutes',
        { type: 'emitFault', params: ({ event }) => ({ error: event.error, actor: queueKey(event.queue) }) },
      ],
    },
    'queue.ended': {
      actions: [
        { type: 'tellDropped', params: ({ event }) => event },
        { type: 'forgetQueue', params: ({ event }) => event },
        { type: 'emitRevoked', params: ({ event }) => event },
      ],
    },
    'messages.failed': { actions: { type: 'handBack', params: ({ event }) => event } },
    'message.returned': {
      actions: [
        { type: 'emitThis', params: ({ event }) => retried(event) },
        { type: 'emitListenerError', params: ({ event }) => event },
      ],
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
        { type: 'buryChild', params: ({ event }) => event },
      ],
    },
  },
  states: {
    idle: {
      description: 'Made, not started.',
      on: {
        'consumer.start': { target: 'starting', actions: 'attachParts' },
        'consumer.shutdown': 'stopped',
      },
    },
    starting: {
      tags: 'starting',
      initial: 'connecting',
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
        'routes.failed': { actions: { type: 'noteStartError', params: ({ event }) => event } },
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
          description: 'Rebalance coordinator, persister, send-back and heartbeat are up.',
          entry: ['spawnRebalance', 'spawnOffsets', 'spawnSendBack', 'spawnHeartbeat', 'announceDone'],
          on: { 'step.done': 'registering' },
        },
        registering: {
          description: 'At least one broker answers the heartbeat; with no route nothing is required.',
          entry: 'beatNow',
          on: {
            'connection.ready': [
              {
                guard: { type: 'isBroker', params: ({ event }) => event },
                target: 'assigning',
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
              { guard: { type: 'isRegistered', params: ({ event }) => event }, target: 'assigning' },
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
          entry: 'resumeQueues',
          on: {
            'consumer.suspend': {
              target: 'suspended',
              actions: { type: 'noteIntent', params: { intent: 'suspended' } },
            },
          },
        },
        suspended: {
          tags: 'suspended',
          description: 'Queues, heartbeats and commits are kept; nothing is pulled or delivered.',
          entry: 'suspendQueues',
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
          entry: ['suspendQueues', 'holdOffsets'],
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
      on: {
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
          entry: ['stopSharing', 'stopAsking', 'holdOffsets', 'closeIntake', 'announceDone'],
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
          entry: 'flushOffsets',
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
          description: 'The brokers hear that we leave the group.',
          entry: 'stopBeating',
          invoke: {
            src: 'unregister',
            input: ({ context }) => {
              const parts = context.parts.get();
              return { parts, timeoutMs: stepBudget(context.stop, parts.clock.now()) };
            },
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

type Built = typeof built;
export interface ConsumerMachine extends Built {}
/** The root of the actor tree; createConsumerActor makes one behind a friendlier face. */
export const consumerMachine: ConsumerMachine = built;
