// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { optionTable } from '../../../src/config/options.ts';
import {
  consumerErrorGroup,
  consumerErrorGroups,
  groupOf,
  isFatalError,
  isRetriableError,
} from '../../../src/errors/error-groups.ts';
import { type ErrorCode, errorTable } from '../../../src/errors/error-table.ts';
import {
  BrokerError,
  ConfigError,
  ConnectionError,
  ConsumerError,
  docsOf,
  ProtocolError,
  RocketmqError,
  SubscriptionError,
  type SubscriptionProblem,
  toError,
  toRocketmqError,
} from '../../../src/errors/errors.ts';

const codes = Object.keys(errorTable) as ErrorCode[]; // the keys of a constant

/** Words in hints that look like an option of ours, and are none: settings and tools of the broker, functions. */
const otherNames = [
  'assignedQueues',
  'deadLettered',
  'enablePropertyFilter',
  'subjectAltName',
  'trustCertPath',
  'autoCreateSubscriptionGroup',
  'updateSubGroup',
  'updateTopic',
  'whenRunning',
  'brokerIP1',
  'gRPC',
  'autoCreateTopicEnable',
];

describe('every row of the error table', () => {
  it.each(codes)('%s is named after what went wrong and says what to do in whole sentences', code => {
    expect(code).toMatch(/^RMQ(_[A-Z]+)+$/);
    expect(errorTable[code].hint).toMatch(/^[A-Z0-9].{20,}[.]$/);
  });

  it.each(codes)('%s names only options that exist', code => {
    const names = errorTable[code].hint.match(/\b[a-z]+[A-Z]\w*/g) ?? [];
    expect(names.filter(name => !(name in optionTable) && !otherNames.includes(name))).toEqual([]);
  });

  it('has a hint of its own', () => {
    const hints = codes.map(code => errorTable[code].hint);
    expect(new Set(hints).size).toBe(codes.length);
  });

  it.each(codes)('%s makes an error that carries the row', code => {
    const error = new RocketmqError(code, 'something failed', { context: { queueId: 3 }, cause: 'why' });
    expect(error).toMatchObject({ code, ...errorTable[code], context: { queueId: 3 }, cause: 'why' });
    expect(JSON.parse(JSON.stringify(error))).toEqual({
      name: 'RocketmqError',
      code,
      message: 'something failed',
      hint: errorTable[code].hint,
      retry: errorTable[code].retry,
      docs: `docs/errors.md#${code.toLowerCase()}`,
    });
  });

  it('says never for usage that fails again, and later for the network', () => {
    const network = codes.filter(code => errorTable[code].kind === 'network');
    expect(network.filter(code => errorTable[code].retry === 'never')).toEqual([]);
    expect(errorTable.RMQ_CONFIG_INVALID.retry).toBe('never');
  });
});

describe("the original's kinds", () => {
  const answer = { responseCode: 16, remark: undefined };
  it.each([
    ['start', new ConsumerError('RMQ_START_TIMEOUT', 'x')],
    ['shutdown', new ConsumerError('RMQ_ABORTED', 'x')],
    ['state', new ConsumerError('RMQ_CONSUMER_NOT_RUNNING', 'x')],
    ['subscribe', new SubscriptionError('RMQ_SUBSCRIPTION_INVALID', 'x', { problem: 'topic' })],
    ['unsubscribe', new SubscriptionError('RMQ_SUBSCRIPTION_INVALID', 'x', { problem: 'notSubscribed' })],
    ['consume', new ConsumerError('RMQ_LISTENER_FAILED', 'x')],
    ['pull', new ProtocolError('RMQ_BAD_MESSAGE', 'x')],
    ['offset', new ConsumerError('RMQ_OFFSET_OUT_OF_RANGE', 'x')],
    ['offsetFetch', new ConsumerError('RMQ_OFFSET_UNKNOWN', 'x')],
    ['rebalance', new ConsumerError('RMQ_ALLOCATION_FAILED', 'x')],
    ['broker', new BrokerError('RMQ_NO_PERMISSION', 'x', answer)],
    ['nameServer', new ConnectionError('RMQ_NAME_SERVER_UNAVAILABLE', 'x')],
    ['network', new ConnectionError('RMQ_CONNECTION_LOST', 'x')],
    ['timeout', new ConnectionError('RMQ_REQUEST_TIMEOUT', 'x')],
    ['config', new ConfigError([])],
    ['validation', new ConsumerError('RMQ_COMMAND_INVALID', 'x')],
  ] as const)('%s is what such an error is', (group, error) => {
    expect(consumerErrorGroup(error)).toBe(group);
    expect(isFatalError(error)).toBe(!isRetriableError(error));
  });

  it('are sixteen, and each code has one', () => {
    const groups = Object.keys(consumerErrorGroups);
    expect(groups).toHaveLength(16);
    for (const code of codes) expect(groups).toContain(groupOf(code));
  });

  it('are told of our errors only', () => {
    expect(consumerErrorGroup(new Error('x'))).toBeUndefined();
    expect([isRetriableError(new Error('x')), isFatalError('x')]).toEqual([false, false]);
  });

  it.each<[SubscriptionProblem, SubscriptionError]>([
    ['selector', new SubscriptionError('RMQ_SELECTOR_REFUSED', 'x')],
    ['conflict', new SubscriptionError('RMQ_SUBSCRIPTION_CONFLICT', 'x')],
    ['data', new SubscriptionError('RMQ_SUBSCRIPTION_INVALID', 'x')],
    ['limit', new SubscriptionError('RMQ_SUBSCRIPTION_INVALID', 'x', { problem: 'limit' })],
  ])('%s is the problem of such a subscription', (problem, error) => {
    expect(error.problem).toBe(problem);
  });

  it('have a place on the page of errors for each code', () => {
    const page = readFileSync(join(import.meta.dirname, '../../../docs/errors.md'), 'utf8');
    const anchors = [...page.matchAll(/^### (RMQ_\w+)$/gm)].map(
      ([, code = '']) => `docs/errors.md#${code.toLowerCase()}`,
    );
    expect(codes.map(docsOf).toSorted()).toEqual(anchors.toSorted());
  });
});

describe('error classes', () => {
  it('are all RocketmqErrors, with their own name', () => {
    const answer = { responseCode: 1, remark: 'no' };
    const errors = [
      new ConfigError([]),
      new ConnectionError('RMQ_CONNECTION_LOST', 'x'),
      new BrokerError('RMQ_BROKER_ERROR', 'x', answer),
      new SubscriptionError('RMQ_SUBSCRIPTION_INVALID', 'x'),
    ];
    expect(errors.every(error => error instanceof RocketmqError && error instanceof Error)).toBe(true);
    expect(errors.map(error => error.name)).toEqual([
      'ConfigError',
      'ConnectionError',
      'BrokerError',
      'SubscriptionError',
    ]);
  });

  it('have no cause where none was given', () => {
    expect('cause' in new RocketmqError('RMQ_INTERNAL', 'x')).toBe(false);
  });

  it("show the broker's answer in the context too", () => {
    const error = new BrokerError(
      'RMQ_BROKER_ERROR',
      'pull failed',
      { responseCode: 14, remark: 'not available' },
      { context: { queueId: 3 } },
    );
    expect(error.context).toEqual({ queueId: 3, responseCode: 14, remark: 'not available' });
  });

  it('list the problems of a config, one a line', () => {
    const error = new ConfigError([
      { option: 'pullBatchSize', problem: '0 is too small' },
      { option: 'namesrvAddr', problem: 'it is missing', hint: 'Give it.' },
    ]);
    expect(error.message).toBe(
      'the consumer config has 2 problems:\n  pullBatchSize: 0 is too small\n  namesrvAddr: it is missing (Give it.)',
    );
  });
});

describe('anything thrown', () => {
  it('becomes an Error, and one stays itself', () => {
    const own = new TypeError('x');
    expect(toError(own)).toBe(own);
    expect(toError('text')).toMatchObject({ message: 'text', cause: 'text' });
    expect(toError(undefined).message).toBe('undefined');
    expect(toError(Symbol('s')).message).toBe('Symbol(s)');
  });

  it('becomes an Error even when it cannot be shown', () => {
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    for (const thrown of [Object.create(null), proxy]) {
      expect(toError(thrown).message).toBe('something was thrown that cannot be shown');
    }
  });

  it('becomes a typed error with the thrown one as its cause', () => {
    const cause = new TypeError('x');
    expect(toRocketmqError(cause)).toMatchObject({ code: 'RMQ_INTERNAL', message: 'x', cause });
    expect(toRocketmqError('x', 'RMQ_LISTENER_FAILED').code).toBe('RMQ_LISTENER_FAILED');
    const typed = new RocketmqError('RMQ_ABORTED', 'x');
    expect(toRocketmqError(typed)).toBe(typed);
  });
});
