// SPDX-License-Identifier: Apache-2.0
/** What goes into the conflicts machine, and what does it tell its parent? */
import type { Clock } from '../../model/clock.ts';
import type { Address } from '../../model/route.ts';
import type { Selector } from '../../model/subscription.ts';
import type { Compared, SubscriptionConflict } from '../../subscriptions/subscription-conflicts.ts';
import type { Receiver } from '../shared/refs.ts';
import type { FaultEvent } from '../shared/safe.ts';

/** What a broker keeps of the group (203). */
export interface GroupLook {
  readonly address: Address;
  /** Client ids of the other members that the broker knows. */
  readonly others: readonly string[];
  readonly theirs: readonly Compared[];
}

/** What the machine needs of brokers and of our own subscriptions. */
export interface ConflictsPort {
  /** Brokers that may be asked, masters first. Must not throw. */
  addresses(): readonly Address[];
  /**
   * Asks one broker. Rejects with a RocketmqError: `RMQ_NO_PERMISSION` or `RMQ_REQUEST_NOT_SUPPORTED` when it may not or
   * cannot be asked. undefined: nothing can be said now, as while the broker has not heard of our last change.
   */
  look(address: Address, signal: AbortSignal): Promise<GroupLook | undefined>;
  /** In what that differs from our own. */
  compare(look: GroupLook): readonly SubscriptionConflict[];
  /** Our own selector of a topic. */
  selectorOf(topic: string): Selector | undefined;
  /** Brokers may not be asked; `address` has said so. */
  noteUnasked(address: Address, reason: string): void;
}

export interface ConflictsInput {
  readonly port: ConflictsPort;
  /** Between two looks: that of the heartbeats. Unit: ms. */
  readonly interval: number;
  readonly clock: Clock;
  readonly parent: Receiver<ConflictsReport>;
}

export interface ConflictChange {
  readonly found: readonly ConflictDetails[];
  readonly over: readonly ConflictDetails[];
}

/** What is known of one topic that is not subscribed alike. */
export interface KnownConflict {
  readonly details: ConflictDetails;
  /** Looks in a row that did not show it. */
  readonly cleanLooks: number;
}

/** Refused pulls of one topic, where brokers may not be asked. */
export interface Refusals {
  /** When, monotonic ms; those of one moment count once. */
  readonly at: readonly number[];
}

export interface ConflictsContext extends ConflictsInput {
  /** Counts looks: which broker is next. */
  readonly looks: number;
  /** The last look, monotonic ms. */
  readonly lookedAt: number;
  readonly known: ReadonlyMap<string, KnownConflict>;
  readonly refusals: ReadonlyMap<string, Refusals>;
  /** What the last look, or the last refused pull, changed. */
  readonly change: ConflictChange;
}

/** Who does not subscribe alike, to what, and how. */
export interface ConflictDetails extends SubscriptionConflict {
  /** Client ids of the other members: one of them, or one that has left, subscribes otherwise. Empty where brokers may not be asked. */
  readonly members: readonly string[];
  /** The broker that showed it. */
  readonly broker: Address | undefined;
}

/** A broker refused a pull of this topic because it does not know our subscription (24, 25). */
export interface PullRefused {
  readonly type: 'subscription.stale';
  readonly topic: string;
}

export type ConflictsEvent = PullRefused | FaultEvent;

export type ConflictsReport =
  | {
      readonly type: 'subscription.conflict';
      /** `found`: once for each conflict. `over`: it is gone. */
      readonly state: 'found' | 'over';
      readonly details: ConflictDetails;
    }
  | FaultEvent;
