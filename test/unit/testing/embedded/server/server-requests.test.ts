// SPDX-License-Identifier: Apache-2.0
/** Does an admin tool reach a whole consumer through a broker of an embedded cluster: 222, 223, 307, 309? */
import { describe, expect, it } from 'vitest';
import { type ConsumerConfig, createConsumer, simple } from '../../../../../src/index.ts';
import { silentLogger } from '../../../../../src/observability/logger.ts';
import { parseDirectResult } from '../../../../../src/protocol/bodies/direct-result.ts';
import { parseRunningInfo } from '../../../../../src/protocol/bodies/running-info.ts';
import { RequestCode } from '../../../../../src/protocol/codes.ts';
import type { ExtFields } from '../../../../../src/protocol/frame.ts';
import { encodeOffsetMsgId } from '../../../../../src/protocol/message-id.ts';
import { startEmbeddedCluster } from '../../../../../src/testing/embedded/embedded-cluster.ts';
import { TestClock } from '../../../../../src/testing/test-clock.ts';
import { WireClient } from './wire-client.ts';

async function aConsumer(config: ConsumerConfig = {}) {
  const cluster = await startEmbeddedCluster({ clock: new TestClock() });
  cluster.createTopic('orders', { queues: 1 });
  cluster.send(...Array.from({ length: 10 }, (_, i) => ({ topic: 'orders', body: `${i}` })));
  const bodies: string[] = [];
  const moves: string[] = [];
  const consumer = createConsumer(
    {
      consumerGroup: 'billing',
      namesrvAddr: cluster.namesrvAddr,
      subscriptions: [{ topic: 'orders' }],
      consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
      ...config,
    },
    simple(({ body }) => void bodies.push(body.toString())),
    { clock: cluster.clock, logger: silentLogger },
  );
  consumer.on('offset.corrected', ({ from, to, reason }) => moves.push(`${from} to ${to} by ${reason}`));
  await cluster.passUntil(consumer.start());
  await cluster.passUntil(() => bodies.length === 10);
  const tool = await WireClient.connect(cluster.broker().address);
  const { clientId } = consumer.actor.getSnapshot().context;
  return {
    ...{ cluster, bodies, moves, clientId },
    ask: async (code: number, fields: ExtFields) => {
      const answer = tool.request(code, { fields });
      await cluster.passUntil(answer);
      return answer;
    },
    async [Symbol.asyncDispose](): Promise<void> {
      tool.close();
      await cluster.passUntil(consumer.shutdown());
      await cluster.stop();
    },
  };
}

const {
  CONSUME_MESSAGE_DIRECTLY,
  GET_CONSUMER_RUNNING_INFO,
  INVOKE_BROKER_TO_GET_CONSUMER_STATUS,
  INVOKE_BROKER_TO_RESET_OFFSET,
} = RequestCode;

describe('an admin tool', () => {
  it('hears through the broker what the consumer is doing, and how far it is', async () => {
    await using test = await aConsumer();
    const { ask, clientId } = test;
    const answer = await ask(GET_CONSUMER_RUNNING_INFO, { consumerGroup: 'billing', clientId });
    const { mqTable, subscriptionSet } = parseRunningInfo(answer.body);
    expect(subscriptionSet.map(({ topic }) => topic)).toEqual(['orders', '%RETRY%billing']);
    expect(mqTable.map(([{ topic, queueId }]) => `${topic}-${queueId}`)).toContain('orders-0');
    const status = await ask(INVOKE_BROKER_TO_GET_CONSUMER_STATUS, {
      ...{ topic: 'orders', group: 'billing', clientAddr: '' },
    });
    expect(status.body.toString()).toContain(
      `"${clientId}":{{"brokerName":"broker-a","queueId":0,"topic":"orders"}:10}`,
    );
  });

  it('moves offsets back: a queue that is idle goes on from there when its pull ends, and nothing beyond is missed', async () => {
    await using test = await aConsumer();
    const { ask, cluster, bodies, moves } = test;
    const fields = { topic: 'orders', group: 'billing', timestamp: '0', isForce: 'true' };
    expect((await ask(INVOKE_BROKER_TO_RESET_OFFSET, fields)).code).toBe(0);
    await cluster.passUntil(() => bodies.length === 20);
    expect(bodies.slice(10)).toEqual([...'0123456789']);
    expect(moves).toEqual(['10 to 0 by OFFSET_RESET']);
    await cluster.pass(6000);
    expect(cluster.broker().committed('billing', 'orders', 0)).toBe(10);
  });

  it('has one message consumed where that is allowed, and is refused elsewhere; no offset moves', async () => {
    await using open = await aConsumer({ allowDirectConsume: true });
    await using closed = await aConsumer();
    const seen = await Promise.all(
      [open, closed].map(async ({ ask, cluster, clientId, bodies }) => {
        const msgId = encodeOffsetMsgId(Buffer.alloc(8), 0); // the first one in the log
        const answer = await ask(CONSUME_MESSAGE_DIRECTLY, {
          ...{ consumerGroup: 'billing', clientId, msgId, topic: 'orders' },
        });
        await cluster.pass(6000);
        return {
          answer,
          after: bodies.slice(10),
          committed: cluster.broker().committed('billing', 'orders', 0),
        };
      }),
    );
    expect(seen.map(({ after, committed, answer }) => ({ after, committed, code: answer.code }))).toEqual([
      { after: ['0'], committed: 10, code: 0 },
      { after: [], committed: 10, code: 16 },
    ]);
    expect(parseDirectResult(seen[0]?.answer.body ?? Buffer.alloc(0)).consumeResult).toBe('CR_SUCCESS');
    expect(seen[1]?.answer.remark).toMatch(/^RMQ_DIRECT_CONSUME_REFUSED/);
  });
});
