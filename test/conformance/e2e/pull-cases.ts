// SPDX-License-Identifier: Apache-2.0
/** PullConsumerInitTest, PullAckTest, PullParamTest and a case of OffsetTest: Apache's pull consumers, read with messages() here. */
import { expect, vi } from 'vitest';
import {
  type Consumer,
  type ConsumerConfig,
  createConsumer,
  type ReceivedMessage,
  silentLogger,
} from '../../../src/index.ts';
import { tcpDialer } from '../../../src/transport/tcp-dialer.ts';
import { settled } from '../../support/scenario/cluster-under-test.ts';
import type { E2eCase, E2eClass } from './e2e-case.ts';
import { bodies, type E2eStage, numbered, sorted } from './stage.ts';

const anyAddress = '127.0.0.1:9876';

/** A consumer without a listener that runs until the work is done. */
async function reading<Value>(
  { cluster }: E2eStage,
  {
    topic,
    group,
    config,
  }: { readonly topic: string; readonly group: string; readonly config?: ConsumerConfig },
  work: (consumer: Consumer) => Promise<Value>,
): Promise<Value> {
  const { clock, namesrvAddr } = cluster;
  const consumer = createConsumer(
    {
      consumerGroup: group,
      namesrvAddr,
      subscriptions: [{ topic }],
      consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
      persistConsumerOffsetInterval: 500,
      ...config,
    },
    undefined,
    { clock, logger: silentLogger, dialer: tcpDialer({ clock }) },
  );
  try {
    await settled(cluster, 'a consumer runs', 60_000, consumer.start());
    return await settled(cluster, 'messages are read', 60_000, work(consumer));
  } finally {
    await settled(cluster, 'a consumer stops', 60_000, consumer.shutdown());
  }
}

/** Reads so many messages, deals with each, and leaves the loop. Answers their bodies. */
async function read(
  consumer: Consumer,
  count: number,
  deal: (message: ReceivedMessage) => void,
): Promise<readonly string[]> {
  const seen: string[] = [];
  for await (const message of consumer.messages()) {
    seen.push(message.body.toString());
    deal(message);
    if (seen.length === count) break;
  }
  return seen;
}

const done = (message: ReceivedMessage): void => message.ack();

/** Twenty messages that are read and acknowledged come once, and to nobody later. */
async function acknowledged(stage: E2eStage): Promise<void> {
  const given = { topic: await stage.topic(), group: stage.fresh('e2e') };
  await stage.send(numbered(given.topic, 20));
  expect(sorted(await reading(stage, given, consumer => read(consumer, 20, done)))).toEqual(bodies(20));
  await stage.committed(given.topic, given.group);
  await stage.send([{ topic: given.topic, body: 'another' }]);
  expect(await reading(stage, given, consumer => read(consumer, 1, done))).toEqual(['another']);
}

function refusal(config: ConsumerConfig): unknown {
  try {
    return createConsumer(config, undefined, { logger: silentLogger });
  } catch (thrown) {
    return thrown;
  }
}

export const pullConsumerInitTest: E2eClass = {
  name: 'PullConsumerInitTest',
  cases: [
    {
      name: 'testNormalSetting',
      about: 'a consumer without a listener starts, and stops clean',
      async run(stage) {
        const given = { topic: await stage.topic(), group: stage.fresh('e2e') };
        expect(await reading(stage, given, async consumer => consumer.isRunning())).toBe(true);
      },
    },
    {
      name: 'testNoClientConfiguration',
      about: 'without a name server it is refused',
      async run(stage) {
        vi.stubEnv('ROCKETMQ_NAMESRV_ADDR', undefined);
        vi.stubEnv('NAMESRV_ADDR', undefined);
        try {
          const refused = refusal({
            consumerGroup: stage.fresh('e2e'),
            subscriptions: [{ topic: 'orders' }],
          });
          expect(refused).toMatchObject({ code: 'RMQ_CONFIG_INVALID' });
        } finally {
          vi.unstubAllEnvs();
        }
      },
    },
    {
      name: 'testNoConsumerGroup',
      about: 'without a group it is refused',
      async run() {
        const refused = refusal({ namesrvAddr: anyAddress, subscriptions: [{ topic: 'orders' }] });
        expect(refused).toMatchObject({ code: 'RMQ_CONFIG_INVALID' });
      },
    },
    {
      name: 'testEmptySubscription',
      about: 'a subscription without a topic is refused',
      async run(stage) {
        const consumerGroup = stage.fresh('e2e');
        const refused = refusal({ namesrvAddr: anyAddress, consumerGroup, subscriptions: [{ topic: '' }] });
        expect(refused).toMatchObject({ code: 'RMQ_CONFIG_INVALID' });
      },
    },
    {
      name: 'testAwaitDuration',
      about: 'a loop that waits for a message waits as long as its signal says, and no longer',
      async run(stage) {
        const given = { topic: await stage.topic(), group: stage.fresh('e2e') };
        const { clock } = stage.cluster;
        const from = clock.now();
        const waited = reading(stage, given, async consumer => {
          const ending = new AbortController();
          clock.setTimeout(() => ending.abort(new Error('long enough')), 1000);
          for await (const message of consumer.messages({ signal: ending.signal })) message.ack();
        });
        await expect(waited).rejects.toThrow('long enough');
        expect(clock.now() - from).toBeGreaterThanOrEqual(999); // a timer may fire a fraction early
      },
    },
  ],
};

export const pullAckTest: E2eClass = {
  name: 'PullAckTest',
  cases: [
    {
      name: 'testNormal_lite_pull_receive_ack',
      about: 'twenty messages that were read and acknowledged come once, and to nobody later',
      run: acknowledged,
    },
    {
      name: 'testNormal_pull_receive_ack',
      about: 'the same of one queue at a time: pausing the others leaves their messages where they are',
      async run(stage) {
        const given = { topic: await stage.topic(2), group: stage.fresh('e2e') };
        const sent = await stage.send(numbered(given.topic, 20));
        const ofQueue = (queueId: number): readonly string[] =>
          bodies(20).filter((_, index) => sent[index]?.queue.queueId === queueId);
        const [queue] = sent.flatMap(each => (each.queue.queueId === 1 ? [each.queue] : []));
        if (queue === undefined) throw new Error('no message went to queue 1');
        await reading(stage, given, async consumer => {
          await consumer.pause({ queue });
          expect(await read(consumer, 10, done)).toEqual(ofQueue(0));
          await consumer.resume({ queue });
          expect(await read(consumer, 10, done)).toEqual(ofQueue(1));
        });
        await stage.committed(given.topic, given.group);
      },
    },
  ],
};

export const pullParamTest: E2eClass = {
  name: 'PullParamTest',
  cases: [
    {
      name: 'testNormal_pull_receive_maxsize_sync',
      about:
        'of 300 messages no more are out at once than asked for, and none that was acknowledged comes again',
      async run(stage) {
        const given = { topic: await stage.topic(), group: stage.fresh('e2e') };
        await stage.send(numbered(given.topic, 300));
        const out: ReceivedMessage[] = [];
        let most = 0;
        const config = { consumeConcurrency: 32 };
        const seen = await reading(stage, { ...given, config }, consumer =>
          read(consumer, 300, message => {
            out.push(message);
            most = Math.max(most, out.length);
            if (out.length === 32 || most === 32) for (const each of out.splice(0)) each.ack();
          }),
        );
        expect(most).toBe(32);
        expect(sorted(seen)).toEqual(bodies(300));
        await stage.committed(given.topic, given.group);
      },
    },
    {
      name: 'testNormal_simple_receive_multi_nack',
      about: 'of twenty messages only the one that was not acknowledged comes again',
      async run(stage) {
        const given = { topic: await stage.topic(), group: stage.fresh('e2e') };
        await stage.send(numbered(given.topic, 20));
        const seen = await reading(stage, given, consumer =>
          read(consumer, 21, message => {
            if (message.body.toString() === '19' && message.attempt === 1) message.retry();
            else message.ack();
          }),
        );
        expect(seen.filter(body => body === '19')).toHaveLength(2);
        expect(sorted([...new Set(seen)])).toEqual(bodies(20));
        await stage.committed(`%RETRY%${given.group}`, given.group);
      },
    },
  ],
};

/** The part of OffsetTest that pulls. */
export const unacknowledgedCase: E2eCase = {
  name: 'test_pull_receive_nack',
  about: 'ten messages that were read and not acknowledged come again',
  async run(stage) {
    const given = { topic: await stage.topic(), group: stage.fresh('e2e') };
    await stage.send(numbered(given.topic, 10));
    const twice = await reading(stage, given, async consumer => {
      const first = await read(consumer, 10, () => {});
      return [first, await read(consumer, 10, done)];
    });
    expect(twice.map(sorted)).toEqual([bodies(10), bodies(10)]);
    await stage.committed(given.topic, given.group);
    await stage.committed(`%RETRY%${given.group}`, given.group);
  },
};
