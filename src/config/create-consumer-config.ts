// SPDX-License-Identifier: Apache-2.0
/** How is a config made from its two required options and some others, checked at once? */
import { concurrently } from '../listeners/listener.ts';
import type { ConsumerConfig } from './consumer-config.ts';
import { isArray } from './describe-value.ts';
import { parseConfig } from './parse-config.ts';
import { type ConfigSources, systemSources } from './sources.ts';

/**
 * A frozen config, checked as createConsumer would check it; a listener may be left to that. Environment and file are
 * read again there, and are not copied into it.
 * @throws ConfigError `RMQ_CONFIG_INVALID` listing every problem with a hint
 * @example const config = createConsumerConfig('billing', '127.0.0.1:9876', { pullBatchSize: 64 });
 */
export function createConsumerConfig(
  consumerGroup: string,
  namesrvAddr: string | readonly string[],
  options: Omit<ConsumerConfig, 'consumerGroup' | 'namesrvAddr'> = {},
  sources: ConfigSources = systemSources(),
): ConsumerConfig {
  const config: ConsumerConfig = { ...options, consumerGroup, namesrvAddr };
  parseConfig(withSomeListener(config), sources);
  return Object.freeze(config);
}

/** That none is there yet is no mistake here. */
function withSomeListener(config: ConsumerConfig): ConsumerConfig {
  const { listener, subscriptions } = config;
  const isComing = listener === undefined && isArray(subscriptions) && !subscriptions.some(hasListener);
  return isComing ? { ...config, listener: concurrently(() => undefined) } : config;
}

/** Whatever it is: a subscription that is none is refused later. */
function hasListener(subscription: { readonly listener?: unknown } | null | undefined): boolean {
  return subscription?.listener !== undefined;
}
