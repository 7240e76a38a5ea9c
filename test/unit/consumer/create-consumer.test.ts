// SPDX-License-Identifier: Apache-2.0
/** Which listener does a consumer made as a plain object have, and what is said of a config that does not fit? */
import { describe, expect, it } from 'vitest';
import {
  createConcurrentConsumer,
  createConsumer,
  createOrderlyConsumer,
} from '../../../src/consumer/create-consumer.ts';
import type { ConfigError } from '../../../src/errors/errors.ts';
import { concurrently, type Listener, orderly, simple } from '../../../src/listeners/listener.ts';
import { silentLogger } from '../../../src/observability/logger.ts';

const config = {
  consumerGroup: 'billing',
  namesrvAddr: 'ns:9876',
  subscriptions: [{ topic: 'orders' }],
};
const environment = { logger: silentLogger };
const listener = simple(() => {});

function problemsOf(make: () => unknown): readonly string[] {
  try {
    make();
  } catch (error) {
    return (error as ConfigError).problems.map(({ option, problem }) => `${option}: ${problem}`); // anything else fails the test
  }
  return [];
}

/** messages() tells whether there is a listener. */
function isRead(make: () => ReturnType<typeof createConsumer>): boolean {
  try {
    make().messages();
    return true;
  } catch {
    return false;
  }
}

describe('createConsumer', () => {
  it.each([
    ['beside the config', config, listener],
    ['in the config', { ...config, listener }, undefined],
    ['both, the same', { ...config, listener }, listener],
    ['with each topic', { ...config, subscriptions: [{ topic: 'orders', listener }] }, undefined],
  ])('takes its listener %s', (_, given, beside) => {
    const make = () => createConsumer(given, beside, environment);
    expect(isRead(make)).toBe(false);
    expect(make().actor.getSnapshot().matches('idle')).toBe(true);
  });

  it('without any listener is for messages()', () => {
    expect(isRead(() => createConsumer(config, undefined, environment))).toBe(true);
  });

  it('refuses two different listeners', () => {
    const two = () =>
      createConsumer(
        { ...config, listener },
        simple(() => {}),
      );
    expect(problemsOf(two)).toEqual(['listener: it is given twice: in the config, and beside it']);
  });

  it('refuses listeners for some of the topics only', () => {
    const subscriptions = [{ topic: 'orders', listener }, { topic: 'refunds' }];
    expect(problemsOf(() => createConsumer({ ...config, subscriptions }))).toEqual([
      'subscriptions[1].listener: nothing handles the messages of refunds',
    ]);
  });

  it('does not change the config it was given', () => {
    const given = Object.freeze({ ...config });
    createConsumer(given, listener, environment);
    createConsumer(given, undefined, environment);
    expect(Object.keys(given)).toEqual(['consumerGroup', 'namesrvAddr', 'subscriptions']);
  });

  it.each([
    ['null', null, /null is not a config/],
    ['a text', 'billing', /is not a config/],
    ['a list', [config], /is not a config/],
    [
      'one that cannot be read',
      new Proxy(config, {
        ownKeys: () => {
          throw new Error('no');
        },
      }),
      /cannot be read/,
    ],
    [
      'one whose topics are no list',
      { ...config, subscriptions: 'orders' },
      /subscriptions: 'orders' is not an array/,
    ],
    ['one with an empty topic', { ...config, subscriptions: [null] }, /subscriptions\[0\]/],
    ['one with a function for a listener', { ...config, listener: () => {} }, /is not a listener/],
  ])('given %s instead of a config says what is wrong with it', (_, given, text) => {
    for (const beside of [undefined, listener]) {
      const make = () => createConsumer(given as never, beside); // on purpose
      if (beside !== undefined && Object(given).listener !== undefined) expect(make).toThrow(/given twice/);
      else
        expect(make).toThrow(
          expect.objectContaining({ code: 'RMQ_CONFIG_INVALID', message: expect.stringMatching(text) }),
        );
    }
  });
});

describe('the explicit spellings', () => {
  const forms: readonly [string, (given: typeof config) => unknown, Listener['kind']][] = [
    [
      'createConcurrentConsumer, a function',
      given => createConcurrentConsumer(given, () => {}, environment),
      'concurrently',
    ],
    [
      'createConcurrentConsumer, an object',
      given => createConcurrentConsumer(given, { consumeMessage: () => {} }, environment),
      'concurrently',
    ],
    [
      'createConcurrentConsumer, a listener',
      given =>
        createConcurrentConsumer(
          given,
          concurrently(() => {}),
          environment,
        ),
      'concurrently',
    ],
    [
      'createOrderlyConsumer, a function',
      given => createOrderlyConsumer(given, () => {}, environment),
      'orderly',
    ],
    [
      'createOrderlyConsumer, an object',
      given => createOrderlyConsumer(given, { consumeMessage: () => {} }, environment),
      'orderly',
    ],
    [
      'createOrderlyConsumer, a listener',
      given =>
        createOrderlyConsumer(
          given,
          orderly(() => {}),
          environment,
        ),
      'orderly',
    ],
  ];

  it.each(forms)('%s makes a consumer of its kind', (_, make, kind) => {
    const other = kind === 'orderly' ? simple(() => {}) : orderly(() => {});
    const mixed = { ...config, subscriptions: [{ topic: 'orders', listener: other }] };
    expect(problemsOf(() => make(config))).toEqual([]);
    expect(problemsOf(() => make(mixed))).toEqual([
      `subscriptions[0].listener: it is ${other.kind}, listener is ${kind}: a group has listeners of one kind`,
    ]);
  });
});
