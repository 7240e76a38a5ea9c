// SPDX-License-Identifier: Apache-2.0
/** How is a consumer made that is a plain object with methods? */
import type { ConsumerConfig } from '../config/consumer-config.ts';
import { ConfigError } from '../errors/errors.ts';
import {
  type ConcurrentListener,
  type ConsumeMessages,
  type ConsumeOrderly,
  concurrently,
  isListener,
  type Listener,
  type MessageListener,
  type OrderlyListener,
  type OrderlyMessageListener,
  orderly,
} from '../listeners/listener.ts';
import type { Consumer } from './consumer.ts';
import { ConsumerFace } from './consumer-face.ts';
import { assembleConsumer } from './create-consumer-actor.ts';
import type { Environment } from './environment.ts';
import { MessageDesk } from './message-desk.ts';
import { Reading } from './reading.ts';

/**
 * Makes a consumer. Nothing is opened before `start()`.
 * @param config docs/configuration.md; `ROCKETMQ_*` variables fill in what it does not give
 * @param listener the config's `listener`, if it is not there. Without any, neither here nor in `subscriptions`, the
 *   messages are read with `messages()`, or each topic gets its listener by `subscribe()`
 * @param environment replaces clock, network, chance or logger, mostly in tests
 * @throws ConfigError `RMQ_CONFIG_INVALID` listing every problem with a hint
 * @example
 * const consumer = createConsumer(
 *   { consumerGroup: 'billing', namesrvAddr: '127.0.0.1:9876', subscriptions: [{ topic: 'orders' }] },
 *   simple(async message => { await book(message.body); }),
 * );
 * await consumer.start();
 */
export function createConsumer(
  config: ConsumerConfig,
  listener?: Listener,
  environment: Environment = {},
): Consumer {
  const given = withListener(config, listener);
  if (hasListener(given)) {
    const { actor, parts } = assembleConsumer(given, environment);
    return new ConsumerFace({ actor, parts, reading: undefined });
  }
  const desk = new MessageDesk();
  const { actor, parts } = assembleConsumer(withListener(given, desk.listener), environment);
  const readBy = parts.config.subscriptions.length === 0 ? 'undecided' : 'loop';
  return new ConsumerFace({ actor, parts, reading: new Reading(actor, desk, readBy) });
}

/**
 * A consumer with a concurrent listener: `createConsumer(config, concurrently(listener))`.
 * @throws ConfigError as createConsumer does
 * @example const consumer = createConcurrentConsumer(config, async messages => { await bookAll(messages); });
 */
export function createConcurrentConsumer(
  config: ConsumerConfig,
  listener: ConsumeMessages | MessageListener | ConcurrentListener,
  environment: Environment = {},
): Consumer {
  return createConsumer(config, isListener(listener) ? listener : concurrently(listener), environment);
}

/**
 * A consumer with an orderly listener: `createConsumer(config, orderly(listener))`.
 * @throws ConfigError as createConsumer does
 * @example const consumer = createOrderlyConsumer(config, async messages => { await applyInOrder(messages); });
 */
export function createOrderlyConsumer(
  config: ConsumerConfig,
  listener: ConsumeOrderly | OrderlyMessageListener | OrderlyListener,
  environment: Environment = {},
): Consumer {
  return createConsumer(config, isListener(listener) ? listener : orderly(listener), environment);
}

/** What is no config, or cannot be read, stays as it is: parseConfig says what is wrong with it. */
function withListener(config: ConsumerConfig, listener: Listener | undefined): ConsumerConfig {
  if (listener === undefined || typeof config !== 'object' || config === null || Array.isArray(config))
    return config;
  let fields: ConsumerConfig;
  try {
    fields = { ...config };
  } catch {
    return config;
  }
  if (fields.listener !== undefined && fields.listener !== listener) throw givenTwice();
  return { ...fields, listener };
}

function hasListener(config: ConsumerConfig): boolean {
  try {
    if (config.listener !== undefined) return true;
    return config.subscriptions?.some(each => each.listener !== undefined) === true;
  } catch {
    return true; // parseConfig says what is wrong with it
  }
}

function givenTwice(): ConfigError {
  return new ConfigError([
    {
      option: 'listener',
      problem: 'it is given twice: in the config, and beside it',
      hint: 'Leave one of them out.',
    },
  ]);
}
