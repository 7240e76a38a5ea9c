// SPDX-License-Identifier: Apache-2.0
/** Who consumes for a group now, and what did the last heartbeat say of its topics? Source: ConsumerGroupInfo, protocol.md section 5.3. */
import type { SubscriptionData } from '../../../model/subscription.ts';
import type { HeartbeatData } from '../../../protocol/bodies/heartbeat.ts';
import type { Peer } from '../broker.types.ts';

export type ConsumerData = HeartbeatData['consumerDataSet'][number];

/** A client as its heartbeat introduced it. */
export interface ClientInfo {
  readonly clientId: string;
  readonly peer: Peer;
  readonly language: string | undefined;
  readonly version: number;
}

export interface GroupMember extends ClientInfo {
  /** What it asked for itself, whatever the group's table says now. */
  readonly subscriptions: readonly SubscriptionData[];
  /** On the cluster's clock. Unit: ms. */
  readonly lastSeen: number;
}

export class ConsumerGroup {
  readonly name: string;
  readonly #members = new Map<Peer, GroupMember>();
  readonly #subscriptions = new Map<string, SubscriptionData>();
  #model: Pick<ConsumerData, 'consumeType' | 'messageModel' | 'consumeFromWhere'>;

  constructor(data: ConsumerData) {
    this.name = data.groupName;
    this.#model = data;
  }

  /** As the last heartbeat said. */
  get model(): Pick<ConsumerData, 'consumeType' | 'messageModel' | 'consumeFromWhere'> {
    return this.#model;
  }

  get subscriptions(): ReadonlyMap<string, SubscriptionData> {
    return this.#subscriptions;
  }

  /** One for each connection, so a client id that is used twice is there twice. */
  get members(): readonly GroupMember[] {
    return [...this.#members.values()];
  }

  /** Takes a full heartbeat. True when there is a new connection, or the set of topics changed. */
  update(data: ConsumerData, client: ClientInfo, now: number): boolean {
    this.#model = data;
    const isNew = this.#see({ ...client, subscriptions: data.subscriptionDataSet, lastSeen: now });
    const hasChanged = this.#subscribe(data.subscriptionDataSet);
    return isNew || hasChanged;
  }

  /** Takes a heartbeat that leaves the subscriptions out (V2). True when there is a new connection. */
  touch(client: ClientInfo, now: number): boolean {
    const subscriptions = this.#members.get(client.peer)?.subscriptions ?? [];
    return this.#see({ ...client, subscriptions, lastSeen: now });
  }

  /** True when it was a member. */
  remove(peer: Peer): boolean {
    return this.#members.delete(peer);
  }

  /** Language and version stay as a connection's first heartbeat told them, until another client speaks on it. Source: ConsumerGroupInfo.updateChannel. */
  #see(member: GroupMember): boolean {
    const known = this.#members.get(member.peer);
    const isSameClient = known !== undefined && known.clientId === member.clientId;
    const { language, version } = isSameClient ? known : member;
    this.#members.set(member.peer, { ...member, language, version });
    return known === undefined;
  }

  /** Of two members with different expressions the newer version stays; a topic that is not in the set goes. */
  #subscribe(set: readonly SubscriptionData[]): boolean {
    let hasChanged = false;
    for (const data of set) {
      const known = this.#subscriptions.get(data.topic);
      if (known === undefined) hasChanged = true;
      if (known === undefined || data.subVersion > known.subVersion)
        this.#subscriptions.set(data.topic, data);
    }
    for (const topic of this.#subscriptions.keys()) {
      if (set.some(data => data.topic === topic)) continue;
      this.#subscriptions.delete(topic);
      hasChanged = true;
    }
    return hasChanged;
  }
}
