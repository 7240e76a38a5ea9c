// SPDX-License-Identifier: Apache-2.0
/** What is an embedded cluster made of when little is said, and which options make no sense? */
import { RocketmqError } from '../../errors/errors.ts';
import { type Clock, systemClock } from '../../model/clock.ts';
import type { EmbeddedBrokerOptions, EmbeddedClusterOptions } from './cluster.types.ts';

export interface ClusterSettings {
  readonly brokers: readonly EmbeddedBrokerOptions[];
  readonly nameServers: number;
  /** Of the first name server; 0: a free one. */
  readonly port: number;
  readonly clock: Clock;
  readonly messageDelayLevel: string;
  readonly autoCreateTopicEnable: boolean;
  readonly defaultTopicQueueNums: number;
}

/** Source: MessageStoreConfig. */
const defaultDelayLevels = '1s 5s 10s 30s 1m 2m 3m 4m 5m 6m 7m 8m 9m 10m 20m 30m 1h 2h';
const defaultQueues = 8;
const mostServers = 100;
const mostQueues = 1024;
const highestPort = 65_535;

/** @throws RocketmqError `RMQ_CONFIG_INVALID` naming the option and its value */
export function settingsOf(options: EmbeddedClusterOptions = {}): ClusterSettings {
  const { brokers = 1, nameServers = 1, port = 0 } = options;
  const { defaultTopicQueueNums = defaultQueues, messageDelayLevel = defaultDelayLevels } = options;
  checkNumber('nameServers', nameServers, 1, mostServers);
  checkNumber('port', port, 0, highestPort);
  checkNumber('defaultTopicQueueNums', defaultTopicQueueNums, 1, mostQueues);
  return {
    brokers: brokersOf(brokers),
    nameServers,
    port,
    clock: options.clock ?? systemClock,
    messageDelayLevel: checkLevels(messageDelayLevel),
    autoCreateTopicEnable: options.autoCreateTopicEnable ?? true,
    defaultTopicQueueNums,
  };
}

/** @throws RocketmqError `RMQ_CONFIG_INVALID` when the name is taken or none, or the port is none */
export function checkBroker({ name, port = 0 }: EmbeddedBrokerOptions, taken: readonly string[]): void {
  checkNumber(`port of ${name}`, port, 0, highestPort);
  if (!/^[\w-]+$/.test(name)) throw invalid('brokers', `${JSON.stringify(name)} is no broker name`);
  if (taken.includes(name)) throw invalid('brokers', `there are two called ${name}`);
}

/** @throws RocketmqError `RMQ_CONFIG_INVALID` */
export function checkQueues(topic: string, queues: number): void {
  checkNumber(`queues of ${topic}`, queues, 1, mostQueues);
}

function brokersOf(brokers: number | readonly EmbeddedBrokerOptions[]): readonly EmbeddedBrokerOptions[] {
  if (typeof brokers === 'number') {
    checkNumber('brokers', brokers, 0, mostServers);
    return Array.from({ length: brokers }, (_, i) => ({ name: `broker-${letters(i)}` }));
  }
  for (const [i, broker] of brokers.entries()) {
    checkBroker(
      broker,
      brokers.slice(0, i).map(({ name }) => name),
    );
  }
  return brokers;
}

/** a to z, then aa, ab, … */
function letters(i: number): string {
  const alphabet = 26;
  const last = String.fromCharCode('a'.charCodeAt(0) + (i % alphabet));
  return i < alphabet ? last : letters(Math.floor(i / alphabet) - 1) + last;
}

function checkLevels(levels: string): string {
  if (/^\d+[smhd]( \d+[smhd])*$/.test(levels)) return levels;
  throw invalid('messageDelayLevel', `${JSON.stringify(levels)} is not a list such as '1s 5s 10s 1m 2h'`);
}

function checkNumber(option: string, value: number, least: number, most: number): void {
  if (Number.isInteger(value) && value >= least && value <= most) return;
  throw invalid(option, `${value} is not a whole number from ${least} to ${most}`);
}

function invalid(option: string, problem: string): RocketmqError {
  return new RocketmqError('RMQ_CONFIG_INVALID', `embedded cluster: ${option}: ${problem}`, {
    context: { option },
  });
}
