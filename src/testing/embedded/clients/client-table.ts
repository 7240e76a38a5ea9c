// SPDX-License-Identifier: Apache-2.0
/** Who are the members of each group, and who is told when that changes? Source: ConsumerManager, DefaultConsumerIdsChangeListener. */
import type { Clock } from '../../../model/clock.ts';
import type { SubscriptionData } from '../../../model/subscription.ts';
import { RequestCode } from '../../../protocol/codes.ts';
import { encodeFrame } from '../../../protocol/frame.ts';
import type { Peer } from '../broker.types.ts';
import { serverLanguage, serverVersion } from '../server-version.ts';
import { type ClientInfo, type ConsumerData, ConsumerGroup, type GroupMember } from './consumer-group.ts';

/** A member that has been silent for longer is dropped. Unit: ms. */
const silenceLimit = 120_000;
/** How often silence is looked for. Unit: ms. */
const scanInterval = 10_000;
const onewayFlag = 2;

export class ClientTable {
  readonly #clock: Clock;
  readonly #groups = new Map<string, ConsumerGroup>();
  /** Of each group's last heartbeat: 0 for V1. */
  readonly #fingerprints = new Map<string, number>();
  #timer: unknown;
  #lastOpaque = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** undefined when nobody is there. */
  group(name: string): ConsumerGroup | undefined {
    return this.#groups.get(name);
  }

  members(group: string): readonly GroupMember[] {
    return this.#groups.get(group)?.members ?? [];
  }

  /** The member with this client id, if it is there. */
  member(group: string, clientId: string): GroupMember | undefined {
    return this.members(group).find(member => member.clientId === clientId);
  }

  /** What the group's last heartbeat says of a topic; undefined: nobody is there, or the topic is not subscribed. */
  subscriptionOf(group: string, topic: string): SubscriptionData | undefined {
    return this.#groups.get(group)?.subscriptions.get(topic);
  }

  /** A heartbeat. When something changed all members are told, the newcomer among them. */
  register(data: ConsumerData, client: ClientInfo): void {
    const group = this.#groups.get(data.groupName) ?? new ConsumerGroup(data);
    this.#groups.set(group.name, group);
    if (group.update(data, client, this.#clock.now())) this.#notify(group);
  }

  /** A heartbeat without subscriptions (V2). */
  touch(data: ConsumerData, client: ClientInfo): void {
    const group = this.#groups.get(data.groupName) ?? new ConsumerGroup(data);
    this.#groups.set(group.name, group);
    if (group.touch(client, this.#clock.now())) this.#notify(group);
  }

  /** Notes the fingerprint of a heartbeat (V2). True when the group's last one had another. */
  isOtherFingerprint(group: string, fingerprint: number): boolean {
    const last = this.#fingerprints.get(group) ?? fingerprint;
    this.#fingerprints.set(group, fingerprint);
    return last !== fingerprint;
  }

  /** A goodbye: by connection, as in Java. Those that stay are told in any case. */
  unregister(name: string, peer: Peer): void {
    const group = this.#groups.get(name);
    if (group === undefined) return;
    group.remove(peer);
    this.#changed(group);
  }

  disconnected(peer: Peer): void {
    for (const group of this.#groups.values()) if (group.remove(peer)) this.#changed(group);
  }

  /** Looks for silent members from now on. */
  start(): void {
    this.halt();
    this.#timer = this.#clock.setTimeout(() => {
      this.#scan();
      this.start();
    }, scanInterval);
  }

  /** No timer is left. */
  halt(): void {
    this.#clock.clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /** All are gone and nobody is told: the broker was killed. */
  clear(): void {
    this.#groups.clear();
    this.#fingerprints.clear();
  }

  /** As in Java the others of the group are not told: they find out at their next rebalance. */
  #scan(): void {
    const oldest = this.#clock.now() - silenceLimit;
    const silent = [...this.#groups.values()].flatMap(group =>
      group.members.filter(member => member.lastSeen < oldest).map(({ peer }) => ({ group, peer })),
    );
    for (const { group, peer } of silent) {
      group.remove(peer);
      if (group.members.length === 0) this.#groups.delete(group.name);
    }
    for (const { peer } of silent) peer.close();
  }

  #changed(group: ConsumerGroup): void {
    if (group.members.length === 0) this.#groups.delete(group.name);
    this.#notify(group);
  }

  #notify({ name, model, members }: ConsumerGroup): void {
    if (model.messageModel === 'BROADCASTING') return;
    for (const { peer } of members) {
      peer.push(
        encodeFrame({
          code: RequestCode.NOTIFY_CONSUMER_IDS_CHANGED,
          opaque: ++this.#lastOpaque,
          flag: onewayFlag,
          fields: { consumerGroup: name },
          language: serverLanguage,
          version: serverVersion,
        }),
      );
    }
  }
}
