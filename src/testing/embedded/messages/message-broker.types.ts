// SPDX-License-Identifier: Apache-2.0
/** What does the message side of a broker need from outside, and what do its handlers share? */
import type { Clock } from '../../../model/clock.ts';
import type { Address } from '../../../model/route.ts';
import type { SubscriptionData } from '../../../model/subscription.ts';

export interface MessageBrokerOptions {
  readonly name: string;
  readonly clusterName: string;
  /** Known once the server listens; goes into every stored message. */
  readonly address: () => Address;
  readonly clock: Clock;
  /** Pauses of the delay levels, such as `1s 5s 10s`. */
  readonly messageDelayLevel: string;
  readonly autoCreateTopicEnable: boolean;
  readonly defaultTopicQueueNums: number;
  /** What the group's last heartbeat says of a topic; undefined: the group has no members, or is not subscribed. */
  readonly subscriptionOf: (group: string, topic: string) => SubscriptionData | undefined;
  /** Has the group ever sent a heartbeat? */
  readonly isKnownGroup: (group: string) => boolean;
  /** Does a member hold the lock of any queue under the group's own name? Then plain sends to its retry topic are dead letters. */
  readonly hasLocks?: (group: string) => boolean;
  /** A topic was made, changed or removed. */
  readonly onTopicsChanged: () => void;
  /** Memory for messages; past it sends are refused with 14. Unit: bytes. Default 1 GiB. */
  readonly maxStoreBytes?: number;
  /** From 0 up to but not including 1, for the ids of messages that come without one. Default Math.random. */
  readonly random?: () => number;
}
