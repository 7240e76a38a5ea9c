// SPDX-License-Identifier: Apache-2.0
/** Which actors does a consumer have, when asked by its chart, and what does it tell them? */
import { assign, enqueueActions, fromPromise, setup, spawnChild, stopChild } from 'xstate';
import type { RocketmqError } from '../../errors/errors.ts';
import { type MessageQueue, sameQueue } from '../../model/message-queue.ts';
import type { Address } from '../../model/route.ts';
import { commandsMachine } from '../commands/commands.machine.ts';
import { conflictsMachine } from '../conflicts/conflicts.machine.ts';
import { connectionMachine } from '../connection/connection.machine.ts';
import { heartbeatMachine } from '../heartbeat/heartbeat.machine.ts';
import { locksMachine } from '../locks/locks.machine.ts';
import type { LocksCommand } from '../locks/locks.types.ts';
import { offsetsMachine } from '../offsets/offsets.machine.ts';
import { queuesMachine } from '../queues/queues.machine.ts';
import { rebalanceMachine } from '../rebalance/rebalance.machine.ts';
import type { SubscriptionChanged } from '../rebalance/rebalance.types.ts';
import { resetsMachine } from '../resets/resets.machine.ts';
import type { Suspect } from '../resets/resets.types.ts';
import { routesMachine } from '../routes/routes.machine.ts';
import { sendBackMachine } from '../send-back/send-back.machine.ts';
import type { MessagesFailed } from '../send-back/send-back.types.ts';
import { safe } from '../shared/safe.ts';
import { sharedSignal } from '../shared/shared-signal.ts';
import { traceMachine } from '../trace/trace.machine.ts';
import { childrenOf, connectionPrefix, endOrphans, tellShards } from './consumer.actors.ts';
import type { ConsumerContext } from './consumer.context.ts';
import type {
  ConnectionWanted,
  ConsumerEvent,
  ConsumerMachineEvent,
  ConsumerTag,
  ShutdownReport,
} from './consumer.types.ts';
import type { ConsumerParts, Leave } from './consumer-parts.ts';

type LockOfBroker = Extract<LocksCommand, { readonly brokerName: string }>;

export const withChildren = setup({
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
}).extend({
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
    suspendQueues: safe(({ context }) => tellShards(context, { type: 'queues.suspend' })),
    resumeQueues: safe(({ context }) => tellShards(context, { type: 'queues.resume' })),
    verifyQueues: safe(({ context }) => tellShards(context, { type: 'queues.verify' })),
    renewPulls: safe(({ context }, { suspects }: { readonly suspects: readonly Suspect[] }) =>
      tellShards(context, { type: 'queues.renew', suspects }),
    ),
    holdOffsets: safe(({ self }) => childrenOf(self).offsets?.send({ type: 'offsets.hold' })),
    releaseOffsets: safe(({ self }) => childrenOf(self).offsets?.send({ type: 'offsets.release' })),
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
    endOrphans: safe(({ self }, params: { readonly actorId: string }) => endOrphans(self, params.actorId)),
    buryChild: stopChild((_, params: { readonly actorId: string }) => params.actorId),
    spawnConnection: assign(({ context, spawn, self }, params: ConnectionWanted) => {
      const { address, line } = params;
      spawn('connection', {
        id: connectionPrefix + address,
        input: context.parts.get().inputs.connection(address, line.get(), self),
      });
      return {};
    }),
  },
});
