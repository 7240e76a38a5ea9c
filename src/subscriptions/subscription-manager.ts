// SPDX-License-Identifier: Apache-2.0
/** What may a user do with subscriptions beyond what consuming needs: set aside, list, carry elsewhere, compare? */
import type { Selector, SubscriptionData } from '../model/subscription.ts';
import { everything } from '../model/subscription.ts';
import {
  type Compared,
  ConflictHistory,
  compareSubscriptions,
  type RecordedConflict,
  type SubscriptionConflict,
} from './subscription-conflicts.ts';
import {
  type ExportedSubscription,
  readDataList,
  readExport,
  type SubscriptionExport,
} from './subscription-export.ts';
import {
  type SubscribeOptions,
  SubscriptionTable,
  type SubscriptionTableOptions,
  tooMany,
} from './subscription-table.ts';

/** How much a {@link SubscriptionManager} holds. All of it has a default. */
export interface SubscriptionManagerOptions extends SubscriptionTableOptions {
  /** How many differences with other members are kept for {@link SubscriptionManager.getConflictHistory}. Unit: entries. Default: 100. */
  readonly conflictsKept?: number;
}

/** How many topics there are, and what was noticed. */
export interface SubscriptionSummary {
  readonly active: number;
  readonly inactive: number;
  readonly limit: number;
  /** Differences that are kept in the history. */
  readonly conflicts: number;
  /** The version of the last change. Unit: ms since 1970. */
  readonly version: number;
}

/**
 * The subscriptions of a consumer, also usable by themselves. Deactivated topics count towards the limit and are in no heartbeat.
 * @example
 * const subscriptions = new SubscriptionManager();
 * subscriptions.subscribe('orders', tag('paid || shipped'));
 * subscriptions.matches('orders', 'paid'); // true
 */
export class SubscriptionManager extends SubscriptionTable {
  /** By topic the selector it had when it was deactivated. */
  readonly #inactive = new Map<string, Selector>();
  readonly #conflicts: ConflictHistory;

  constructor(options: SubscriptionManagerOptions = {}) {
    super(options);
    this.#conflicts = new ConflictHistory(options.conflictsKept ?? 100);
  }

  protected override get setAside(): number {
    return this.#inactive.size;
  }

  /** As of any topic; a deactivated one is wanted again. @throws SubscriptionError `RMQ_SUBSCRIPTION_INVALID` */
  override subscribe(
    topic: string,
    selector: Selector = everything,
    options: SubscribeOptions = {},
  ): boolean {
    const kept = this.#inactive.get(topic);
    this.#inactive.delete(topic); // it takes its own place
    try {
      return super.subscribe(topic, selector, options);
    } catch (refused) {
      if (kept !== undefined && !this.isSubscribed(topic)) this.#inactive.set(topic, kept);
      throw refused;
    }
  }

  /**
   * No longer wants a topic, deactivated or not. Answers whether it was there.
   * @throws RocketmqError `RMQ_CALLBACK_FAILED` when an observer threw and no `report` was given
   */
  override unsubscribe(topic: string): boolean {
    return this.#inactive.delete(topic) || super.unsubscribe(topic);
  }

  /** All topics, deactivated ones last. */
  getAll(): readonly ExportedSubscription[] {
    const active = this.getActive().map(({ topic, selector }) => ({ topic, selector, active: true }));
    return [
      ...active,
      ...Array.from(this.#inactive, ([topic, selector]) => ({ topic, selector, active: false })),
    ];
  }

  /**
   * Sets a topic aside with its selector: no longer wanted, but still counted. Answers whether it was subscribed.
   * @throws RocketmqError `RMQ_CALLBACK_FAILED` when an observer threw and no `report` was given
   */
  deactivate(topic: string): boolean {
    const known = this.get(topic);
    if (known === undefined) return false;
    this.unsubscribe(topic);
    this.#inactive.set(topic, known.selector);
    return true;
  }

  /**
   * Wants a deactivated topic again, with the selector it had. Answers whether it was deactivated.
   * @throws RocketmqError `RMQ_CALLBACK_FAILED` when an observer threw and no `report` was given
   */
  activate(topic: string): boolean {
    const selector = this.#inactive.get(topic);
    return selector !== undefined && this.subscribe(topic, selector);
  }

  /** Forgets the deactivated topics. Answers how many. */
  removeInactive(): number {
    const { size } = this.#inactive;
    this.#inactive.clear();
    return size;
  }

  /**
   * Wants nothing any more.
   * @throws RocketmqError `RMQ_CALLBACK_FAILED` when an observer threw and no `report` was given
   */
  clear(): void {
    this.removeInactive();
    for (const topic of this.getTopics()) this.unsubscribe(topic);
  }

  /**
   * Takes over the topics of a heartbeat's list: each is subscribed, or gets the selector of the list; others stay. All or
   * nothing.
   * @returns how many changed
   * @throws SubscriptionError `RMQ_SUBSCRIPTION_INVALID`: not such a list, or too many topics
   */
  fromDataList(list: readonly SubscriptionData[]): number {
    const wanted = readDataList(list);
    const added = wanted.filter(({ topic }) => !this.isSubscribed(topic) && !this.#inactive.has(topic));
    const total = this.size + this.#inactive.size + added.length;
    if (total > this.limit) throw tooMany(added.at(-1)?.topic ?? '', this.limit);
    return wanted.filter(({ topic, selector }) => this.subscribe(topic, selector)).length;
  }

  /** The subscriptions as plain JSON, for {@link import}. */
  export(): SubscriptionExport {
    return { version: 1, exportedAt: this.wallNow(), subscriptions: this.getAll() };
  }

  /**
   * Replaces all subscriptions by those of an export; topics that stay as they are keep their version. All or nothing.
   * @param exported what {@link export} answered, also after a trip through JSON
   * @throws SubscriptionError `RMQ_SUBSCRIPTION_INVALID`: not an export, or too many topics
   */
  import(exported: unknown): void {
    const wanted = readExport(exported);
    const last = wanted.at(-1);
    if (last !== undefined && wanted.length > this.limit) throw tooMany(last.topic, this.limit);
    const stays = new Set(wanted.filter(({ active }) => active).map(({ topic }) => topic));
    this.removeInactive();
    for (const topic of this.getTopics()) if (!stays.has(topic)) this.unsubscribe(topic);
    for (const { topic, selector, active } of wanted) {
      if (active) this.subscribe(topic, selector);
      else this.#inactive.set(topic, selector);
    }
  }

  /**
   * In what does another member's list, or what a broker keeps of the group (203), differ from ours? What is found is noted
   * in the history.
   */
  detectConflicts(theirs: readonly Compared[]): readonly SubscriptionConflict[] {
    const found = compareSubscriptions(this.toDataList(), theirs);
    this.#conflicts.note(found, this.wallNow());
    return found;
  }

  /** The differences that {@link detectConflicts} found, oldest first; the newest `conflictsKept` of them. */
  getConflictHistory(): readonly RecordedConflict[] {
    return this.#conflicts.list();
  }

  /** Forgets what {@link getConflictHistory} tells. */
  clearConflictHistory(): void {
    this.#conflicts.clear();
  }

  /** How many topics there are, and what was noticed, in numbers. */
  getStatusSummary(): SubscriptionSummary {
    return {
      active: this.size,
      inactive: this.#inactive.size,
      limit: this.limit,
      conflicts: this.#conflicts.list().length,
      version: this.version,
    };
  }
}
