// SPDX-License-Identifier: Apache-2.0
/** What do the options of performance change? */
import { ConsumeResult, OrderlyResult, orderly } from '../../../../src/index.ts';
import { about, atLeast, type Effect, hang, type Stage } from './effect.ts';

const fails = (): unknown => ConsumeResult.RECONSUME_LATER;

/** The time between the first request of this name and the next one with the same name, or another one. */
async function between(stage: Stage, first: string, second = first): Promise<number> {
  await stage.until(() => stage.cluster.requests({ request: first }).length > 0);
  const from = stage.cluster.requests({ request: first })[0]?.at ?? 0;
  const isNext = (at: number): boolean => (first === second ? at > from : at >= from);
  const next = () => stage.cluster.requests({ request: second }).find(({ at }) => isNext(at));
  await stage.until(() => next() !== undefined);
  return (next()?.at ?? 0) - from;
}

async function largestBatch(stage: Stage): Promise<number> {
  stage.send(100);
  await stage.start();
  await stage.until(() => stage.deliveries.length === 100);
  return Math.max(...stage.deliveries.map(({ size }) => size));
}

const quickRetries = { messageDelayLevel: Array.from({ length: 18 }, () => '1s').join(' ') };

export const performanceEffects = {
  consumeConcurrency: {
    listener: (_, context) => hang(context),
    change: { consumeConcurrency: 2 },
    observe: async stage => {
      stage.send(100);
      await stage.start();
      await stage.pass(1000);
      return stage.most;
    },
    byDefault: 64,
    changed: 2,
  },
  consumeMessageBatchMaxSize: {
    change: { consumeMessageBatchMaxSize: 10 },
    observe: largestBatch,
    byDefault: 1,
    changed: 10,
  },
  batchMaxWaitMillis: {
    base: { consumeMessageBatchMaxSize: 10 },
    change: { batchMaxWaitMillis: 2000 },
    observe: async stage => {
      await stage.start();
      for (let i = 0; i < 4; i++) {
        stage.send(1);
        await stage.pass(300);
      }
      await stage.until(() => stage.deliveries.length === 4);
      return stage.deliveries.map(({ size }) => size);
    },
    byDefault: [1, 1, 1, 1],
    changed: [4, 4, 4, 4],
  },
  pullBatchSize: {
    base: { consumeMessageBatchMaxSize: 100 },
    change: { pullBatchSize: 7 },
    observe: largestBatch,
    byDefault: 32,
    changed: 7,
  },
  pullInterval: {
    base: { pullBatchSize: 10 },
    change: { pullInterval: 1000 },
    observe: async stage => {
      stage.send(50);
      await stage.start();
      await stage.until(() => stage.deliveries.length === 50);
      return (stage.deliveries.at(-1)?.at ?? 0) - (stage.deliveries[0]?.at ?? 0);
    },
    byDefault: 0,
    changed: about(4000), // five pulls
  },
  consumeTimeout: {
    listener: (_, context) => hang(context),
    change: { consumeTimeout: 5000 },
    observe: async stage => {
      stage.send(1);
      await stage.start();
      await stage.pass(20_000);
      return stage.all('message.stuck').length;
    },
    byDefault: 0,
    changed: 1,
  },
  retryPolicy: {
    listener: fails,
    change: { retryPolicy: () => 'drop' },
    observe: async stage => {
      stage.send(1);
      await stage.start();
      await stage.pass(5000);
      return stage.events.map(({ type }) => type).filter(type => /^message/.test(type));
    },
    byDefault: ['message.retried'],
    changed: ['message.dropped'],
  },
  maxReconsumeTimes: {
    cluster: quickRetries,
    listener: fails,
    change: { maxReconsumeTimes: 2 },
    observe: async stage => {
      stage.send(1);
      await stage.start();
      await stage.until(() => stage.all('message.deadLettered').length > 0, 600_000);
      return stage.deliveries.length;
    },
    byDefault: 17,
    changed: 3,
  },
  suspendCurrentQueueTimeMillis: {
    listener: () => OrderlyResult.SUSPEND_CURRENT_QUEUE_A_MOMENT,
    change: { suspendCurrentQueueTimeMillis: 100 },
    observe: async stage => {
      stage.send(1);
      await stage.start({
        listener: orderly((messages, context) => stage.consume(messages, context) as never), // as in Stage.make
      });
      await stage.until(() => stage.deliveries.length > 0);
      const before = stage.deliveries.length;
      await stage.pass(10_000);
      return stage.deliveries.length - before;
    },
    byDefault: about(10),
    changed: atLeast(50),
  },
  brokerSuspendMaxTimeMillis: {
    change: { brokerSuspendMaxTimeMillis: 5000 },
    observe: async stage => {
      await stage.start();
      await stage.pass(1000);
      const since = stage.now;
      await stage.pass(60_000);
      return stage.count('pullMessage', since);
    },
    byDefault: about(4),
    changed: about(12),
  },
  consumerTimeoutMillisWhenSuspend: {
    change: { consumerTimeoutMillisWhenSuspend: 8000 },
    observe: async stage => {
      stage.cluster.interfere({ request: 'pullMessage', topic: 'orders' }, { kind: 'drop' });
      await stage.start();
      const pulls = () => stage.cluster.requests({ request: 'pullMessage', topic: 'orders' });
      await stage.until(() => pulls().length > 1);
      return (pulls()[1]?.at ?? 0) - (pulls()[0]?.at ?? 0);
    },
    byDefault: about(30_500),
    changed: about(8500),
  },
  consumerTimeoutMillisSendMessage: {
    listener: fails,
    change: { consumerTimeoutMillisSendMessage: 500 },
    observe: async stage => {
      stage.cluster.interfere({ request: 'consumerSendMsgBack' }, { kind: 'drop' });
      stage.send(1);
      await stage.start();
      return await between(stage, 'consumerSendMsgBack', 'sendMessageV2');
    },
    byDefault: about(3000),
    changed: about(500),
  },
  consumerTimeoutMillisOfRequest: {
    base: { consumeFromWhere: undefined },
    change: { consumerTimeoutMillisOfRequest: 500 },
    observe: async stage => {
      stage.cluster.interfere({ request: 'maxOffset' }, { kind: 'drop' });
      stage.make().start();
      return await between(stage, 'maxOffset');
    },
    byDefault: about(3100), // and a pause of 50 to 200 ms, by chance
    changed: about(600),
  },
} satisfies Readonly<Record<string, Effect>>;
