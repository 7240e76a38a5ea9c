// SPDX-License-Identifier: Apache-2.0
/** What does this consumer tell brokers about itself? protocol.md section 5.3. */
import type { ResolvedConfig } from '../../config/resolved-config.ts';
import type { HeartbeatData } from '../../protocol/bodies/heartbeat.ts';
import type { SubscriptionManager } from '../../subscriptions/subscription-manager.ts';
import { isBroadcasting } from './offset-place.ts';

/** The group's whole subscription set, in clustering the retry topic among it: the broker replaces what it had. */
export function heartbeatOf(config: ResolvedConfig, subscriptions: SubscriptionManager): HeartbeatData {
  const { clientId, consumerGroup, consumeFromWhere, messageModel } = config;
  return {
    clientID: clientId,
    consumerDataSet: [
      {
        groupName: consumerGroup,
        consumeType: 'CONSUME_PASSIVELY',
        messageModel,
        consumeFromWhere,
        subscriptionDataSet: subscriptions.toDataList(
          isBroadcasting(config) ? {} : { retryOf: consumerGroup },
        ),
        unitMode: false,
      },
    ],
    producerDataSet: [],
    heartbeatFingerprint: 0,
    withoutSub: false,
  };
}
