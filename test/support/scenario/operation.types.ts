// SPDX-License-Identifier: Apache-2.0
/** What can be done in a scenario? A small vocabulary; how each is done stands in operations.ts. Every wait has a limit. */
import type { EventType, Facts, ListenerBehaviour, MemberOptions } from './member.types.ts';

export type Operation =
  | TopicOperation
  | MessageOperation
  | MemberOperation
  | LockOperation
  | WaitOperation
  | ServerOperation;

type TopicOperation =
  /** On every broker; where brokers are named, on those. */
  | {
      readonly do: 'createTopic';
      readonly topic: string;
      readonly queues: number;
      readonly brokers?: readonly string[];
    }
  /** On every broker and name server. */
  | { readonly do: 'deleteTopic'; readonly topic: string }
  /** Bits: 4 it may be read, 2 written. */
  | { readonly do: 'permit'; readonly topic: string; readonly queues: number; readonly perm: number }
  | { readonly do: 'growTopic'; readonly topic: string; readonly queues: number }
  /** Whether messages may be sent to it; it may always be read. */
  | {
      readonly do: 'allowWriting';
      readonly topic: string;
      readonly queues: number;
      readonly isAllowed: boolean;
    };

type MessageOperation =
  /** Sends so many more, numbered on, and waits until all are stored. */
  | {
      readonly do: 'produce';
      readonly topic: string;
      readonly count: number;
      /** Given in turn. */
      readonly tags?: readonly string[];
      /** So many in one request. Default 1. */
      readonly batch?: number;
      /** The broker shows them after that level's pause. */
      readonly delayLevel?: number;
      /** So many sharding keys, given in turn; those of one key go to one queue. */
      readonly shardingKeys?: number;
    }
  /** A message that says it is compressed, and is not. It gets the next number. */
  | { readonly do: 'produceUnreadable'; readonly topic: string }
  /** Sends until it is stopped; what fails is sent again until it is stored. Unit of `rate`: messages per second. */
  | {
      readonly do: 'startLoad';
      readonly topic: string;
      readonly rate: number;
      readonly shardingKeys?: number;
    }
  | { readonly do: 'stopLoad'; readonly topic: string };

type MemberOperation =
  /** Starts a member and waits until it runs. */
  | {
      readonly do: 'startMember';
      readonly member: string;
      readonly group: string;
      readonly subscriptions: readonly { readonly topic: string; readonly tags?: string }[];
      readonly listener: ListenerBehaviour;
      /** It takes the messages of a queue, or of a sharding key by its option orderBy, one after the other. */
      readonly orderly?: boolean;
      readonly options?: MemberOptions;
      /** CONSUME_FROM_TIMESTAMP begins at what `markTime` remembered under that name. */
      readonly consumeFrom?: string;
    }
  /** From now on its listener does this. */
  | { readonly do: 'changeListener'; readonly member: string; readonly listener: ListenerBehaviour }
  | { readonly do: 'suspendMember'; readonly member: string }
  | { readonly do: 'resumeMember'; readonly member: string }
  /** In order; its report must be clean. */
  | { readonly do: 'shutdownMember'; readonly member: string }
  /** `actor.stop()`: the hard stop that commits nothing, as a crash would. */
  | { readonly do: 'stopMember'; readonly member: string }
  /** Its connections break, and until `thawMember` nothing in it runs, as with SIGSTOP. */
  | { readonly do: 'freezeMember'; readonly member: string }
  /** It goes on, and its clocks say that so much time has passed. Unit: ms. */
  | { readonly do: 'thawMember'; readonly member: string; readonly after: number };

type LockOperation =
  /** From now on all members are answered with that code when they send this request, and it does not reach the broker. */
  | { readonly do: 'refuseRequest'; readonly code: number; readonly answer: number }
  | { readonly do: 'acceptRequest'; readonly code: number }
  /**
   * A stranger takes the locks of a topic's queues in the group and keeps them: for as long as the broker does, 60 s.
   * `from`: only those of the queues that this member owns; in its name they are given back before.
   */
  | {
      readonly do: 'takeLocks';
      readonly topic: string;
      readonly group: string;
      readonly kind: 'fence' | 'orderly';
      readonly from?: string;
    };

type WaitOperation =
  /** Until that many different messages are done in the group: in all, `all` that were sent, or so many `more` than now. */
  | {
      readonly do: 'awaitConsumed';
      readonly topic: string;
      readonly group: string;
      readonly count: number | 'all' | { readonly more: number };
    }
  /** Until the listener of that member was given a message so many times, failures included. */
  | { readonly do: 'awaitDeliveries'; readonly member: string; readonly count: number }
  /** Until so many such events were seen since the start of the member. Default 1. */
  | {
      readonly do: 'awaitEvent';
      readonly member: string;
      readonly event: EventType;
      readonly facts?: Facts;
      readonly times?: number;
    }
  /** Until each queue of the topic has one owner, and the shares are these, largest first. */
  | { readonly do: 'awaitSplit'; readonly topic: string; readonly split: readonly number[] }
  /** Until every broker lists exactly these. */
  | { readonly do: 'awaitMembers'; readonly group: string; readonly members: readonly string[] }
  /** Until the broker has all as committed. */
  | { readonly do: 'awaitCommitted'; readonly topic: string; readonly group: string }
  /** Until so many messages are in the group's dead letters. */
  | { readonly do: 'awaitDeadLetters'; readonly group: string; readonly count: number }
  /** Fails the scenario when not exactly so many different messages are done by now. */
  | { readonly do: 'checkConsumed'; readonly topic: string; readonly group: string; readonly count: number }
  /** Fails the scenario when the brokers have something else as committed by now: by broker and queue id. */
  | {
      readonly do: 'checkCommitted';
      readonly topic: string;
      readonly group: string;
      readonly offsets: readonly number[];
    }
  /** Until so much time has passed on the cluster's clock: only where the point is that nothing happens. Unit: ms. */
  | { readonly do: 'letTimePass'; readonly ms: number }
  /** Remembers what time it is, at least 1 ms after all that was done before and before all that comes. */
  | { readonly do: 'markTime'; readonly as: string };

type ServerOperation =
  | { readonly do: 'killBroker'; readonly broker: string }
  | { readonly do: 'startBroker'; readonly broker: string }
  | { readonly do: 'suspendBroker'; readonly broker: string }
  | { readonly do: 'resumeBroker'; readonly broker: string }
  | { readonly do: 'killNameServer'; readonly nameServer: string }
  | { readonly do: 'startNameServer'; readonly nameServer: string }
  /** They run, and know no broker, as if they had just been started; a real broker tells them within 30 s. */
  | { readonly do: 'emptyNameServers' }
  | { readonly do: 'fillNameServers' };

/** The operation that does this. */
export type OperationOf<Verb extends Operation['do']> = Extract<Operation, { readonly do: Verb }>;
