// SPDX-License-Identifier: Apache-2.0
/** What must a strategy answer that shares a topic's queues among the members of a group? */
import type { MessageQueue } from '../model/message-queue.ts';

/** What every member of the group sees alike, and who is asking. Source: AllocateMessageQueueStrategy.allocate. */
export interface AllocateContext {
  readonly consumerGroup: string;
  /** The member whose share is asked for. It is always one of `clientIds`. */
  readonly clientId: string;
  /** The readable queues of one topic, in the order of `compareQueues`. Never empty. */
  readonly queues: readonly MessageQueue[];
  /** All members of the group, each once, in the order of `compareText`. Never empty. */
  readonly clientIds: readonly string[];
}

/**
 * The share of one member. It must be a pure function of its context: all members compute it on their own, and only
 * equal answers to equal questions leave every queue with exactly one owner.
 * @example
 * const onlyEven: AllocateFunction = ({ queues }) => queues.filter(queue => queue.queueId % 2 === 0);
 */
export type AllocateFunction = (context: AllocateContext) => readonly MessageQueue[];

/** A share with a name for logs. Members of one group must use strategies of the same name. Source: AllocateMessageQueueStrategy. */
export interface NamedAllocateStrategy {
  readonly name: string;
  /** The queues of `context.clientId`: a pure function, as {@link AllocateFunction}. */
  allocate(context: AllocateContext): readonly MessageQueue[];
}

/** How queues are shared: a named strategy, or just its function. */
export type AllocateStrategy = NamedAllocateStrategy | AllocateFunction;
