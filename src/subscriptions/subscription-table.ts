// SPDX-License-Identifier: Apache-2.0
/** Which topics does this consumer want now, with which selectors, and does a received message match? */
import { RocketmqError, toError } from '../errors/errors.ts';
import { isRetryTopic, retryTopicOf } from '../model/names.ts';
import {
  type ExpressionType,
  everything,
  type Selector,
  type SubscriptionData,
  subscriptionData,
} from '../model/subscription.ts';
import { checkedSelector, checkTopic, invalid } from './checked.ts';

/** The most topics of one consumer. */
export const maxSubscriptions = 1000;

/** One subscribed topic. */
export interface Subscription {
  readonly topic: string;
  readonly selector: Selector;
  /** As heartbeats carry it, with the version of its last change. */
  readonly data: SubscriptionData;
}

/** What happened to a topic. */
export interface SubscriptionChange {
  readonly kind: 'subscribed' | 'updated' | 'unsubscribed';
  readonly topic: string;
  /** The version after the change. */
  readonly version: number;
}

export interface SubscriptionTableOptions {
  /** Wall clock for versions. Unit: ms since 1970. Default: the system's. */
  readonly wallNow?: () => number;
  /** How many there may be, deactivated ones included. Unit: topics. Default: 1000. */
  readonly limit?: number;
  /** Told when an observer given to onChange throws. Default: the change's caller gets the error, after all observers were told. */
  readonly report?: (error: RocketmqError) => void;
}

/**
 * A topic on its way. `joining`: heartbeats list it, queues of it are not shared out yet. `consumed`: they are.
 * `leaving`: it is no longer subscribed; heartbeats list it until its last queue has ended, or its pulls would be refused.
 */
type Phase = 'joining' | 'consumed' | 'leaving';

interface Entry extends Subscription {
  readonly phase: Phase;
  /** The version that pulls name; brokers answer 25 to one they have not been told yet. */
  readonly pullVersion: number;
  /** The kind of expression that version is. */
  readonly pullType: ExpressionType;
  /** The wanted tags; undefined: all. Checked again here because brokers filter by hash. */
  readonly tags: ReadonlySet<string> | undefined;
}

/** How a change counts. Default: at once. `afterBeat`: pulls and the sharing out of queues follow with `settle`, once brokers know of it. */
export interface SubscribeOptions {
  readonly afterBeat?: boolean;
}

/**
 * The subscriptions of one consumer; they survive a suspend and are what heartbeats, routes and rebalancing ask for.
 */
export class SubscriptionTable {
  readonly #entries = new Map<string, Entry>();
  readonly #observers = new Set<(change: SubscriptionChange) => void>();
  readonly #wallNow: () => number;
  readonly #limit: number;
  readonly #report: ((error: RocketmqError) => void) | undefined;
  /** Of the retry topic, which never changes. */
  readonly #firstVersion: number;
  #version: number;

  constructor(options: SubscriptionTableOptions = {}) {
    this.#wallNow = options.wallNow ?? Date.now;
    this.#limit = options.limit ?? maxSubscriptions;
    this.#report = options.report;
    this.#firstVersion = Math.floor(this.#wallNow());
    this.#version = this.#firstVersion;
  }

  /** Grows with every change, also when the wall clock stands still or goes back. Unit: ms since 1970. */
  get version(): number {
    return this.#version;
  }

  /** The most topics, deactivated ones included. */
  get limit(): number {
    return this.#limit;
  }

  protected wallNow(): number {
    return Math.floor(this.#wallNow());
  }

  /** How many topics count beside the subscribed ones. */
  protected get setAside(): number {
    return 0;
  }

  /** How many topics are subscribed, the retry topic not counted. */
  get size(): number {
    return this.getTopics().length;
  }

  /**
   * Wants a topic. Subscribed already: the selector is replaced, as Java does; the same one again changes nothing.
   * @param selector default: all messages
   * @returns whether something changed
   * @throws SubscriptionError `RMQ_SUBSCRIPTION_INVALID`: illegal topic or selector, or too many topics
   */
  subscribe(topic: string, selector: Selector = everything, options: SubscribeOptions = {}): boolean {
    this.check(topic, selector);
    const checked = checkedSelector(topic, selector);
    const known = this.#subscribed(topic);
    if (known !== undefined) return this.#replace(known, checked, options);
    this.#put(topic, checked, options.afterBeat === true ? 'joining' : 'consumed');
    if (options.afterBeat !== true) this.settle(topic);
    this.#tell('subscribed', topic);
    return true;
  }

  /**
   * Whether a subscribe would be accepted; changes nothing.
   * @throws SubscriptionError as `subscribe`
   */
  check(topic: string, selector: Selector = everything): void {
    checkTopic(topic);
    checkedSelector(topic, selector);
    if (!this.isSubscribed(topic) && this.size >= this.#limit - this.setAside)
      throw tooMany(topic, this.#limit);
  }

  /**
   * Replaces the selector of a subscribed topic.
   * @returns whether it was another one
   * @throws SubscriptionError `RMQ_SUBSCRIPTION_INVALID`: the topic is not subscribed, or the selector is illegal
   */
  updateSelector(topic: string, selector: Selector, options: SubscribeOptions = {}): boolean {
    const known = this.#subscribed(topic);
    if (known === undefined) throw invalid(`${topic} is not subscribed`, { topic }, 'notSubscribed');
    return this.#replace(known, checkedSelector(topic, selector), options);
  }

  /**
   * No longer wants a topic. Answers whether it was subscribed.
   * @throws RocketmqError `RMQ_CALLBACK_FAILED` when an observer threw and no `report` was given
   */
  unsubscribe(topic: string): boolean {
    const known = this.#subscribed(topic);
    this.#entries.delete(topic);
    if (known === undefined) return false;
    this.#nextVersion();
    this.#tell('unsubscribed', topic);
    return true;
  }

  /**
   * No longer wants a topic, but heartbeats list it until `unsubscribe`, while its queues end. Answers whether it was subscribed.
   * @throws RocketmqError `RMQ_CALLBACK_FAILED` when an observer threw and no `report` was given
   */
  leave(topic: string): boolean {
    const known = this.#subscribed(topic);
    if (known === undefined) return false;
    this.#entries.set(topic, { ...known, phase: 'leaving' });
    this.#nextVersion();
    this.#tell('unsubscribed', topic);
    return true;
  }

  /** Brokers know the topic's newest version: pulls name it, and its queues are shared out. */
  settle(topic: string): void {
    const known = this.#subscribed(topic);
    if (known === undefined) return;
    this.#entries.set(topic, { ...known, ...pulledAs(known.data), phase: 'consumed' });
  }

  /** What is subscribed of a topic; undefined when it is not, or deactivated. */
  get(topic: string): Subscription | undefined {
    return this.#subscribed(topic);
  }

  /** All subscribed topics, deactivated ones left out. */
  getActive(): readonly Subscription[] {
    return [...this.#entries.values()].filter(({ phase }) => phase !== 'leaving').map(shown);
  }

  /** Whether a topic is wanted; a deactivated one is not. */
  isSubscribed(topic: string): boolean {
    return this.#subscribed(topic) !== undefined;
  }

  /** Subscribed, and nothing of it waits for {@link settle}. */
  isSettled(topic: string): boolean {
    const known = this.#subscribed(topic);
    return known?.phase === 'consumed' && known.pullVersion === known.data.subVersion;
  }

  /** The topics in the order they were first subscribed; the retry topic is not among them. */
  getTopics(): readonly string[] {
    return this.#topicsIn('joining', 'consumed');
  }

  /** Those whose queues may be shared out: brokers know of them, and none is being left. */
  consumedTopics(): readonly string[] {
    return this.#topicsIn('consumed');
  }

  /** Those that heartbeats list: also what is being left. */
  announcedTopics(): readonly string[] {
    return [...this.#entries.keys()];
  }

  /** What a pull of this topic names as its version; 0 for one that is not subscribed. */
  pullVersion(topic: string): number {
    return this.#entries.get(topic)?.pullVersion ?? 0;
  }

  /** The kind of expression that version is. */
  pullType(topic: string): ExpressionType {
    return this.#entries.get(topic)?.pullType ?? neverPulled.pullType;
  }

  /**
   * What a heartbeat lists.
   * @param options.retryOf adds the retry topic of this group, with all messages
   */
  toDataList(options: { readonly retryOf?: string } = {}): readonly SubscriptionData[] {
    const own = Array.from(this.#entries.values(), entry => entry.data);
    const retryTopic = options.retryOf === undefined ? undefined : retryTopicOf(options.retryOf);
    if (retryTopic === undefined || this.#entries.has(retryTopic)) return own;
    return [...own, subscriptionData(retryTopic, everything, this.#firstVersion)];
  }

  /**
   * Whether a message pulled from a queue of this topic is wanted, by its whole tag. Ask with the queue's topic: what comes
   * from a retry queue was wanted before and stays so. A topic that is not subscribed (any more) has no filter: its messages
   * are not skipped.
   */
  matches(topic: string, tags: string | undefined): boolean {
    const wanted = this.#entries.get(topic)?.tags;
    return wanted === undefined || (tags !== undefined && wanted.has(tags));
  }

  /** The tags a topic's messages must have one of; undefined when nothing is to be checked. For a loop over one batch. */
  filterOf(topic: string): ReadonlySet<string> | undefined {
    return this.#entries.get(topic)?.tags;
  }

  /** Calls the observer after every change, before the changing call returns. Answers a function that ends this. */
  onChange(observer: (change: SubscriptionChange) => void): () => void {
    const own = (change: SubscriptionChange): void => observer(change); // the same function may observe twice
    this.#observers.add(own);
    return () => {
      this.#observers.delete(own);
    };
  }

  /** Undefined for a topic that is being left. */
  #subscribed(topic: string): Entry | undefined {
    const entry = this.#entries.get(topic);
    return entry?.phase === 'leaving' ? undefined : entry;
  }

  #topicsIn(...phases: readonly Phase[]): readonly string[] {
    return [...this.#entries.values()]
      .filter(({ phase }) => phases.includes(phase))
      .map(({ topic }) => topic);
  }

  #replace(known: Entry, selector: Selector, { afterBeat }: SubscribeOptions): boolean {
    if (sameSelector(known.selector, selector)) return false;
    this.#put(known.topic, selector, known.phase, known);
    if (afterBeat !== true) this.settle(known.topic);
    this.#tell('updated', known.topic);
    return true;
  }

  #put(topic: string, selector: Selector, phase: Phase, pulled: Pulled = neverPulled): void {
    const data = subscriptionData(topic, selector, this.#nextVersion());
    const takesAll = data.tagsSet.length === 0 || isRetryTopic(topic);
    const tags = takesAll ? undefined : new Set(data.tagsSet);
    const { pullVersion, pullType } = pulled;
    this.#entries.set(topic, { topic, selector, data, tags, phase, pullVersion, pullType });
  }

  #nextVersion(): number {
    this.#version = Math.max(Math.floor(this.#wallNow()), this.#version + 1);
    return this.#version;
  }

  #tell(kind: SubscriptionChange['kind'], topic: string): void {
    const change: SubscriptionChange = { kind, topic, version: this.#version };
    const failures = [...this.#observers].flatMap(observer => failureOf(() => observer(change)));
    const [first] = failures;
    if (first === undefined) return;
    if (this.#report === undefined) throw first;
    for (const failure of failures) this.#report(failure);
  }
}

/** What pulls say of their subscription. */
type Pulled = Pick<Entry, 'pullVersion' | 'pullType'>;

const neverPulled: Pulled = { pullVersion: 0, pullType: 'TAG' };

function pulledAs({ subVersion, expressionType }: SubscriptionData): Pulled {
  return { pullVersion: subVersion, pullType: expressionType };
}

export function sameSelector(one: Selector, other: Selector): boolean {
  return one.type === other.type && one.expression === other.expression;
}

function failureOf(call: () => void): readonly RocketmqError[] {
  try {
    call();
    return [];
  } catch (thrown) {
    const text = `an observer of the subscriptions threw: ${toError(thrown).message}`;
    return [new RocketmqError('RMQ_CALLBACK_FAILED', text, { cause: thrown })];
  }
}

function shown({ topic, selector, data }: Entry): Subscription {
  return { topic, selector, data };
}

export function tooMany(topic: string, limit: number): RocketmqError {
  const message = `${topic} would be topic ${limit + 1}; at most ${limit} are allowed`;
  return invalid(message, { topic, limit }, 'limit');
}
