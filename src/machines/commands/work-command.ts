// SPDX-License-Identifier: Apache-2.0
/** What may be asked of a consumer that takes more than a change of its state: topics, pauses, places, commits. Public but for the last lines. */
import type { Listener } from '../../listeners/listener.ts';
import type { CommandTicket } from '../../model/command-ticket.ts';
import type { MessageQueue } from '../../model/message-queue.ts';
import type { Selector } from '../../model/subscription.ts';

/**
 * Where `queue.seek` goes: an offset, the oldest message that is kept, behind the newest, or the first one stored at or after a
 * time (ms since 1970, or a Date). 4.9 brokers take the message nearest to that time, which may be the one before.
 */
export type SeekTarget = number | 'begin' | 'end' | { readonly timestamp: number | Date };

/**
 * One queue, or all queues of a topic, those that come to this consumer later included. A bare MessageQueue is neither: by its
 * topic it would mean all of them.
 * @example await consumer.pause({ queue }); await consumer.pause({ topic: 'orders' });
 */
export type QueueChoice =
  | { readonly queue: MessageQueue; readonly topic?: undefined }
  | {
      readonly topic: string;
      readonly queue?: undefined;
      readonly brokerName?: undefined;
      readonly queueId?: undefined;
    };

export type SubscriptionCommand =
  /** Consumes one more topic; one that is consumed already gets the selector and the listener given here. */
  | {
      readonly type: 'consumer.subscribe';
      readonly topic: string;
      /** Default: all messages. */
      readonly selector?: Selector | undefined;
      /** Default: the config's `listener`. */
      readonly listener?: Listener | undefined;
    }
  | { readonly type: 'consumer.updateSelector'; readonly topic: string; readonly selector: Selector }
  /** What is done of its queues is committed before they are let go. */
  | { readonly type: 'consumer.unsubscribe'; readonly topic: string };

/**
 * Nothing more is pulled or delivered of these queues until `queue.resume`; running handlers end. The last word about a
 * queue counts: one that is resumed by itself goes on, though its topic is paused. Retried messages come through the queues
 * of `%RETRY%group`.
 */
export type PauseCommand =
  | ({ readonly type: 'queue.pause' } & QueueChoice)
  | ({ readonly type: 'queue.resume' } & QueueChoice);

/** Goes on from another place; what is held of the queue is let go, and the new place is committed. Leaves a halt. */
export interface SeekCommand {
  readonly type: 'queue.seek';
  readonly queue: MessageQueue;
  readonly to: SeekTarget;
}

/** A seek that a broker asks for (220). */
export interface BrokerReset extends SeekCommand {
  readonly reason: 'reset';
}

/** Seeks all queues this consumer owns but those of the retry topic, or those of one topic, to a time. Other members do so for theirs. */
export interface ResetOffsetCommand {
  readonly type: 'consumer.resetOffset';
  readonly topic?: string | undefined;
  /** ms since 1970, or a Date. */
  readonly timestamp: number | Date;
}

/**
 * Hands over, by an answered call, what is done: of all queues or one. With `enableAutoCommit: false` only this and
 * `context.commit` move offsets. `offset`: it must not lie past a message that is not done; with `enableAutoCommit: false` no
 * further than up to it.
 */
export interface CommitCommand {
  readonly type: 'consumer.commit';
  readonly queue?: MessageQueue | undefined;
  readonly offset?: number | undefined;
}

export type WorkCommand =
  | SubscriptionCommand
  | PauseCommand
  | SeekCommand
  | ResetOffsetCommand
  | CommitCommand;

/** A command with whoever waits for its end. */
export type Ticketed<Command> = Command & { readonly ticket?: CommandTicket | undefined };

const types: Readonly<Record<WorkCommand['type'], true>> = {
  'consumer.subscribe': true,
  'consumer.updateSelector': true,
  'consumer.unsubscribe': true,
  'queue.pause': true,
  'queue.resume': true,
  'queue.seek': true,
  'consumer.resetOffset': true,
  'consumer.commit': true,
};

export function isWorkCommand(event: { readonly type: string }): event is Ticketed<WorkCommand> {
  return Object.hasOwn(types, event.type);
}

/** The same for each of them, as a chart writes it. */
export function onCommand<Transition>(
  transition: Transition,
): Readonly<Record<WorkCommand['type'], Transition>> {
  const each = (Object.keys(types) as WorkCommand['type'][]).map(type => [type, transition] as const); // the keys of the table above
  return Object.fromEntries(each) as Record<WorkCommand['type'], Transition>; // as above
}

/** Of a transition whose action takes the command as it came. */
export function itself({ event }: { readonly event: Ticketed<WorkCommand> }): Ticketed<WorkCommand> {
  return event;
}
