// SPDX-License-Identifier: Apache-2.0
/** What does a change of the subscriptions of a running consumer take, need and tell? */
import type { RocketmqError } from '../../errors/errors.ts';
import type { Listener } from '../../listeners/listener.ts';
import type { CommandTicket } from '../../model/command-ticket.ts';
import type { Selector } from '../../model/subscription.ts';
import type { SubscriptionCommand } from '../commands/work-command.ts';
import type { Receiver } from '../shared/refs.ts';
import type { FaultEvent } from '../shared/safe.ts';

/** What a command comes to, given what is subscribed now. */
export type SubscribingPlan =
  /** It is as wanted already. */
  | { readonly kind: 'nothing'; readonly topic: string }
  /** Another listener for what is consumed already: brokers need not know. */
  | { readonly kind: 'relisten'; readonly topic: string; readonly listener: Listener }
  /** A new topic, or another selector for one. */
  | {
      readonly kind: 'join' | 'revise';
      readonly topic: string;
      readonly selector: Selector;
      /** Undefined: the one there is stays, for a new topic the config's. */
      readonly listener: Listener | undefined;
    }
  | { readonly kind: 'leave'; readonly topic: string };

/** What the machine needs of the consumer and its brokers; made by machines/consumer/subscribing-port.ts. */
export interface SubscribingPort {
  /**
   * What is there to do? Changes nothing, but warns of a selector that probably means something else.
   * @throws SubscriptionError `RMQ_SUBSCRIPTION_INVALID`
   */
  plan(command: SubscriptionCommand): SubscribingPlan;
  /** Before the start there is nobody to tell: the change counts at once. Throws as `plan` does. */
  applyNow(command: SubscriptionCommand): void;
  /**
   * Has a broker of the topic look at an SQL92 selector (46); resolves at once for others. Rejects with SubscriptionError
   * `RMQ_SELECTOR_REFUSED` when it says no, with the last failure when no broker could be asked.
   */
  check(plan: SubscribingPlan, signal: AbortSignal): Promise<void>;
  /**
   * From now on heartbeats say so. A new topic is not shared out yet; of another selector the filter here counts at once,
   * while pulls name the former version; a topic that is left is no longer shared out but still in the heartbeats.
   */
  apply(plan: SubscribingPlan): void;
  /** Asks where a new topic lives. Rejects when no name server answers; one that does not know the topic is an answer. */
  locate(topic: string, signal: AbortSignal): Promise<void>;
  /** Heartbeats to all brokers at once. Rejects when of the topic's brokers, if there are any, none has accepted it. */
  register(topic: string, signal: AbortSignal): Promise<void>;
  /** The brokers know: the topic is shared out, pulls name the new version. */
  settle(topic: string): void;
  /** Resolves when a round of sharing that began after this call was applied. */
  share(): Promise<void>;
  /** Resolves when no queue of the topic is held any more: its handlers have ended, what was done is committed. */
  drained(topic: string): Promise<void>;
  /** From now on heartbeats leave the topic out. */
  forget(topic: string): void;
}

export interface SubscribingInput {
  readonly command: SubscriptionCommand;
  /** Told when the change took effect, or why it did not. Stopping the actor tells it nothing. */
  readonly ticket: CommandTicket;
  readonly port: SubscribingPort;
  readonly parent: Receiver<SubscribingReport>;
}

export interface SubscribingContext extends SubscribingInput {
  /** Until it was looked at: nothing. */
  readonly plan: SubscribingPlan;
  readonly refusal: RocketmqError | undefined;
}

export type SubscribingEvent =
  /** A later change of the same topic waits: this one is refused, unless the topic is being left. */
  | { readonly type: 'subscribing.replaced' }
  /** Whoever gave the command died, and has told the ticket: nothing is done any more. */
  | { readonly type: 'subscribing.abandon' }
  | FaultEvent;

export type SubscribingReport =
  /** The ticket was told; the next change may begin. The actor has ended. */
  | { readonly type: 'subscribing.ended' }
  /** It waits for others, and nobody knows how long that takes: what can go on shall not wait for it. */
  | { readonly type: 'subscribing.lasts'; readonly topic: string }
  | FaultEvent;
