// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { createConsumerConfig } from '../../../src/config/create-consumer-config.ts';
import { orderly } from '../../../src/listeners/listener.ts';
import { fixedSources } from './support.ts';

describe('createConsumerConfig', () => {
  it('makes a frozen config of what was given, and of nothing else', () => {
    const env = { ROCKETMQ_PULL_INTERVAL: '100' };
    const config = createConsumerConfig('billing', 'a:9876', { pullBatchSize: 64 }, { ...fixedSources, env });
    expect(config).toEqual({ consumerGroup: 'billing', namesrvAddr: 'a:9876', pullBatchSize: 64 });
    expect(Object.isFrozen(config)).toBe(true);
  });

  it('names every mistake at once', () => {
    const wrong = () => createConsumerConfig('', 'a', { pullBatchSize: 0 }, fixedSources);
    expect(wrong).toThrow(/3 problems:\n.*consumerGroup.*\n.*namesrvAddr.*\n.*pullBatchSize/);
  });

  it('leaves the listener to createConsumer, but not half of the listeners', () => {
    const listener = orderly(() => undefined);
    const make = (subscriptions: readonly { readonly topic: string }[]) =>
      createConsumerConfig('billing', 'a:9876', { subscriptions }, fixedSources);
    expect(make([{ topic: 'a' }, { topic: 'b' }]).listener).toBeUndefined();
    const half = [{ topic: 'a', listener }, { topic: 'b' }];
    expect(() => make(half)).toThrow('nothing handles the messages of b');
  });
});
