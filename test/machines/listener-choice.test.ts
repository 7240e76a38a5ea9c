// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import type { ConsumerConfig } from '../../src/config/consumer-config.ts';
import { parseConfig } from '../../src/config/parse-config.ts';
import { concurrently, type Listener, orderly, simple } from '../../src/listeners/listener.ts';
import { ListenerChoice } from '../../src/machines/consumer/listener-choice.ts';
import { aQueue, messageAt } from '../support/builders.ts';

const general = concurrently(() => undefined);
const own = concurrently(() => undefined);
const another = concurrently(() => undefined);
const retryQueue = { ...aQueue, topic: '%RETRY%billing' };

function choice(config: ConsumerConfig): ListenerChoice {
  return new ListenerChoice(parseConfig({ consumerGroup: 'billing', namesrvAddr: 'a:9876', ...config }));
}

/** What the listener of a queue's next call is. */
function next(listeners: ListenerChoice, topic: string): Listener {
  return listeners.ofQueue({ ...aQueue, topic })(messageAt(0));
}

describe('the listener of a topic', () => {
  it('is its own, else that of the config', () => {
    const listeners = choice({
      listener: general,
      subscriptions: [{ topic: 'orders', listener: own }, { topic: 'bills' }],
    });
    expect([next(listeners, 'orders'), next(listeners, 'bills'), next(listeners, 'other')]).toEqual([
      own,
      general,
      general,
    ]);
  });

  it('that is set later counts from the next call on, in queues that are open already', () => {
    const listeners = choice({ listener: general, subscriptions: [{ topic: 'orders' }] });
    const listenerOf = listeners.ofQueue(aQueue);
    const retried = listeners.ofQueue(retryQueue);
    expect(listenerOf(messageAt(0))).toBe(general);
    listeners.set('orders', own);
    expect(listenerOf(messageAt(1))).toBe(own);
    expect(retried(messageAt(2))).toBe(own);
    listeners.set('orders', undefined);
    expect(listenerOf(messageAt(3))).toBe(own);
  });

  it('that nobody named is an error of the call', () => {
    const listeners = choice({ subscriptions: [{ topic: 'orders', listener: own }] });
    expect(() => next(listeners, 'bills')).toThrow('no listener for topic bills');
  });
});

describe('a listener that is to be used', () => {
  const refused = (config: ConsumerConfig, topic: string, listener?: unknown): string => {
    try {
      choice(config).check(topic, listener as Listener | undefined); // callers in JavaScript
      return 'accepted';
    } catch (error) {
      expect(error).toMatchObject({ name: 'SubscriptionError', code: 'RMQ_SUBSCRIPTION_INVALID' });
      return String(error);
    }
  };
  const one = { subscriptions: [{ topic: 'orders', listener: own }] };

  it('must be there', () => {
    expect(refused(one, 'bills')).toContain('bills has no listener');
    expect(refused({ ...one, listener: general }, 'bills')).toBe('accepted');
    expect(refused(one, 'orders')).toBe('accepted');
  });

  it('must be made by one of the three', () => {
    expect(refused(one, 'bills', () => undefined)).toContain('not made by concurrently, orderly or simple');
  });

  it('is of the kind of the others', () => {
    expect(
      refused(
        one,
        'bills',
        orderly(() => undefined),
      ),
    ).toContain('by orderly(), those of this consumer by');
    expect(
      refused(
        one,
        'bills',
        simple(() => undefined),
      ),
    ).toBe('accepted');
    expect(refused({ listener: orderly(() => undefined), subscriptions: [] }, 'bills', own)).toContain(
      'by concurrently(), those of this consumer by orderly()',
    );
  });

  it('must fit the batches of queues that are open', () => {
    const batches = { consumeMessageBatchMaxSize: 8 };
    expect(refused({ ...one, ...batches }, 'bills', another)).toContain('consumeMessageBatchMaxSize is 8');
    expect(refused({ ...one, ...batches }, 'bills', own)).toBe('accepted');
    expect(refused({ ...one, ...batches, listener: general }, 'bills', another)).toBe('accepted'); // retried ones come one by one anyway
    expect(
      refused(
        { ...one, ...batches, listener: general },
        'orders',
        simple(() => undefined),
      ),
    ).toContain('made for the present one');
    expect(refused({ ...batches, subscriptions: [] }, 'bills', another)).toBe('accepted');
  });
});

it('several listeners get retried messages one by one', () => {
  const batches = { consumeMessageBatchMaxSize: 8, listener: general };
  const several = choice({ ...batches, subscriptions: [{ topic: 'orders', listener: own }] });
  const single = choice({ ...batches, subscriptions: [{ topic: 'orders' }] });
  expect([several.batchSize(retryQueue), several.batchSize(aQueue)]).toEqual([1, 8]);
  expect([single.batchSize(retryQueue), single.batchSize(aQueue)]).toEqual([8, 8]);
});
