// SPDX-License-Identifier: Apache-2.0
/** How does the consumer reach its children, and how does a rebalance decision get to the queues? */
import { type MessageQueue, queueKey } from '../../model/message-queue.ts';
import type { RevokeReason } from '../../model/revoke-reason.ts';
import { openJobs, refuseAll } from '../commands/commands.actors.ts';
import type { CommandsContext, CommandsEvent } from '../commands/commands.types.ts';
import { commandRefused } from '../commands/refusals.ts';
import type { SeekEvent } from '../commands/seek.types.ts';
import type { ConflictsEvent } from '../conflicts/conflicts.types.ts';
import type { CloseConnection } from '../connection/connection.types.ts';
import type { HeartbeatEvent } from '../heartbeat/heartbeat.types.ts';
import type { LocksCommand } from '../locks/locks.types.ts';
import type { OffsetsEvent } from '../offsets/offsets.types.ts';
import type { QueueEvent } from '../queue/queue.types.ts';
import type { QueuesEvent } from '../queues/queues.types.ts';
import type { RebalanceEvent } from '../rebalance/rebalance.types.ts';
import type { RoutesEvent } from '../routes/routes.types.ts';
import type { SendBackEvent } from '../send-back/send-back.types.ts';
import type { Receiver } from '../shared/refs.ts';
import type { SubscribingEvent } from '../subscribing/subscribing.types.ts';
import type { TraceEvent } from '../trace/trace.types.ts';
import type { ConsumerContext } from './consumer.context.ts';

/** Children there may be at one time or another. Sending to one that is not there is nothing, unlike XState's sendTo. */
export interface Children {
  readonly routes?: Receiver<RoutesEvent> | undefined;
  readonly heartbeat?: Receiver<HeartbeatEvent> | undefined;
  readonly rebalance?: (Receiver<RebalanceEvent> & Rounds) | undefined;
  readonly offsets?: Receiver<OffsetsEvent> | undefined;
  readonly sendBack?: Receiver<SendBackEvent> | undefined;
  readonly conflicts?: Receiver<ConflictsEvent> | undefined;
  readonly locks?: Receiver<LocksCommand> | undefined;
  readonly trace?: Receiver<TraceEvent> | undefined;
  readonly commands?: (Receiver<CommandsEvent> & Commands) | undefined;
}

interface Commands {
  getSnapshot(): {
    readonly status: string;
    readonly context: CommandsContext;
    readonly children: Readonly<Record<string, Receiver<SeekEvent | SubscribingEvent> | undefined>>;
  };
}

interface Rounds {
  getSnapshot(): { readonly context: { readonly round: number } };
}

/** The newest round of sharing, under way or over. */
export function newestRound(self: AnySelf): number {
  return childrenOf(self).rebalance?.getSnapshot().context.round ?? 0;
}

interface AnySelf {
  getSnapshot(): { readonly children: object };
}

export function childrenOf(self: AnySelf): Children {
  return self.getSnapshot().children as Children; // ids and machines are wired in consumer.machine.ts, XState's own type is cyclic here
}

/** Undefined: no shard keeps the queue. */
export function shardOf(
  { shards, residence }: Pick<ConsumerContext, 'shards' | 'residence'>,
  queue: MessageQueue,
): Receiver<QueuesEvent> | undefined {
  return shards.get()[residence.get(queueKey(queue)) ?? -1];
}

export function tellShards(context: ConsumerContext, event: QueuesEvent): void {
  for (const shard of context.shards.get()) shard.send(event);
}

/** Closes every connection actor; answers how many there are. */
export function closeConnections(self: AnySelf): number {
  const children = self.getSnapshot().children as Readonly<
    Record<string, Receiver<CloseConnection> | undefined>
  >; // as above
  const connections = Object.entries(children).filter(([id]) => id.startsWith(connectionPrefix));
  for (const [, connection] of connections) connection?.send({ type: 'connection.close' });
  return connections.length;
}

export const connectionPrefix = 'connection ';
export const shardPrefix = 'queues ';

/** Stands in the place of a shard that died. */
export const nobody: Receiver<QueuesEvent> = { send: () => {} };

interface DeadShard {
  getSnapshot(): { readonly children: Readonly<Record<string, Receiver<QueueEvent> | undefined>> };
}

/**
 * XState leaves the children of an actor that died running (issue 5153). Queue actors end at once: their listeners are
 * aborted, what was done before is committed with the rest.
 */
export function endOrphans(self: AnySelf, actorId: string): void {
  if (!actorId.startsWith(shardPrefix)) return;
  const children = self.getSnapshot().children as Readonly<Record<string, DeadShard | undefined>>; // as above
  const orphans = Object.values(children[actorId]?.getSnapshot().children ?? {});
  for (const orphan of orphans) orphan?.send({ type: 'queue.revoke', reason: 'shutdown', grace: 0 });
}

/** Sending to one that has ended does nothing; XState's development build warns of it. */
export function tellCommands(self: AnySelf, event: CommandsEvent): void {
  const { commands } = childrenOf(self);
  if (commands?.getSnapshot().status === 'active') commands.send(event);
}

/** Whoever waits for a command must not wait for ever when the actor that carries it out has died; seeks under way end with it. */
export function refuseOrphans(self: AnySelf, actorId: string): void {
  const { commands } = childrenOf(self);
  if (actorId !== 'commands' || commands === undefined) return;
  const { context, children } = commands.getSnapshot();
  refuseAll(openJobs(context), ({ work }) => commandRefused(context.consumerGroup, work.type, 'stopping'));
  for (const [id, child] of Object.entries(children)) {
    if (id.startsWith('seek ')) child?.send({ type: 'queue.left' });
    if (id.startsWith('subscribe ')) child?.send({ type: 'subscribing.abandon' });
  }
}

/** Revokes before it assigns: within one turn no queue is pulled twice. */
export function giveAssignments(
  context: ConsumerContext,
  decision: { readonly added: readonly MessageQueue[]; readonly removed: readonly MessageQueue[] },
  options: { readonly lost: boolean; readonly alone: boolean },
): void {
  const { revokeTimeout: grace } = context.parts.get().config;
  for (const queue of decision.removed) {
    const reason = options.lost ? 'lost' : reasonOf(context, queue);
    shardOf(context, queue)?.send({ type: 'queues.revoke', queue, reason, grace });
  }
  const suspended = options.lost || context.intent === 'suspended';
  const { alone } = options;
  for (const queue of decision.added) {
    shardOf(context, queue)?.send({ type: 'queues.assign', assignment: { queue, alone, suspended } });
  }
}

function reasonOf({ parts }: ConsumerContext, queue: MessageQueue): RevokeReason {
  const fate = parts.get().fateOf(queue);
  return fate === 'routed' ? 'rebalance' : fate;
}
