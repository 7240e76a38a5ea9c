// SPDX-License-Identifier: Apache-2.0
/** What can the consumer's chart do and ask? Its actors, actions, guards and delays by name; when, says consumer.machine.ts. */

import { assign, emit, enqueueActions, fromPromise, setup, spawnChild, stopChild } from 'xstate';
import { isForbidden } from '../../errors/access.ts';
import { ConsumerError, type RocketmqError, toRocketmqError } from '../../errors/errors.ts';
import { type MessageQueue, queueKey, sameQueue } from '../../model/message-queue.ts';
import { isRetryTopic } from '../../model/names.ts';
import type { RevokeReason } from '../../model/revoke-reason.ts';
import type { Address } from '../../model/route.ts';
import { problemOf } from '../commands/commands.logic.ts';
import { commandsMachine } from '../commands/commands.machine.ts';
import type { CommandsReport } from '../commands/commands.types.ts';
import { isPaused, withoutTopic, withPause } from '../commands/pauses.ts';
import { commandRefused, notOwned } from '../commands/refusals.ts';
import type { SeekDecided } from '../commands/seek.types.ts';
import type { PauseCommand, SubscriptionCommand, Ticketed, WorkCommand } from '../commands/work-command.ts';
import { conflictsMachine } from '../conflicts/conflicts.machine.ts';
import { connectionMachine } from '../connection/connection.machine.ts';
import { heartbeatMachine } from '../heartbeat/heartbeat.machine.ts';
import { locksMachine } from '../locks/locks.machine.ts';
import type { LocksCommand } from '../locks/locks.types.ts';
import { offsetsMachine } from '../offsets/offsets.machine.ts';
import { queuesMachine } from '../queues/queues.machine.ts';
import { rebalanceMachine } from '../rebalance/rebalance.machine.ts';
import type { AssignmentDecided, SubscriptionChanged } from '../rebalance/rebalance.types.ts';
import { resetsMachine } from '../resets/resets.machine.ts';
import type { Suspect } from '../resets/resets.types.ts';
import { routesMachine } from '../routes/routes.machine.ts';
import { sendBackMachine } from '../send-back/send-back.machine.ts';
import type { MessagesFailed } from '../send-back/send-back.types.ts';
import { Hidden } from '../shared/hidden.ts';
import { safe } from '../shared/safe.ts';
import { sharedSignal } from '../shared/shared-signal.ts';
import { traceMachine } from '../trace/trace.machine.ts';
import {
  childrenOf,
  closeConnections,
  connectionPrefix,
  endOrphans,
  giveAssignments,
  newestRound,
  nobody,
  refuseOrphans,
  shardOf,
  shardPrefix,
  tellCommands,
  tellShards,
} from './consumer.actors.ts';
import {
  passCommand,
  pauseProblem,
  refuseNotRunning,
  subscribeNow,
  ticketOf,
  viewsOf,
} from './consumer.commands.ts';
import type { ConsumerContext } from './consumer.context.ts';
import {
  beginStop,
  type CommitOutcome,
  drainBudget,
  endStep,
  flushBudget,
  isRefusedByAll,
  listenerGrace,
  place,
  refusesStart,
  stepBudget,
  stopTimeout,
  withCommits,
  withoutQueue,
  withoutShard,
} from './consumer.logic.ts';
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
import type { ConsumerParts, Leave } from './consumer-parts.ts';

/** While starting: how often registering and assigning are tried again. Unit: ms. */
const startRetryPause = 1000;
/** After a time gap: how long queues of a broker that does not answer hold up the others. Unit: ms. */
const verifyLimit = 5000;

type PauseDecided = Extract<CommandsReport, { readonly type: 'pause.decided' }>;
type LockOfBroker = Extract<LocksCommand, { readonly brokerName: string }>;

export const consumerSetup = setup({
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
    resets: resetsMachine,
    queues: queuesMachine,
    sendBack: sendBackMachine,
    locks: locksMachine,
    trace: traceMachine,
    conflicts: conflictsMachine,
    commands: commandsMachine,
    identify: fromPromise<void, ConsumerParts>(({ input }) => input.identify()),
    loadOffsets: fromPromise<void, ConsumerParts>(({ input, signal }) => input.loadOffsets(signal)),
    askByTime: fromPromise<void, ConsumerParts>(({ input, signal }) => input.askByTime(sharedSignal(signal))),
    leave: fromPromise<void, Leave>(({ input, signal }) =>
      input.parts.leave({ ...input, signal: sharedSignal(signal) }),
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
    spawnLocks: enqueueActions(({ context, enqueue, self }) => {
      const input = context.parts.get().inputs.locks(self);
      if (input !== undefined) enqueue.spawnChild('locks', { id: 'locks', input });
    }),
    spawnTrace: enqueueActions(({ context, enqueue, self }) => {
      const input = context.parts.get().inputs.trace(self);
      if (input !== undefined) enqueue.spawnChild('trace', { id: 'trace', input });
    }),
    flushTrace: safe(({ self }) => childrenOf(self).trace?.send({ type: 'trace.flush' })),
    spawnResets: enqueueActions(({ context, enqueue, self }) => {
      const input = context.parts.get().inputs.resets(self);
      if (input !== undefined) enqueue.spawnChild('resets', { id: 'resets', input });
    }),
    spawnConflicts: spawnChild('conflicts', {
      id: 'conflicts',
      input: ({ context, self }) => context.parts.get().inputs.conflicts(self),
    }),
    spawnCommands: spawnChild('commands', {
      id: 'commands',
      input: ({ context, self }) =>
        context.parts
          .get()
          .inputs.commands(self, () => self.getSnapshot().context.assignedQueues.map(({ queue }) => queue)),
    }),
    openCommands: safe(({ self }) => tellCommands(self, { type: 'commands.open' })),
    holdCommands: safe(({ self }) => tellCommands(self, { type: 'commands.hold' })),
    closeCommands: safe(({ self }) => tellCommands(self, { type: 'commands.close' })),
    passCommand: safe(({ context, self }, params: Ticketed<WorkCommand>) =>
      passCommand(params, childrenOf(self), self, context.consumerGroup),
    ),
    subscribeNow: safe(({ context, self }, params: Ticketed<SubscriptionCommand>) =>
      subscribeNow(context, params, self),
    ),
    refuseNotRunning: safe(({ context, self }, params: Ticketed<WorkCommand>) =>
      refuseNotRunning(context.consumerGroup, params, self),
    ),
    refuseCommand: safe(({ context, self }, params: Ticketed<WorkCommand>) =>
      ticketOf(params, self).refused(commandRefused(context.consumerGroup, params.type, 'stopping')),
    ),
    tellAccepted: safe(({ self }, params: Ticketed<PauseCommand>) => ticketOf(params, self).done()),
    notePause: assign(({ context }, { choice, paused }: Omit<PauseDecided, 'type' | 'ticket'>) => {
      const pauses = withPause(context.pauses, choice, paused);
      return { pauses, assignedQueues: viewsOf(context, pauses) };
    }),
    forgetPauses: assign(({ context }, params: { readonly topic: string }) => ({
      pauses: withoutTopic(context.pauses, params.topic),
    })),
    tellPauses: safe(({ context }) => tellShards(context, { type: 'queues.pause', pauses: context.pauses })),
    tellPauseDone: safe((_, params: PauseDecided) => params.ticket.done()),
    refusePause: safe(({ context }, params: PauseDecided) => {
      const error = pauseProblem(context, params);
      if (error !== undefined) params.ticket.refused(error);
    }),
    passSeek: safe(({ context }, { queue, offset, reason, ticket }: SeekDecided) => {
      const shard = shardOf(context, queue);
      if (shard === undefined) ticket.refused(notOwned(queue));
      else shard.send({ type: 'queues.seek', queue, offset, reason, ticket });
    }),
    tellLeft: safe(({ self }, params: { readonly queue: MessageQueue }) =>
      tellCommands(self, { type: 'queues.left', queues: [params.queue] }),
    ),
    refuseOrphans: safe(({ self }, params: { readonly actorId: string }) =>
      refuseOrphans(self, params.actorId),
    ),
    stopSharing: stopChild('rebalance'),
    stopComparing: stopChild('conflicts'),
    stopAsking: stopChild('routes'),
    stopBeating: stopChild('heartbeat'),
    stopLooking: stopChild('resets'),
    refreshRoutes: safe(({ self }) => childrenOf(self).routes?.send({ type: 'routes.refresh' })),
    /** The lock table of a broker that is back may be empty, and others may have locked what is ours. */
    tellLocks: safe(
      ({ context, self }, { type, address }: Pick<LockOfBroker, 'type'> & { readonly address: Address }) => {
        const { locks } = childrenOf(self);
        for (const brokerName of context.parts.get().mastersAt(address)) locks?.send({ type, brokerName });
      },
    ),
    /** Brokers make it at the first failure; what came back must not wait until an unknown topic is asked for again. */
    seekRetryTopic: safe(({ context, self }) => {
      if (!context.parts.get().knowsRetryTopic()) childrenOf(self).routes?.send({ type: 'routes.refresh' });
    }),
    beatNow: safe(({ self }) => childrenOf(self).heartbeat?.send({ type: 'heartbeat.now' })),
    rebalanceNow: safe(({ self }) => childrenOf(self).rebalance?.send({ type: 'rebalance.now' })),
    tellMembersChanged: safe(({ self }) => childrenOf(self).rebalance?.send({ type: 'members.changed' })),
    /** Where new topics live is asked for, and what is shared out is decided anew. */
    tellSubscriptionChanged: safe(({ self }, params: SubscriptionChanged) => {
      const { routes, rebalance } = childrenOf(self);
      routes?.send({ type: 'routes.refresh' });
      rebalance?.send(params);
    }),
    tellStale: safe(({ self }, params: { readonly error: RocketmqError }) =>
      childrenOf(self).heartbeat?.send({ type: 'subscription.stale', error: params.error }),
    ),
    /** Before the heartbeat that follows puts our topics back on the broker's list. */
    tellRefused: safe(({ self }, { queue: { topic } }: { readonly queue: MessageQueue }) =>
      childrenOf(self).conflicts?.send({ type: 'subscription.stale', topic }),
    ),
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
    renewPulls: safe(({ context }, { suspects }: { readonly suspects: readonly Suspect[] }) =>
      tellShards(context, { type: 'queues.renew', suspects }),
    ),
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
        const suspended = context.intent === 'suspended' || !parts.isFresh();
        const input = { ...parts.inputs.queues(self), pauses: context.pauses, suspended };
        shards.push(spawn('queues', { id: shardPrefix + shards.length, input }));
      }
      return {
        residence,
        shards: new Hidden(shards),
        assignedQueues: params.queues.map(queue => parts.viewOf(queue, isPaused(context.pauses, queue))),
      };
    }),
    giveAssignments: safe(({ context, self }, params: AssignmentDecided & { readonly lost: boolean }) => {
      context.parts.get().beginRound();
      giveAssignments(context, params, { lost: params.lost, alone: !params.otherMembers });
      const { rebalance, locks } = childrenOf(self);
      if (params.removed.length > 0) tellCommands(self, { type: 'queues.left', queues: params.removed });
      rebalance?.send({ type: 'assignment.applied', round: params.round });
      locks?.send({ type: 'members.looked' }); // who waits for a queue wants to know whether its holder is still there
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
      const hasHook = parts.config.onQueuesRevoked !== undefined;
      const grace = listenerGrace(context.stop, parts.clock.now(), hasHook);
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
    isUnsaved: ({ context }) => !context.parts.get().isSaved(),
    isSaved: ({ context }) => context.parts.get().isSaved(),
    isSuspendAsked: ({ context }) => context.intent === 'suspended',
    refusesStart: (_, params: { readonly error: RocketmqError }) => refusesStart(params.error),
    isRefusedByAll: (_, params: { readonly error: RocketmqError }) => isRefusedByAll(params.error),
    isSubscriptionStale: (_, params: { readonly error: RocketmqError }) =>
      params.error.code === 'RMQ_SUBSCRIPTION_STALE',
    isUnidentified: ({ context }) => context.parts.get().isUnidentified(),
    startsByTime: ({ context }) => context.parts.get().startsByTime(),
    isForbidden: (_, params: { readonly error: RocketmqError }) => isForbidden(params.error),
    isSelectorRefused: (_, params: { readonly error: RocketmqError }) =>
      params.error.code === 'RMQ_SELECTOR_REFUSED',
    isInvalid: (_, params: WorkCommand) => problemOf(params) !== undefined,
    mayPause: ({ context }, params: PauseDecided) => pauseProblem(context, params) === undefined,
    isBroker: (_, params: { readonly role: string }) => params.role === 'broker',
    isRegistered: (
      _,
      params: { readonly answered: readonly unknown[]; readonly failed: readonly unknown[] },
    ) => params.answered.length > 0 || params.failed.length === 0,
    isStale: ({ context }, params: { readonly round: number }) => params.round <= context.staleRound,
    nothingUnverified: ({ context }) => context.unverified.size === 0,
    /** Another member may not need a broker that we leave; no route does. */
    isUnrouted: (_, params: { readonly reason: RevokeReason }) =>
      params.reason === 'unrouted' || params.reason === 'deleted',
    isOwnRetryTopic: (_, params: { readonly topic: string }) => isRetryTopic(params.topic),
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
});
