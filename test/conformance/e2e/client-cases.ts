// SPDX-License-Identifier: Apache-2.0
/** ConsumerGroupTest and PushConsumerInitTest: which consumers can be made and started at all? */
import { expect, vi } from 'vitest';
import {
  type ConsumerConfig,
  concurrently,
  createConsumerActor,
  type Environment,
  shutdown,
  silentLogger,
  whenRunning,
} from '../../../src/index.ts';
import { freePortBlock, releasePortBlock } from '../../support/cluster/ports.ts';
import { settled } from '../../support/scenario/cluster-under-test.ts';
import type { E2eClass } from './e2e-case.ts';
import type { E2eStage } from './stage.ts';

const listener = concurrently(() => undefined);
const anyAddress = '127.0.0.1:9876';

/** What is said of the option when a consumer is made of this. */
function problemOf(config: ConsumerConfig, option: string): string | undefined {
  try {
    createConsumerActor(config, { logger: silentLogger });
    return undefined;
  } catch (thrown) {
    expect(thrown).toMatchObject({ name: 'ConfigError', code: 'RMQ_CONFIG_INVALID' });
    const { problems } = (thrown as { context: { problems: readonly { option: string; problem: string }[] } })
      .context; // of every ConfigError
    return problems.find(each => each.option.startsWith(option))?.problem;
  }
}

function environmentOf({ cluster: { clock } }: E2eStage): Environment {
  return { clock, logger: silentLogger };
}

export const consumerGroupTest: E2eClass = {
  name: 'ConsumerGroupTest',
  cases: [
    {
      name: 'testSystemInnerConsumerGroup',
      about: 'the group DEFAULT_CONSUMER is refused',
      async run(stage) {
        const topic = stage.fresh('e2e');
        const config = { namesrvAddr: anyAddress, subscriptions: [{ topic }], listener };
        expect(problemOf({ ...config, consumerGroup: 'DEFAULT_CONSUMER' }, 'consumerGroup')).toMatch(
          /reserved/,
        );
        expect(problemOf({ ...config, consumerGroup: stage.fresh('e2e') }, 'consumerGroup')).toBeUndefined();
      },
    },
  ],
};

export const pushConsumerInitTest: E2eClass = {
  name: 'PushConsumerInitTest',
  cases: [
    {
      name: 'testNormalSetting',
      about: 'with everything set a consumer starts, and stops clean',
      async run(stage) {
        const topic = await stage.topic();
        const consumer = await stage.consumer({
          ...{ topic, group: stage.fresh('e2e') },
          config: {
            allocateStrategy: 'AVG',
            consumeConcurrency: 20,
            consumeFromWhere: 'CONSUME_FROM_LAST_OFFSET',
          },
        });
        await stage.shares([consumer], topic, [8]);
        await stage.stop(consumer);
        expect(await consumer.stop()).toMatchObject({ clean: true, reason: 'requested' });
      },
    },
    {
      name: 'testErrorNameserver',
      about:
        'an address that is none is refused at once, one where nobody listens when the start has taken its time',
      async run(stage) {
        const config = {
          consumerGroup: stage.fresh('e2e'),
          subscriptions: [{ topic: stage.fresh('e2e') }],
          listener,
        };
        const namesrvAddr = 'https://www.aliyun.com';
        expect(problemOf({ ...config, namesrvAddr }, 'namesrvAddr')).toContain(namesrvAddr);
        const port = await freePortBlock();
        const actor = createConsumerActor(
          { ...config, namesrvAddr: `127.0.0.1:${port}`, startTimeout: 1000 },
          environmentOf(stage),
        ).start();
        const started = settled(stage.cluster, 'the start has failed', 10_000, whenRunning(actor));
        await expect(started).rejects.toMatchObject({ code: 'RMQ_START_TIMEOUT' });
        await settled(stage.cluster, 'it has stopped', 10_000, shutdown(actor));
        releasePortBlock(port);
      },
    },
    {
      name: 'testNoGroupId',
      about: 'without a group it is refused',
      async run(stage) {
        const config = { namesrvAddr: anyAddress, subscriptions: [{ topic: stage.fresh('e2e') }], listener };
        expect(problemOf(config, 'consumerGroup')).toBeDefined();
      },
    },
    {
      name: 'testEmptySubscription',
      about: 'a subscription without a topic is refused',
      async run(stage) {
        const config = { consumerGroup: stage.fresh('e2e'), namesrvAddr: anyAddress, listener };
        expect(problemOf({ ...config, subscriptions: [{ topic: '' }] }, 'subscriptions')).toMatch(/empty/);
        const nothing = [{ topic: null, selector: null }] as unknown as ConsumerConfig['subscriptions']; // as the Java test gives it
        expect(problemOf({ ...config, subscriptions: nothing }, 'subscriptions')).toBeDefined();
      },
    },
    {
      name: 'testNoClientConfiguration',
      about: 'without a name server, in the config and in the environment, it is refused',
      async run(stage) {
        vi.stubEnv('ROCKETMQ_NAMESRV_ADDR', undefined);
        vi.stubEnv('NAMESRV_ADDR', undefined);
        try {
          const config = {
            consumerGroup: stage.fresh('e2e'),
            subscriptions: [{ topic: stage.fresh('e2e') }],
            listener,
          };
          expect(problemOf(config, 'namesrvAddr')).toBeDefined();
        } finally {
          vi.unstubAllEnvs();
        }
      },
    },
    {
      name: 'testNoListener',
      about: 'a subscription that nobody listens to is refused',
      async run(stage) {
        const topic = stage.fresh('e2e');
        const config = {
          consumerGroup: stage.fresh('e2e'),
          namesrvAddr: anyAddress,
          subscriptions: [{ topic }],
        };
        expect(problemOf(config, '')).toBeDefined();
      },
    },
  ],
};
