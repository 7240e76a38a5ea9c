// SPDX-License-Identifier: Apache-2.0
/** What is a scenario? Data only: which cluster, what is done in which order, what must have been seen at the end. */
import type { EventType, Facts } from './member.types.ts';
import type { Operation } from './operation.types.ts';

/** Names of topics, groups and members are the scenario's own; a run makes fresh ones of them, so a cluster serves many. */
export interface Scenario {
  /** A sentence on behaviour. */
  readonly name: string;
  readonly cluster?: ClusterWanted;
  readonly steps: readonly Operation[];
  readonly expect: Expectations;
  /** Events of members that are of no interest here. Every other one is expected, or breaks the scenario. */
  readonly ignore: readonly EventType[];
}

/** Scenarios that want the same may share one. */
export interface ClusterWanted {
  /** How many. Default 1: `broker-a`. */
  readonly brokers?: number;
  /** Default 1: `namesrv-0`. */
  readonly nameServers?: number;
  /** A server is killed or frozen: nobody else may use the cluster meanwhile. Default false. */
  readonly alone?: boolean;
}

/** A number: exactly so many. */
export type EventExpectation =
  | number
  | {
      /** Exactly so many. */
      readonly times?: number;
      readonly atLeast?: number;
      /** Only those are looked at. Default: all. */
      readonly where?: Facts;
      /** True of each of them. */
      readonly each?: Facts;
    }
  /** Exactly these, in this order. */
  | { readonly inOrder: readonly Facts[] };

/** Beside these, every run is judged by the order of its calls on the wire (trace-checker.ts). */
export interface Expectations {
  readonly consumed: readonly GroupExpectation[];
  /** By member, by type of event. */
  readonly events: Readonly<Record<string, Readonly<Partial<Record<EventType, EventExpectation>>>>>;
  /** Every state a member was in, in order. */
  readonly states?: Readonly<Record<string, readonly string[]>>;
  /** Whom the brokers list as members of a group at the end. */
  readonly members: Readonly<Record<string, readonly string[]>>;
  /** How many messages of a group are in its dead letters. Default 0 of each group. */
  readonly deadLetters?: Readonly<Record<string, number>>;
  /** `any`: locks may be left at the end. Default: members that were shut down gave back all of theirs. */
  readonly locks?: 'any';
}

/** What became of a topic's messages in one group. */
export interface GroupExpectation {
  readonly group: string;
  readonly topic: string;
  /** Which ones it wants: all (default), or those with one of these tags. */
  readonly tags?: readonly string[];
  /** Or these numbers, where others put the messages into the topic. */
  readonly messages?: readonly number[];
  /** So many of the first may be delivered or not: versions of the broker differ. Default 0. */
  readonly optional?: number;
  /** Of those, the numbers that become dead letters. Default none. */
  readonly dead?: readonly number[];
  /** Wanted, and neither done by a member nor a dead letter. */
  readonly lost: 0;
  /** How many times too often a stored message was done. `any`: not judged, as after a crash. */
  readonly repeated: 0 | 'any';
  /** Deliveries by attempt: `{ 1: 100, 2: 10 }`. Not judged when left out. */
  readonly attempts?: Readonly<Record<number, number>>;
  /** At least so long before an attempt: the first since the message was made, a later one since the one before. Unit: ms. */
  readonly pauses?: Readonly<Record<number, number>>;
  /** So long after it was made, each message was given to a listener for the first time, at the latest. Unit: ms. */
  readonly within?: number;
  /** No message was passed over, overtaken, or handled beside another of its queue, or of its sharding key. */
  readonly order?: 'queue' | 'shardingKey';
  /** So many listener calls at once worked on messages of one queue, at least. */
  readonly sideBySide?: number;
  /** Sizes of what the listener was given at once. Not judged when left out. */
  readonly batches?: { readonly largest: number };
  /** `max`: on every queue all is committed; `behind`: on one at least something is not. */
  readonly committed: 'max' | 'behind';
}
