// SPDX-License-Identifier: Apache-2.0
/** What does the consumer actor take, know, emit and answer at its end? The first half is the public surface. */
import type { ErrorActorEvent } from 'xstate';
import type { RocketmqError } from '../../errors/errors.ts';
import type { ThrottleCause } from '../../flow/flow-gate.ts';
import type { MessageQueue } from '../../model/message-queue.ts';
import type { RevokeReason } from '../../model/revoke-reason.ts';
import type { Address } from '../../model/route.ts';
import type { Line } from '../../transport/line.ts';
import type { CommandsReport } from '../commands/commands.types.ts';
import type { BrokerReset, Ticketed, WorkCommand } from '../commands/work-command.ts';
import type { ConflictDetails, ConflictsReport } from '../conflicts/conflicts.types.ts';
import type { ConnectionReport } from '../connection/connection.types.ts';
import type { HeartbeatReport } from '../heartbeat/heartbeat.types.ts';
import type { OffsetsReport } from '../offsets/offsets.types.ts';
import type { ReadingFrom, TargetChange } from '../pull/pull-target.ts';
import type { QueueReport } from '../queue/queue.types.ts';
import type { RebalanceReport, SubscriptionChanged } from '../rebalance/rebalance.types.ts';
import type { ResetsReport } from '../resets/resets.types.ts';
import type { RoutesReport } from '../routes/routes.types.ts';
import type { MessagesFailed, SendBackReport } from '../send-back/send-back.types.ts';
import type { Hidden } from '../shared/hidden.ts';
import type { FaultEvent } from '../shared/safe.ts';

/** What may be sent to a consumer. `execute(actor, command)` also tells how it ended. */
export type ConsumerCommand =
  | WorkCommand
  /** Keep queues, heartbeats and commits, but pull and deliver nothing. During start: takes effect on entering `running`. */
  | { readonly type: 'consumer.suspend' }
  | { readonly type: 'consumer.resume' }
  /** Stop in the designed order. `timeout` bounds the whole path. Unit: ms. Default: `shutdownTimeout`. */
  | { readonly type: 'consumer.shutdown'; readonly timeout?: number | undefined };

/** What a consumer tells; attach with `actor.on(type, handler)` before `start()`: nothing is replayed. */
export type ConsumerEvent =
  | { readonly type: 'consumer.stateChanged'; readonly from: string; readonly to: string }
  | { readonly type: 'queue.assigned'; readonly queue: MessageQueue; readonly offset: number }
  | { readonly type: 'queue.revoked'; readonly queue: MessageQueue; readonly reason: RevokeReason }
  /** Handed to the broker; the last one of a queue, at revoke and shutdown, is an answered call. */
  | { readonly type: 'offset.committed'; readonly queue: MessageQueue; readonly offset: number }
  | {
      readonly type: 'offset.corrected';
      readonly queue: MessageQueue;
      readonly from: number | undefined;
      readonly to: number;
      readonly reason: string;
    }
  /**
   * A queue is read from another replica of its broker, by broker ids (0: the master): because the broker suggests it, or because a slave
   * stands in while the master is away. Commits go to the master only, and wait for it.
   */
  | {
      readonly type: 'queue.replicaChanged';
      readonly queue: MessageQueue;
      readonly from: number;
      readonly to: number;
      readonly reading: ReadingFrom;
    }
  /**
   * A failed message is back at the broker and will be delivered again. `attempt`: how often it was delivered so far.
   * `delayLevel`: how long it waits, 1 to 18, also where the broker chose it.
   */
  | {
      readonly type: 'message.retried';
      readonly queue: MessageQueue;
      readonly msgId: string;
      readonly attempt: number;
      readonly delayLevel: number;
    }
  /** It is in `%DLQ%group` and is not delivered again. */
  | {
      readonly type: 'message.deadLettered';
      readonly queue: MessageQueue;
      readonly msgId: string;
      /** `maxReconsumeTimes`: it failed that often. `listener`: delayLevelWhenNextConsume was negative. `retryPolicy`: that said so. */
      readonly reason: 'maxReconsumeTimes' | 'listener' | 'retryPolicy';
    }
  /** The retryPolicy let go of it: it counts as done. */
  | {
      readonly type: 'message.dropped';
      readonly queue: MessageQueue;
      readonly msgId: string;
      readonly attempt: number;
    }
  /** A handler call takes longer than consumeTimeout. Its signal is aborted; told once for each of its messages. */
  | {
      readonly type: 'message.stuck';
      readonly queue: MessageQueue;
      readonly msgId: string;
      readonly runningMs: number;
    }
  /** A message that could not be read was passed over, as onCorruptMessage said. */
  | { readonly type: 'message.skipped'; readonly queue: MessageQueue; readonly queueOffset: number }
  | {
      readonly type: 'flow.closed';
      readonly scope: 'queue' | 'topic' | 'all';
      readonly cause: ThrottleCause;
      readonly queue: MessageQueue;
    }
  | { readonly type: 'flow.opened'; readonly queue: MessageQueue }
  | {
      readonly type: 'connection.lost';
      readonly address: Address;
      readonly role: 'nameServer' | 'broker';
      readonly error: RocketmqError;
    }
  | {
      readonly type: 'connection.restored';
      readonly address: Address;
      readonly role: 'nameServer' | 'broker';
    }
  /**
   * A member of the group subscribes otherwise, and brokers filter for all by the newest subscription of a topic: `found` once
   * for each topic, `over` when it is gone. `details` names the topic, both selectors and the other members. The member whose
   * subscription is the newest does not hear of it.
   */
  | {
      readonly type: 'subscription.conflict';
      readonly state: 'found' | 'over';
      readonly details: ConflictDetails;
    }
  /** Something went wrong that is not hidden, and that the consumer survives unless its state says otherwise. */
  | { readonly type: 'fault'; readonly error: RocketmqError; readonly actor: string };

/** One queue this consumer owns now. The figures are read live from the queue. */
export interface AssignedQueue {
  readonly queue: MessageQueue;
  /** The next offset to be pulled; undefined until the start of the queue is known. */
  readonly pulledTo: number | undefined;
  /** Every message before it is done: what is committed next. */
  readonly commitPoint: number | undefined;
  /** What the broker is known to have. */
  readonly committed: number | undefined;
  /** Of the replica it is read from, as last asked: 0 the master. */
  readonly brokerId: number;
  /** Messages pulled and not done. */
  readonly held: number;
  /** Of the received frames that they keep in memory, each whole until the last of its messages is done. Unit: bytes. */
  readonly heldBytes: number;
  /** Messages a listener is working on. */
  readonly running: number;
  /** By `queue.pause`. */
  readonly paused: boolean;
}

/** The steps of a shutdown, in their order. */
export type StopStep = 'closingIntake' | 'draining' | 'persisting' | 'releasing' | 'disconnecting';

/** How one step of a shutdown went. */
export interface StepReport {
  readonly step: StopStep;
  readonly ms: number;
  readonly outcome: 'done' | 'timedOut' | 'failed' | 'skipped';
  readonly error?: RocketmqError | undefined;
}

/** What a shutdown did. */
export interface ShutdownReport {
  /** Every step done, no message abandoned, every offset confirmed. */
  readonly clean: boolean;
  readonly reason: 'requested' | 'startFailed' | 'fault';
  /** What failed, when the reason is not `requested`. */
  readonly error?: RocketmqError | undefined;
  readonly durationMs: number;
  readonly steps: readonly StepReport[];
  /** Messages whose listener had not ended; they are delivered again to the next owner. */
  readonly abandonedMessages: number;
  readonly committed: readonly { readonly queue: MessageQueue; readonly offset: number }[];
  readonly uncommitted: readonly { readonly queue: MessageQueue; readonly offset: number }[];
}

/** What the snapshot shows; never messages, sockets or secrets. */
export interface ConsumerView {
  readonly consumerGroup: string;
  readonly clientId: string;
  readonly assignedQueues: readonly AssignedQueue[];
}

// --- internal from here on ---

/** Somebody called an address for the first time. */
export interface ConnectionWanted {
  readonly type: 'connection.wanted';
  readonly address: Address;
  readonly line: Hidden<Line>;
}

/** Facts and requests inside the consumer. */
export type ConsumerInternalEvent =
  | { readonly type: 'consumer.start' }
  | ConnectionWanted
  | { readonly type: 'members.changed' }
  /** A queue is read from another replica. */
  | ({ readonly type: 'target.changed'; readonly queue: MessageQueue } & TargetChange)
  /** The route names no master of a broker that we read from. */
  | { readonly type: 'master.missed' }
  /** A broker wants a queue of ours to go on from another place. */
  | BrokerReset
  | SubscriptionChanged
  /** Listener calls failed: their messages are to be handed back. */
  | MessagesFailed
  | { readonly type: 'gap.found'; readonly monotonicMs: number; readonly wallMs: number }
  /** A step that is done within one turn says so to itself, so that every state is seen. */
  | { readonly type: 'step.done' }
  /** There is nobody who could take this step. */
  | { readonly type: 'step.skipped' }
  | ConnectionReport
  | RoutesReport
  | HeartbeatReport
  | RebalanceReport
  | OffsetsReport
  | ResetsReport
  | ConflictsReport
  | QueueReport
  | SendBackReport
  | CommandsReport
  /** A child died of an error: XState's own event. */
  | ErrorActorEvent
  | FaultEvent;

export type ConsumerMachineEvent = Ticketed<ConsumerCommand> | ConsumerInternalEvent;

/** What the state of a consumer means, whatever its path is: `snapshot.hasTag('running')`. */
export type ConsumerTag = 'starting' | 'running' | 'suspended' | 'degraded' | 'stopping';
