// SPDX-License-Identifier: Apache-2.0
/** The front door: a checked config becomes a consumer that has not started yet. */
import type { ConsumerConfig } from '../config/consumer-config.ts';
import { parseConfig } from '../config/parse-config.ts';
import { systemSources } from '../config/sources.ts';
import { buildParts } from '../machines/consumer/build-parts.ts';
import type { ConsumerParts } from '../machines/consumer/consumer-parts.ts';
import { systemClock } from '../model/clock.ts';
import { createLogger, guardLogger } from '../observability/logger.ts';
import { dialerFor } from '../transport/dialer-choice.ts';
import { type ConsumerActor, ConsumerActorImpl } from './consumer-actor.ts';
import type { Environment } from './environment.ts';

/**
 * Makes a consumer. Nothing is opened before `start()`.
 * @param config docs/configuration.md; `ROCKETMQ_*` variables fill in what it does not give
 * @param environment replaces clock, network, chance or logger, mostly in tests
 * @throws ConfigError `RMQ_CONFIG_INVALID` listing every problem with a hint
 * @example
 * const actor = createConsumerActor({
 *   consumerGroup: 'billing',
 *   namesrvAddr: '127.0.0.1:9876',
 *   subscriptions: [{ topic: 'orders', selector: tag('paid || shipped') }],
 *   listener: concurrently(async messages => { for (const message of messages) await book(message); }),
 * });
 * actor.on('queue.assigned', ({ queue }) => console.log('reading', queue));
 * actor.start();
 * await whenRunning(actor);
 */
export function createConsumerActor(config: ConsumerConfig, environment: Environment = {}): ConsumerActor {
  return assembleConsumer(config, environment).actor;
}

/** The actor with what it works with, for the faces over it. */
export function assembleConsumer(
  config: ConsumerConfig,
  environment: Environment,
): { readonly actor: ConsumerActor; readonly parts: ConsumerParts } {
  const { clock = systemClock, random = Math.random } = environment;
  const { fileSystem, inspect } = environment;
  const resolved = parseConfig(config, systemSources({ random, wallNow: () => clock.wallNow() }));
  const dialer = dialerFor(resolved.tls, { given: environment.dialer, clock });
  const { consumerGroup, clientId, logLevel } = resolved;
  const given = environment.logger;
  const base = given === undefined ? createLogger({ level: logLevel }) : guardLogger(given);
  const logger = base.child({ consumerGroup, clientId });
  const parts = buildParts(resolved, { clock, dialer, random, logger, fileSystem });
  const configLog = logger.child({ actor: 'config' });
  for (const { option, problem, hint } of resolved.warnings) configLog.warn({ option, hint }, problem);
  return { actor: new ConsumerActorImpl({ parts, inspect }), parts };
}
