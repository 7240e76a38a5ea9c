// SPDX-License-Identifier: Apache-2.0
/** What does the actor that carries out commands take, know and tell? */
import type { DoneActorEvent, ErrorActorEvent } from 'xstate';
import type { RocketmqError } from '../../errors/errors.ts';
import type { CommandTicket } from '../../model/command-ticket.ts';
import type { MessageQueue } from '../../model/message-queue.ts';
import type { Receiver } from '../shared/refs.ts';
import type { FaultEvent } from '../shared/safe.ts';
import type { SubscribingPort, SubscribingReport } from '../subscribing/subscribing.types.ts';
import type { SeekDecided, SeekLasts, SeekPort, SeekWork } from './seek.types.ts';
import type {
  CommitCommand,
  PauseCommand,
  QueueChoice,
  ResetOffsetCommand,
  SubscriptionCommand,
  WorkCommand,
} from './work-command.ts';

/** Needed from outside. */
export interface CommandsPort extends SeekPort {
  /** The queues that are ours by the last decision. */
  owned(): readonly MessageQueue[];
  /** The retry topic included. */
  isSubscribed(topic: string): boolean;
  /**
   * Hands over what is done of these queues by answered calls; with `upTo`, no further than needed. Rejects with
   * RMQ_OFFSET_OUT_OF_RANGE when that lies past a message that is not done, and when a broker did not confirm.
   */
  commit(queues: readonly MessageQueue[], upTo: number | undefined, signal: AbortSignal): Promise<void>;
}

export interface CommandsInput {
  readonly consumerGroup: string;
  readonly port: CommandsPort;
  readonly subscribing: SubscribingPort;
  /** A number from 0 to 1, 1 excluded; for the jitter of retries. */
  readonly random: () => number;
  readonly parent: Receiver<CommandsReport>;
}

/** What one job does; a reset becomes a seek for each queue. */
export type Work = SubscriptionCommand | PauseCommand | SeekWork | ResetOffsetCommand | CommitCommand;

/** A command on its way to its end. */
export interface Job {
  readonly id: number;
  readonly work: Work;
  /** Heard once. */
  readonly ticket: CommandTicket;
}

export interface CommandsContext extends CommandsInput {
  readonly lastId: number;
  /** In the order they came. */
  readonly waiting: readonly Job[];
  /** Those that have an actor of their own. */
  readonly running: readonly Job[];
  /** Those of them that wait for a broker or a lock for longer than the others can wait for them. */
  readonly lasting: readonly Job[];
}

export type CommandsEvent =
  | { readonly type: 'command.given'; readonly command: WorkCommand; readonly ticket: CommandTicket }
  /** The consumer is running. */
  | { readonly type: 'commands.open' }
  /** It is in doubt what is ours: nothing new is begun. */
  | { readonly type: 'commands.hold' }
  /** The consumer stops: all that is not done is refused. */
  | { readonly type: 'commands.close' }
  | { readonly type: 'queues.left'; readonly queues: readonly MessageQueue[] }
  /** A job's actor has ended: XState's own events. */
  | DoneActorEvent
  | ErrorActorEvent
  | SubscribingReport
  | SeekLasts
  | FaultEvent;

/** To the consumer. */
export type CommandsReport =
  | {
      readonly type: 'pause.decided';
      readonly choice: QueueChoice;
      readonly paused: boolean;
      readonly ticket: CommandTicket;
    }
  | SeekDecided
  /** It is not subscribed any more. */
  | { readonly type: 'topic.left'; readonly topic: string }
  /** A command nobody waits for was refused. */
  | { readonly type: 'command.refused'; readonly error: RocketmqError }
  | FaultEvent;
