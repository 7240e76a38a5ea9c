// SPDX-License-Identifier: Apache-2.0
/** How does a consumer that is over say no? */
import { ConsumerError } from '../errors/errors.ts';

/** It was stopped, one way or the other, and stays so. */
export function stoppedError(consumerGroup: string, cause?: Error): ConsumerError {
  return new ConsumerError('RMQ_CONSUMER_STOPPED', `the consumer of ${consumerGroup} was stopped`, {
    context: { consumerGroup },
    ...(cause && { cause }),
  });
}
