// SPDX-License-Identifier: Apache-2.0
/** What can the consumer's chart note, tell the outside and ask? Beside its children and commands; when, says consumer.machine.ts. */

import { assign, emit, enqueueActions } from 'xstate';
import { isForbidden } from '../../errors/access.ts';
import { ConsumerError, type RocketmqError, toRocketmqError } from '../../errors/errors.ts';
import { type MessageQueue, queueKey, sameQueue } from '../../model/message-queue.ts';
import { isRetryTopic } from '../../model/names.ts';
import type { RevokeReason } from '../../model/revoke-reason.ts';
import { isPaused } from '../commands/pauses.ts';
import { commandRefused } from '../commands/refusals.ts';
import type { AssignmentDecided } from '../rebalance/rebalance.types.ts';
import { Hidden } from '../shared/hidden.ts';
import { safe } from '../shared/safe.ts';
import {
  childrenOf,
  closeConnections,
  giveAssignments,
  newestRound,
  nobody,
  shardPrefix,
  tellCommands,
  tellShards,
} from './consumer.actors.ts';
import { withCommands } from './consumer.commands.ts';
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
  ConsumerCommand,
  ConsumerEvent,
  ShutdownReport,
  StepReport,
  StopStep,
} from './consumer.types.ts';

/** While starting: how often registering and assigning are tried again. Unit: ms. */
const startRetryPause = 1000;
/** After a time gap: how long queues of a broker that does not answer hold up the others. Unit: ms. */
const verifyLimit = 5000;

export const consumerSetup = withCommands.extend({
  actions: {
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
  },
});
