// SPDX-License-Identifier: Apache-2.0
/** What do admin requests need to see of a broker? */
import type { Address } from '../../../model/route.ts';
import type { SubscriptionGroup } from '../../../protocol/bodies/subscription-group.ts';
import type { Frame } from '../../../protocol/frame.ts';
import type { Peer } from '../broker.types.ts';
import type { ClientRequest } from '../client-calls.ts';
import type { ConsumerGroup } from '../clients/consumer-group.ts';

/** A topic as a broker has it; bits of perm: 4 readable, 2 writable, 1 template for new topics. */
export interface TopicView {
  readonly topic: string;
  readonly readQueueNums: number;
  readonly writeQueueNums: number;
  readonly perm: number;
}

export interface TopicViews {
  names(): readonly string[];
  get(topic: string): TopicView | undefined;
}

/** A broker as name servers list it. */
export interface Registration {
  readonly name: string;
  readonly clusterName: string;
  readonly address: Address;
  readonly topics: TopicViews;
}

/** A broker's topics and messages. */
export interface AdminMessages {
  readonly topics: TopicViews & {
    set(
      topic: string,
      shape: { readonly queues: number; readonly readQueues: number; readonly perm: number },
    ): unknown;
    remove(topic: string): void;
  };
  minOffset(topic: string, queueId: number): number;
  maxOffset(topic: string, queueId: number): number;
  committed(group: string, topic: string, queueId: number): number | undefined;
  pulled(group: string, topic: string, queueId: number): number | undefined;
  resetOffset(group: string, topic: string, queueId: number, offset: number): void;
  committedTopics(group: string): readonly string[];
  storedAt(
    topic: string,
    queueId: number,
    queueOffset: number,
  ): { readonly storeTimestamp: number } | undefined;
  recordAt(position: number): Buffer | undefined;
}

export interface AdminSide {
  readonly brokerName: string;
  readonly messages: AdminMessages;
  /** Members and subscriptions; undefined when nobody is there. */
  readonly group: (name: string) => ConsumerGroup | undefined;
  readonly isKnownGroup: (group: string) => boolean;
  readonly setGroup: (group: SubscriptionGroup) => void;
  /** Unit of the time limit: ms. Rejects when the client does not answer. */
  readonly ask: (peer: Peer, request: ClientRequest, timeoutMs: number) => Promise<Frame>;
}
