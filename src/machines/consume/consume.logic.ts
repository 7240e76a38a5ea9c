// SPDX-License-Identifier: Apache-2.0
/** Which listener, which lane, which error: the decisions of the consume actor. */
import { ConsumerError, RocketmqError } from '../../errors/errors.ts';
import type { ConcurrentListener, Listener, OrderlyListener } from '../../listeners/listener.ts';
import type { MessageExt } from '../../model/message.ts';
import { propertyNames } from '../../protocol/properties.ts';
import type { ConsumeOrder } from './consume.types.ts';

/** A listener's kind is that of the consumer: the config is checked for it. */
export function concurrentListener(listener: Listener): ConcurrentListener {
  if (listener.kind === 'concurrently') return listener;
  throw wrongKind(listener);
}

/** As {@link concurrentListener}. */
export function orderlyListener(listener: Listener): OrderlyListener {
  if (listener.kind === 'orderly') return listener;
  throw wrongKind(listener);
}

function wrongKind({ kind }: Listener): RocketmqError {
  return new RocketmqError('RMQ_INTERNAL', `a consumer of the other kind has a listener of kind ${kind}`);
}

/** What must be handled one after the other: the whole queue, or the messages of one sharding key. Those without one share a lane. */
export function laneOf(order: ConsumeOrder): (message: MessageExt) => string {
  return order === 'shardingKey' ? message => message.getProperty(propertyNames.shardingKey) ?? '' : () => '';
}

export function revoked(key: string): ConsumerError {
  return new ConsumerError('RMQ_ABORTED', `${key} was given up before its listener calls ended`, {
    context: { queue: key },
  });
}
