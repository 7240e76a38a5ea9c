// SPDX-License-Identifier: Apache-2.0
/** What goes into the rebalance machine, and what does it tell its parent? */
import type { AllocateStrategy } from '../../allocation/allocate-strategy.ts';
import type { RocketmqError } from '../../errors/errors.ts';
import type { CommandTicket } from '../../model/command-ticket.ts';
import type { MessageQueue } from '../../model/message-queue.ts';
import type { Receiver } from '../shared/refs.ts';
import type { FaultEvent } from '../shared/safe.ts';

/** What the machine needs of the cluster. */
export interface RebalancePort {
  /**
   * The client ids of the group as one broker of the topic knows them (38); the same broker for all members where possible.
   * Has its own time limit. Asked only for topics with queues, all side by side.
   */
  memberIds(topic: string, signal: AbortSignal): Promise<readonly string[]>;
  /** The readable queues of a topic, or undefined while no route of it was ever seen. Must not throw. */
  queuesOf(topic: string): readonly MessageQueue[] | undefined;
}

export interface RebalanceInput {
  readonly port: RebalancePort;
  /** The topics consumed now, retry topic included; must not throw. Send `subscription.changed` when the answer has changed. */
  readonly topics: () => readonly string[];
  readonly clientId: string;
  readonly consumerGroup: string;
  readonly allocate: AllocateStrategy;
  /** From the end of a round to the next one that nothing asked for. Unit: ms. */
  readonly interval: number;
  /** Longest wait for member lists; give more than the port's own limit. Unit: ms. Default 60000. */
  readonly collectLimit?: number;
  /** Longest wait for `assignment.applied`, then a fault is told and rounds go on; give more than revoking may take. Unit: ms. Default 120000. */
  readonly applyLimit?: number;
  readonly parent: Receiver<RebalanceReport>;
}

export interface RebalanceContext extends RebalanceInput {
  /** How many rounds were begun; names a round in the events below. */
  readonly round: number;
  /** The last decision: what the parent holds, or is about to hold. */
  readonly assigned: readonly MessageQueue[];
  /** Topics to be decided again soon: the member list was missing, or we were missing in it, or a queue was dropped since. */
  readonly undecided: readonly string[];
  /** Whether any round came to a decision yet. */
  readonly hasDecided: boolean;
  readonly tickets: RoundTickets;
}

/** Who wants to hear that a change was applied. */
export interface RoundTickets {
  /** For the next round: the one under way may have begun before the change. */
  readonly waiting: readonly Pick<CommandTicket, 'done'>[];
  /** For the round under way, or the next one that is applied. */
  readonly counted: readonly Pick<CommandTicket, 'done'>[];
}

/** The topics to be shared out are others now. */
export interface SubscriptionChanged {
  readonly type: 'subscription.changed';
  /** Done when the decision of a round that began after this event was applied. */
  readonly ticket?: Pick<CommandTicket, 'done'> | undefined;
}

/** The reasons for a new round. One that comes while a round is under way causes exactly one more afterwards. */
export type RebalanceTrigger =
  | { readonly type: 'members.changed' }
  | { readonly type: 'route.changed' }
  | SubscriptionChanged
  | { readonly type: 'rebalance.now' };

/** The parent holds exactly the queues of this round's decision now. Another round's number is ignored. */
export interface AssignmentApplied {
  readonly type: 'assignment.applied';
  readonly round: number;
}

/** The parent does not hold a queue though it was decided: it is to be given out again, after 1 s. */
export interface QueueDropped {
  readonly type: 'queue.dropped';
  readonly queue: MessageQueue;
}

export type RebalanceEvent = RebalanceTrigger | AssignmentApplied | QueueDropped | FaultEvent;

export interface AssignmentDecided {
  readonly type: 'assignment.decided';
  readonly round: number;
  /** All queues this member is to hold, in the order of `compareQueues`. */
  readonly queues: readonly MessageQueue[];
  readonly added: readonly MessageQueue[];
  readonly removed: readonly MessageQueue[];
  /** Whether any member list of this round names somebody else. */
  readonly otherMembers: boolean;
}

export interface FailedMemberList {
  readonly topic: string;
  readonly error: RocketmqError;
}

/** What the parent is told. In one round in this order: failures, missing membership, faults, the decision. */
export type RebalanceReport =
  | AssignmentDecided
  | {
      /** These topics' brokers do not count this client as a member: a heartbeat is due. What is held of them is kept. */
      readonly type: 'membership.missing';
      readonly topics: readonly string[];
    }
  | {
      /** These topics' member lists could not be had. What is held of them is kept; asked again after 1 s. */
      readonly type: 'members.failed';
      readonly failures: readonly FailedMemberList[];
    }
  | FaultEvent;

/** What became of asking for the members of one topic. */
export type MemberAnswer =
  | { readonly kind: 'listed'; readonly topic: string; readonly clientIds: readonly string[] }
  | { readonly kind: 'failed'; readonly topic: string; readonly error: RocketmqError };
