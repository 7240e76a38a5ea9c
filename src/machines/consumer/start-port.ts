// SPDX-License-Identifier: Apache-2.0
/** Who is asked where a queue starts, and what if only its messages may be read? */
import type { ResolvedConfig } from '../../config/resolved-config.ts';
import type { MessageQueue } from '../../model/message-queue.ts';
import type { QueueOffset } from '../../model/queue-offset.ts';
import type { CallOptions } from '../../stores/offset-store.ts';
import type { StartPort } from '../../stores/start-position.ts';
import type { SubscriptionManager } from '../../subscriptions/subscription-manager.ts';
import type { ToldVersions } from '../../subscriptions/told-versions.ts';
import type { BrokerCalls } from '../../transport/broker-calls.ts';
import { boundOf, boundsByPull, type QueueBounds } from '../../transport/queue-bounds.ts';
import type { Switchboard } from '../../transport/switchboard.ts';
import type { BrokerLocator } from './broker-locator.ts';

export interface StartPortSurroundings {
  readonly config: ResolvedConfig;
  readonly calls: BrokerCalls;
  readonly locator: BrokerLocator;
  readonly switchboard: Switchboard;
  readonly subscriptions: SubscriptionManager;
  readonly told: ToldVersions;
  readonly storedOffset: StartPort['queryOffset'];
}

/**
 * With ACL 2.0 the requests 29, 30 and 31 need the right GET on the topic, which consuming does not. Min and max are then
 * read from the answer to a pull; for an offset by time (29) there is no other way. design.md G5.
 */
export function startPort(around: StartPortSurroundings): StartPort {
  const { config, calls, locator } = around;
  const timeoutMs = config.consumerTimeoutMillisOfRequest;
  const bound = (name: keyof QueueBounds) => async (queue: MessageQueue, options: CallOptions) => {
    const address = locator.master(queue.brokerName);
    const asked = { calls, address, queue, options: { timeoutMs, ...options } };
    return boundOf(name, asked, () => pullBounds(around, queue, asked.options));
  };
  return {
    queryOffset: around.storedOffset,
    minOffset: bound('min'),
    maxOffset: bound('max'),
    searchOffset: (queue, timestamp, options): Promise<QueueOffset> =>
      calls.searchOffset(locator.master(queue.brokerName), queue, timestamp, { timeoutMs, ...options }),
  };
}

/** As the pulls of the queue: under the subscription that its broker knows. */
function pullBounds(
  { config, switchboard, locator, subscriptions, told }: StartPortSurroundings,
  queue: MessageQueue,
  options: { readonly timeoutMs: number; readonly signal?: AbortSignal | undefined },
): Promise<QueueBounds> {
  const line = switchboard.line(locator.master(queue.brokerName));
  const { consumerGroup } = config;
  const subVersion = told.upTo(subscriptions.pullVersion(queue.topic), queue.topic, line.address);
  const expressionType = subscriptions.pullType(queue.topic);
  const subscription = { subVersion, expressionType };
  return boundsByPull(line, { queue, consumerGroup, subscription }, options);
}
