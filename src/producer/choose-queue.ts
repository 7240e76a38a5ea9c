// SPDX-License-Identifier: Apache-2.0
/** Which queue takes the next message? */
import { javaHashCode } from '../model/java-hash.ts';
import type { PublishQueue } from './publish-routes.ts';

export interface Preference {
  /** A connection to the queue's broker is up. */
  readonly isOpen: (queue: PublishQueue) => boolean;
  /** Brokers that failed this message already. */
  readonly failed: ReadonlySet<string>;
}

/**
 * The next queue in turn, of those with the best prospects: brokers that are connected and have not failed this message,
 * then those that have not failed, then all. Source: MQFaultStrategy.selectOneMessageQueue without latency measuring.
 * @param turn how many messages went to the topic before
 */
export function nextInTurn(
  queues: readonly PublishQueue[],
  turn: number,
  { isOpen, failed }: Preference,
): PublishQueue | undefined {
  const untried = queues.filter(({ queue }) => !failed.has(queue.brokerName));
  const open = untried.filter(isOpen);
  const best = open.length > 0 ? open : untried.length > 0 ? untried : queues;
  return best[turn % best.length];
}

/** Always the same queue for a sharding key, as long as the topic has the same queues. Source: SelectMessageQueueByHash. */
export function byShardingKey(
  queues: readonly PublishQueue[],
  shardingKey: string,
): PublishQueue | undefined {
  return queues[Math.abs(javaHashCode(shardingKey) % queues.length)];
}
