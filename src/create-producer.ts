// SPDX-License-Identifier: Apache-2.0
/** What is a producer made of? Its parts, with a connection actor behind each address. */
import { systemSources } from './config/sources.ts';
import { connecting } from './connection-actor.ts';
import { type Clock, systemClock } from './model/clock.ts';
import type { Producer } from './producer/producer.ts';
import { type ProducerOptions, resolveProducerOptions } from './producer/producer-options.ts';
import { RemotingProducer } from './producer/remoting-producer.ts';
import type { Dialer } from './transport/ports.ts';

/** What a producer takes from outside; each has the real thing as its default. */
export interface ProducerEnvironment {
  /** Opens connections. Default: TCP, or TLS with the option `tls`. */
  readonly dialer?: Dialer;
  /** Time and timers. Default: the system's. */
  readonly clock?: Clock;
  /** A number from 0 to 1, 1 excluded; for jitter and names. Default: Math.random. */
  readonly random?: () => number;
}

/**
 * A small producer: what demos, tests and tools need. It opens nothing before `start()`.
 * @throws RocketmqError `RMQ_CONFIG_INVALID` listing every problem of the options
 * @example
 * await using producer = createProducer({ namesrvAddr: '127.0.0.1:9876', producerGroup: 'shop' });
 * await producer.start();
 * await producer.send({ topic: 'orders', body: 'hello', tags: 'paid' });
 */
export function createProducer(
  options: ProducerOptions = {},
  environment: ProducerEnvironment = {},
): Producer {
  const { env, pid, hostAddress } = systemSources();
  const { clock = systemClock, random = Math.random } = environment;
  const resolved = resolveProducerOptions(options, env);
  const { tls, credentials } = resolved;
  const { dialer } = environment;
  return new RemotingProducer({
    options: resolved,
    clock,
    random,
    ...connecting({ tls, credentials, clock, random, dialer }),
    ip: hostAddress ?? '127.0.0.1',
    pid,
  });
}
