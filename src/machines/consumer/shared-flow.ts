// SPDX-License-Identifier: Apache-2.0
/** Which flow limits does the config set? */
import type { ResolvedConfig } from '../../config/resolved-config.ts';
import { SharedFlow } from '../../flow/flow-gate.ts';
import { RateLimit } from '../../flow/rate-limit.ts';
import type { Clock } from '../../model/clock.ts';

export function sharedFlow(config: ResolvedConfig, clock: Clock): SharedFlow {
  const { maxMessagesPerSecond } = config;
  return new SharedFlow(
    {
      countOfQueue: config.pullThresholdForQueue,
      bytesOfQueue: config.pullThresholdSizeForQueueBytes,
      spanOfQueue: config.consumeConcurrentlyMaxSpan,
      uncommittedOfQueue: config.flowControlMaxDiff,
      countOfTopic: unlessOff(config.pullThresholdForTopic),
      bytesOfTopic: unlessOff(config.pullThresholdSizeForTopicBytes),
      countOfAll: config.pullThresholdForAll,
      bytesOfAll: config.pullThresholdSizeForAllBytes,
    },
    maxMessagesPerSecond === undefined ? undefined : new RateLimit(maxMessagesPerSecond, clock),
  );
}

/** -1 limits nothing. */
function unlessOff(limit: number): number {
  return limit < 0 ? Number.POSITIVE_INFINITY : limit;
}
