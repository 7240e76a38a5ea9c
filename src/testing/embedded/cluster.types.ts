// SPDX-License-Identifier: Apache-2.0
/** What does a test see of an embedded cluster: its options, its brokers, what happened there, and how to make it misbehave. */
import type { Clock } from '../../model/clock.ts';
import type { Address } from '../../model/route.ts';

/** A broker that is to be there. */
export interface EmbeddedBrokerOptions {
  /** As routes and queues name it: 'broker-b'. */
  readonly name: string;
  /** Where it listens. Unit: port number. Default: a free one. */
  readonly port?: number;
}

/** What an embedded cluster is made of; all of it has a default. */
export interface EmbeddedClusterOptions {
  /** Names, or how many: 2 is broker-a and broker-b. Unit: brokers. Default 1. */
  readonly brokers?: number | readonly EmbeddedBrokerOptions[];
  /** How many name servers. Unit: servers. Default 1. */
  readonly nameServers?: number;
  /** Where the first name server listens. Unit: port number. Default: a free one. */
  readonly port?: number;
  /** What delays, long polls and expiry of members are measured by. Default the system's; pass a TestClock to move time by hand. */
  readonly clock?: Clock;
  /** Pauses of the delay levels, first to last. Default Apache RocketMQ's: '1s 5s 10s 30s 1m 2m … 2h' (18 levels). */
  readonly messageDelayLevel?: string;
  /** A topic is made when a message is first sent to it. Default true. */
  readonly autoCreateTopicEnable?: boolean;
  /** How many a topic has that its first message made. Unit: queues. Default 8, and at most what the producer wants. */
  readonly defaultTopicQueueNums?: number;
}

/** One request a broker or name server has received. */
export interface ReceivedRequest {
  /** 'broker-a', 'namesrv-0'. */
  readonly server: string;
  readonly code: number;
  /** As in the protocol's tables: 'pullMessage'. */
  readonly name: string;
  readonly fields: Readonly<Record<string, string>>;
  readonly group: string | undefined;
  readonly topic: string | undefined;
  readonly queueId: number | undefined;
  readonly from: Address;
  /** On the cluster's clock. Unit: ms. */
  readonly at: number;
  /** Response code, undefined while it is not answered (a one-way request never is), 'dropped' when it never will be. Filled in later. */
  readonly answer: number | 'dropped' | undefined;
}

/** Which requests a rule is about: all that are given must match. */
export interface RequestMatch {
  /** Request code or the protocol's name of it: 11 or 'pullMessage'. */
  readonly request?: number | string;
  readonly server?: string;
  readonly group?: string;
  readonly topic?: string;
  readonly queueId?: number;
  /** Must not throw: nobody would catch it. */
  readonly where?: (request: ReceivedRequest) => boolean;
}

/** What happens to a request that a rule matches. */
export type Interference =
  /** Answers with this code instead of handling it. */
  | {
      readonly kind: 'answer';
      readonly code: number;
      readonly remark?: string;
      readonly fields?: Readonly<Record<string, string>>;
      readonly body?: Buffer;
    }
  /** Handles it after this time. Unit: ms on the cluster's clock. */
  | { readonly kind: 'delay'; readonly ms: number }
  /** Handles it, answers nothing. */
  | { readonly kind: 'dropAnswer' }
  /** Neither handles nor answers it. */
  | { readonly kind: 'drop' }
  /** Closes the connection it came on. */
  | { readonly kind: 'disconnect' }
  /** Handles it and changes the answer's bytes (with their length prefix) before they leave. */
  | { readonly kind: 'corrupt'; readonly change: (frame: Buffer) => Buffer }
  /** Handled once this promise has resolved. */
  | { readonly kind: 'hold'; readonly until: Promise<void> };

/** `body`: one bit of its body is another. `length`: its record says that it is longer than the whole answer. */
export type MessageDamage = 'body' | 'length';

/** An interference that is in force; disposing of it ends it. */
export interface Rule extends Disposable {
  /** How often it was applied. */
  readonly applied: number;
  /** No longer applied. */
  remove(): void;
}

/** A member of a group, as a broker knows it. */
export interface EmbeddedMember {
  readonly clientId: string;
  readonly from: Address;
  readonly language: string | undefined;
  /** Topic to expression. */
  readonly subscriptions: ReadonlyMap<string, string>;
}

/** What name servers and brokers have in common. */
export interface EmbeddedServer {
  readonly name: string;
  readonly address: Address;
  readonly isRunning: boolean;
  /** Everything it holds stays; connections break, as with `kill -9`. Its routes vanish from the name servers at once. */
  kill(): Promise<void>;
  /** Again on the same port, with log and offsets, without connections and members. */
  start(): Promise<void>;
  /** Accepts and reads nothing, answers nothing, until `resume`: SIGSTOP. */
  suspend(): void;
  /** Goes on with all that has come meanwhile: SIGCONT. */
  resume(): void;
}

/** A queue of a topic at one broker, and where it begins and ends. */
export interface EmbeddedQueue {
  readonly topic: string;
  readonly brokerName: string;
  readonly queueId: number;
  readonly minOffset: number;
  /** One past the last. */
  readonly maxOffset: number;
}

/** One broker of an embedded cluster: what it holds, and how to make it fail. */
export interface EmbeddedBroker extends EmbeddedServer {
  /** Names of all there are, retry topics included. */
  topics(): readonly string[];
  /** Queues of a topic, by their number; none when it does not exist. */
  queues(topic: string): readonly EmbeddedQueue[];
  /** Committed offset, undefined when there is none. */
  committed(group: string, topic: string, queueId: number): number | undefined;
  /** Consumers of a group that are connected and have sent a heartbeat. */
  members(group: string): readonly EmbeddedMember[];
  /** Client id that holds the lock of a queue, if any. */
  lockedBy(group: string, topic: string, queueId: number): string | undefined;
  /** As if the group had committed it. */
  commit(group: string, topic: string, queueId: number, offset: number): void;
  /** As retention does: what lies before this offset is gone, and becomes the queue's minimum. */
  dropMessages(topic: string, queueId: number, before: number): void;
  /**
   * From now on pulls bring this message changed, in so many answers (default all) or until the rule is removed. What is
   * stored stays as it is; a later call for the same message takes the place of this one.
   * @throws RocketmqError `RMQ_MESSAGE_INVALID` when nothing is stored there
   * @example cluster.broker().damage({ topic: 'orders', queueId: 0, queueOffset: 7 }, 'body', { times: 2 });
   */
  damage(
    message: Pick<EmbeddedMessage, 'topic' | 'queueId' | 'queueOffset'>,
    what: MessageDamage,
    options?: { readonly times?: number },
  ): Rule;
  /** Messages of a queue, oldest first, as they are stored (a copy). */
  messages(topic: string, queueId?: number): readonly EmbeddedMessage[];
}

/** A message as it is stored. */
export interface EmbeddedMessage {
  readonly topic: string;
  readonly queueId: number;
  readonly queueOffset: number;
  readonly msgId: string;
  readonly body: Buffer;
  readonly reconsumeTimes: number;
  readonly properties: ReadonlyMap<string, string>;
}

/** A message to be stored as if a producer had sent it. */
export interface NewMessage {
  readonly topic: string;
  readonly body: Buffer | string;
  readonly tags?: string;
  readonly keys?: string | readonly string[];
  readonly properties?: Readonly<Record<string, string>>;
  /** Default: round robin. */
  readonly queueId?: number;
  /** Default: round robin over those with the topic. */
  readonly brokerName?: string;
  /** 1–18; it becomes visible after that level's pause. */
  readonly delayTimeLevel?: number;
}

/** An in-process name server and broker(s) over real sockets, in memory. For tests and demos, never for production. */
export interface EmbeddedCluster extends AsyncDisposable {
  /** `'127.0.0.1:1;127.0.0.1:2'`, as `namesrvAddr` of a consumer takes it. */
  readonly namesrvAddr: string;
  readonly clock: Clock;
  readonly nameServers: readonly EmbeddedServer[];
  readonly brokers: readonly EmbeddedBroker[];
  /**
   * The broker of this name; without a name the first.
   * @throws RocketmqError `RMQ_BROKER_NOT_FOUND` naming those there are
   */
  broker(name?: string): EmbeddedBroker;
  /** Makes a topic, or changes the number of its queues. Queues: for each broker, default 8. */
  createTopic(
    topic: string,
    options?: { readonly queues?: number; readonly brokers?: readonly string[] },
  ): void;
  /** One more, running and registered when the promise resolves. Topics are not made on it by themselves. */
  addBroker(options: EmbeddedBrokerOptions): Promise<EmbeddedBroker>;
  /**
   * Killed and gone from the routes for good, with all it held.
   * @throws RocketmqError `RMQ_BROKER_NOT_FOUND` naming those there are
   */
  removeBroker(name: string): Promise<void>;
  /** Stores messages as if a producer had sent them, in order. Returns where each went. */
  send(...messages: readonly NewMessage[]): readonly EmbeddedMessage[];
  /** Every request received since the start, oldest first; at most the last 10,000. */
  requests(match?: RequestMatch): readonly ReceivedRequest[];
  /** Interferes with requests that match, `times` of them (default all), until removed. The newest rule that matches wins. */
  interfere(match: RequestMatch, what: Interference, options?: { readonly times?: number }): Rule;
  /**
   * Resolves when as many requests that match have been received since the start, with the last of them.
   * @param times default 1
   * @throws RocketmqError `RMQ_ABORTED` when the cluster is stopped before
   */
  untilRequest(match: RequestMatch, times?: number): Promise<ReceivedRequest>;
  /** Resolves when nothing moves on the sockets of this process any more: all that needs no time has happened. */
  settle(): Promise<void>;
  /**
   * Lets time pass on the cluster's TestClock, in steps small enough that clients with the same clock get their answers
   * before they give up waiting. Unit: ms.
   * @throws RocketmqError `RMQ_COMMAND_REFUSED` when the clock is not a TestClock
   */
  pass(ms: number): Promise<void>;
  /**
   * Lets time pass until it is so, or until the promise settles, whose value it gives: `await cluster.passUntil(whenRunning(consumer))`.
   * @param atMost default 60,000. Unit: ms on the cluster's clock.
   * @throws RocketmqError `RMQ_REQUEST_TIMEOUT` when it does not come; `RMQ_COMMAND_REFUSED` when the clock is not a TestClock
   */
  passUntil<T>(what: (() => boolean) | Promise<T>, atMost?: number): Promise<T | undefined>;
  /** Ends servers, connections and timers; idempotent. */
  stop(): Promise<void>;
}
