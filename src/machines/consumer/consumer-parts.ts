// SPDX-License-Identifier: Apache-2.0
/** What does the consumer chart need from outside? Its children's inputs and a few effects; build-parts.ts makes the real ones. */
import type { ResolvedConfig } from '../../config/resolved-config.ts';
import type { RocketmqError } from '../../errors/errors.ts';
import type { HandlerSlots } from '../../listeners/handler-slots.ts';
import type { Clock } from '../../model/clock.ts';
import type { MessageQueue, QueueKey } from '../../model/message-queue.ts';
import type { Address } from '../../model/route.ts';
import type { Logger } from '../../observability/logger.ts';
import type { QueuePosition } from '../../stores/offset-store.ts';
import type { Line } from '../../transport/line.ts';
import type { PullTally } from '../../transport/pull-tally.ts';
import type { CommandsInput } from '../commands/commands.types.ts';
import type { ConflictsInput } from '../conflicts/conflicts.types.ts';
import type { ConnectionInput } from '../connection/connection.types.ts';
import type { HeartbeatInput } from '../heartbeat/heartbeat.types.ts';
import type { LocksInput } from '../locks/locks.types.ts';
import type { OffsetsInput } from '../offsets/offsets.types.ts';
import type { QueuesInput } from '../queues/queues.types.ts';
import type { RebalanceInput } from '../rebalance/rebalance.types.ts';
import type { ResetsInput } from '../resets/resets.types.ts';
import type { QueueFate } from '../routes/route-cache.ts';
import type { RoutesInput } from '../routes/routes.types.ts';
import type { SendBackInput } from '../send-back/send-back.types.ts';
import type { Receiver } from '../shared/refs.ts';
import type { SubscribingPort } from '../subscribing/subscribing.types.ts';
import type { TraceInput } from '../trace/trace.types.ts';
import type { AssignedQueue, ConsumerInternalEvent } from './consumer.types.ts';
import type { ConsumeRates } from './server-requests/figures.ts';

export type ConsumerReceiver = Receiver<ConsumerInternalEvent>;

/** The last words to the brokers. */
export interface Leave {
  readonly parts: ConsumerParts;
  /** Queues whose last commit no broker confirmed. */
  readonly unconfirmed: ReadonlySet<QueueKey>;
  /** Unit: ms. */
  readonly timeoutMs: number;
}

export interface ConsumerParts {
  readonly config: ResolvedConfig;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly slots: HandlerSlots;
  readonly pulls: PullTally;
  /** How fast each subscribed topic is pulled and consumed. */
  readonly rates: () => Readonly<Record<string, ConsumeRates>>;
  /** Inputs of the children; `parent` is the consumer. */
  readonly inputs: {
    routes(parent: ConsumerReceiver): RoutesInput;
    connection(address: Address, line: Line, parent: ConsumerReceiver): ConnectionInput;
    heartbeat(parent: ConsumerReceiver): HeartbeatInput;
    rebalance(parent: ConsumerReceiver): RebalanceInput;
    offsets(parent: ConsumerReceiver): OffsetsInput;
    /** Undefined: offsets are not kept at brokers, so nobody resets them there. */
    resets(parent: ConsumerReceiver): ResetsInput | undefined;
    queues(parent: ConsumerReceiver): Pick<QueuesInput, 'openQueue' | 'parent'>;
    /** `owned`: the queues that are ours by the last decision. */
    commands(parent: ConsumerReceiver, owned: () => readonly MessageQueue[]): CommandsInput;
    conflicts(parent: ConsumerReceiver): ConflictsInput;
    sendBack(parent: ConsumerReceiver): SendBackInput;
    /** Undefined: nothing is traced. */
    trace(parent: ConsumerReceiver): TraceInput | undefined;
    /** Undefined: queues are taken without a lock. */
    locks(parent: ConsumerReceiver): LocksInput | undefined;
  };
  /** What changes of the subscriptions are made with. */
  readonly subscribing: SubscribingPort;
  /** From now on connections that are wanted, pushes of brokers and time gaps are told to the consumer. */
  attach(consumer: ConsumerReceiver): void;
  /** A new assignment is given out: its queues share one look at where they start. */
  beginRound(): void;
  /** There are credentials to be asked for before anything can be signed. */
  isUnidentified(): boolean;
  /** Asks for the first credentials. */
  identify(): Promise<void>;
  /** Reads what the offset store keeps itself. */
  loadOffsets(signal: AbortSignal): Promise<void>;
  /** Where queues start that the group is new to is a question of time. */
  startsByTime(): boolean;
  /** Rejects when that question may not be asked. */
  askByTime(signal: AbortSignal): Promise<void>;
  /** Which queues were there when their topic was first asked for: all others are read from their beginning. */
  noteRoutes(unknownTopic?: string): void;
  /** As many of the last writes of offsets succeeded as `offsetStoreRecoveryThreshold` wants. */
  isSaved(): boolean;
  /** What the brokers are not known to have. */
  uncommitted(): readonly QueuePosition[];
  /**
   * Gives back the locks of the queues whose last commit was confirmed, lets the last traces out, then tells the group's brokers that we leave;
   * rejects with the first failure after all were asked.
   */
  leave(options: Omit<Leave, 'parts'> & { readonly signal: AbortSignal }): Promise<void>;
  /** Live figures of an owned queue. */
  viewOf(queue: MessageQueue, paused: boolean): AssignedQueue;
  /** The retry topic included. */
  isSubscribed(topic: string): boolean;
  /** False while time may have passed without us: nothing is delivered or committed. */
  isFresh(): boolean;
  /** What was learned before the gap was asked anew. False: there was another gap meanwhile. */
  confirmPulse(): boolean;
  /** Names of the brokers whose masters listen there, as far as routes say. */
  mastersAt(address: Address): readonly string[];
  /** The route of `%RETRY%group` is there. */
  knowsRetryTopic(): boolean;
  /** Why a queue that is given up is not shared out any more. */
  fateOf(queue: MessageQueue): QueueFate;
  /** Closes the lines to addresses that no route names and no queue needs any more; answers those. */
  closeStaleLines(): readonly Address[];
  /** No further call is accepted; those that wait fail. */
  closeLines(error: RocketmqError): void;
  /** Destroys sockets and timers that are still there. */
  closeScope(): void;
}
