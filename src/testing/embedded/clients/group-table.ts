// SPDX-License-Identifier: Apache-2.0
/** Which consumer groups does a broker know, and how are they set up? Like a broker's files it outlives a kill. Source: SubscriptionGroupManager. */
import { groupProblem } from '../../../model/names.ts';
import type { SubscriptionGroup } from '../../../protocol/bodies/subscription-group.ts';

export class GroupTable {
  readonly #groups = new Map<string, SubscriptionGroup>();

  has(group: string): boolean {
    return this.#groups.has(group);
  }

  /** Makes it with the usual settings when it is not there; undefined when the name is not legal. */
  ensure(name: string): SubscriptionGroup | undefined {
    const known = this.#groups.get(name);
    if (known !== undefined || groupProblem(name) !== undefined) return known;
    const made = usual(name);
    this.#groups.set(name, made);
    return made;
  }

  set(group: SubscriptionGroup): void {
    this.#groups.set(group.groupName, group);
  }
}

/** Source: SubscriptionGroupConfig. */
function usual(groupName: string): SubscriptionGroup {
  return {
    groupName,
    brokerId: 0,
    consumeBroadcastEnable: true,
    consumeEnable: true,
    consumeFromMinEnable: true,
    consumeMessageOrderly: false,
    notifyConsumerIdsChangedEnable: true,
    retryMaxTimes: 16,
    retryQueueNums: 1,
    whichBrokerWhenConsumeSlowly: 1,
  };
}
