// SPDX-License-Identifier: Apache-2.0
/** What does a broker keep of the group, and in what does it differ from our own subscriptions? */
import type { ResolvedConfig } from '../../config/resolved-config.ts';
import type { Address } from '../../model/route.ts';
import type { Logger } from '../../observability/logger.ts';
import { compareSubscriptions } from '../../subscriptions/subscription-conflicts.ts';
import type { SubscriptionManager } from '../../subscriptions/subscription-manager.ts';
import type { ToldVersions } from '../../subscriptions/told-versions.ts';
import type { BrokerCalls } from '../../transport/broker-calls.ts';
import type { ConflictsPort } from '../conflicts/conflicts.types.ts';
import type { Greetings } from './greetings.ts';

export interface ConflictsPortOptions {
  readonly config: ResolvedConfig;
  readonly logger: Logger;
  readonly subscriptions: SubscriptionManager;
  readonly told: ToldVersions;
  readonly calls: Pick<BrokerCalls, 'groupConnection'>;
  readonly addresses: () => readonly Address[];
  readonly greetings: Pick<Greetings, 'heartbeat'>;
}

/**
 * A broker keeps one subscription for each topic of a group. Source: ConsumerGroupInfo.updateSubscription: of a topic the
 * newest version, of topics those of the last heartbeat.
 */
export function conflictsPort(options: ConflictsPortOptions): ConflictsPort {
  const { config, logger, subscriptions, told, calls, addresses, greetings } = options;
  const { consumerGroup, clientId } = config;
  const isTold = (address: Address): boolean =>
    greetings
      .heartbeat()
      .consumerDataSet.every(({ subscriptionDataSet }) => told.isUpToDate(address, subscriptionDataSet));
  return {
    addresses,
    look: async (address, signal) => {
      const { version } = subscriptions;
      const timeoutMs = config.consumerTimeoutMillisOfRequest;
      if (!isTold(address)) return undefined;
      const kept = await calls.groupConnection(address, consumerGroup, { timeoutMs, signal });
      if (kept === undefined || subscriptions.version !== version) return undefined;
      const others = kept.connectionSet.map(each => each.clientId).filter(id => id !== clientId);
      return { address, others: [...new Set(others)].sort(), theirs: [...kept.subscriptionTable.values()] };
    },
    compare: ({ theirs }) => compareSubscriptions(subscriptions.toDataList(), theirs),
    selectorOf: topic => subscriptions.get(topic)?.selector,
    noteUnasked: (address, reason) =>
      logger.info(
        { consumerGroup, address, reason },
        'members with other subscriptions are noticed by refused pulls only: the broker does not tell what it keeps of the group',
      ),
  };
}
