// SPDX-License-Identifier: Apache-2.0
/** What does a wrong config get? One error with every problem and a hint for each, before any socket is opened. */
import { ConfigError, type ConsumerConfig, createConsumerActor, type Dialer } from '../../../src/index.ts';
import type { Report } from '../kit/report.ts';

/** Option by option: a config in which everything is wrong, and the options that must be named. */
const wrong: Readonly<Record<string, unknown>> = {
  consumerGroup: 'billing group!',
  namesrvAddr: 'nowhere',
  consumeConcurrency: 0,
  pullBatchSize: 'many',
  messageModel: 'CLUSTRING',
  subscriptions: [{ topic: 'orders of today' }, { topic: 'orders' }],
  shutdownTimout: 5000,
};
const named = [
  'consumerGroup',
  'namesrvAddr',
  'consumeConcurrency',
  'pullBatchSize',
  'messageModel',
  'subscriptions[0].topic',
  'subscriptions[1].listener',
  'shutdownTimout',
];

export function wrongConfig(report: Report): void {
  const dials = new DialCounter();
  const error = refused(wrong, dials.dialer);
  const problems = error?.problems ?? [];
  report.check('wrong config: one ConfigError', error?.code ?? 'none', { is: 'RMQ_CONFIG_INVALID' });
  const missing = named.filter(option => !problems.some(problem => problem.option === option));
  report.check('wrong config: problems named', named.length - missing.length, { is: named.length });
  report.check('wrong config: with a hint', problems.filter(({ hint = '' }) => hint !== '').length, {
    is: problems.length,
  });
  report.check('wrong config: sockets opened', dials.count, { is: 0 });
}

/** Each name that a broker would refuse is refused here first, by name. */
export function illegalNames(report: Report): void {
  const dials = new DialCounter();
  const legal = { consumerGroup: 'billing', namesrvAddr: '127.0.0.1:9876', listener: undefined };
  const names = ['', 'a b', 'a/b', 'ä', 'a'.repeat(256)];
  const groups = names.map(consumerGroup => refused({ ...legal, consumerGroup }, dials.dialer));
  const topics = names.map(topic => refused({ ...legal, subscriptions: [{ topic }] }, dials.dialer));
  const tells = (error: ConfigError | undefined, option: string): boolean =>
    error?.problems.some(problem => problem.option === option && (problem.hint ?? '') !== '') ?? false;
  report.check('illegal groups refused', groups.filter(error => tells(error, 'consumerGroup')).length, {
    is: names.length,
  });
  report.check(
    'illegal topics refused',
    topics.filter(error => tells(error, 'subscriptions[0].topic')).length,
    {
      is: names.length,
    },
  );
  report.check('illegal names: sockets opened', dials.count, { is: 0 });
}

function refused(config: Readonly<Record<string, unknown>>, dialer: Dialer): ConfigError | undefined {
  try {
    createConsumerActor(config as unknown as ConsumerConfig, { dialer }); // wrong on purpose: what plain JavaScript may pass
    return undefined;
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
}

class DialCounter {
  count = 0;
  readonly dialer: Dialer = {
    dial: address => {
      this.count += 1;
      return Promise.reject(new Error(`${address} was dialled`));
    },
  };
}
