// SPDX-License-Identifier: Apache-2.0
// What does a consumer tell when its group does not subscribe alike?
import { describe, expect, it } from 'vitest';
import { subscriptionData, tag } from '../../src/model/subscription.ts';
import type { Logger } from '../../src/observability/logger.ts';
import { encodeConsumerConnection } from '../../src/protocol/bodies/consumer-connection.ts';
import { RequestCode } from '../../src/protocol/codes.ts';
import { ConsumerKit } from '../support/consumer-kit.ts';

const config = { subscriptions: [{ topic: 'orders', selector: tag('a') }] };
const far = 9_000_000_000_000;

function kept(expression: string, clientIds: readonly string[], topic = 'orders'): Buffer {
  return encodeConsumerConnection({
    connectionSet: clientIds.map(clientId => ({
      ...{ clientAddr: '10.0.0.1:1', clientId, language: 'JAVA', version: 441 },
    })),
    consumeFromWhere: 'CONSUME_FROM_LAST_OFFSET',
    consumeType: 'CONSUME_PASSIVELY',
    messageModel: 'CLUSTERING',
    subscriptionTable: new Map([[topic, subscriptionData(topic, tag(expression), far)]]),
  });
}

describe('a group that does not subscribe alike', () => {
  it('is told with topic, both selectors, the other members and the broker, once, and once when it is over', async () => {
    const kit = new ConsumerKit({ config });
    const me = (): string => kit.actor.getSnapshot().context.clientId;
    kit.cluster.on(RequestCode.GET_CONSUMER_CONNECTION_LIST, () => ({ body: kept('b', [me(), 'she']) }));
    await kit.start();
    await kit.pass(80_000, 500);
    expect(kit.all('subscription.conflict')).toEqual([
      {
        type: 'subscription.conflict',
        state: 'found',
        details: {
          ...{ topic: 'orders', kind: 'expression', ours: tag('a'), theirs: tag('b') },
          ...{ members: ['she'], broker: 'broker-a:10911' },
        },
      },
    ]);
    kit.cluster.on(RequestCode.GET_CONSUMER_CONNECTION_LIST, () => ({ body: kept('a', [me(), 'she']) }));
    await kit.pass(62_000, 500);
    expect(kit.all('subscription.conflict').map(({ state }) => state)).toEqual(['found', 'over']);
    expect(kit.faults).toEqual([]);
  });

  it('is no longer looked at once the consumer stops', async () => {
    const kit = new ConsumerKit({ config });
    await kit.start();
    kit.actor.send({ type: 'consumer.shutdown' });
    await kit.until(() => kit.state === 'stopped');
    expect(kit.leftovers).toEqual({ timers: 0, sockets: 0, children: [] });
  });

  it('is noticed at once when a pull is refused because other topics took our place', async () => {
    const kit = new ConsumerKit({ config: { subscriptions: [{ topic: 'orders' }] } });
    kit.cluster.on(RequestCode.GET_CONSUMER_CONNECTION_LIST, () => ({ body: kept('*', ['she'], 'letters') }));
    await kit.start();
    const from = kit.clock.now();
    kit.cluster.on(RequestCode.PULL_MESSAGE, () => ({
      code: 24,
      remark: 'the consumer has no such subscription',
    }));
    await kit.until(() => kit.all('subscription.conflict').length > 0);
    expect(
      kit.all('subscription.conflict').map(({ details: { topic, kind } }) => `${topic} ${kind}`),
    ).toEqual(['orders onlyOurs', 'letters onlyTheirs']);
    expect(kit.clock.now() - from).toBeLessThan(20_000);
  });

  it('is told by refused pulls alone where the broker says 16 to the question, which is logged once', async () => {
    const lines: string[] = [];
    const logger: Logger = {
      ...{ trace: () => {}, debug: () => {}, warn: () => {}, error: () => {} },
      ...{ isLevelEnabled: () => true, child: () => logger },
      info: (_, text) => void lines.push(text),
    };
    const kit = new ConsumerKit({ config, environment: { logger } });
    kit.cluster.on(RequestCode.GET_CONSUMER_CONNECTION_LIST, () => ({ code: 16, remark: 'no GET on group' }));
    await kit.start();
    await kit.pass(100_000, 500);
    expect(lines.filter(line => line.includes('refused pulls only'))).toHaveLength(1);
    expect(kit.cluster.askedFor(RequestCode.GET_CONSUMER_CONNECTION_LIST)).toHaveLength(1);
    kit.cluster.on(RequestCode.PULL_MESSAGE, () => ({ code: 25, remark: 'not the latest' }));
    await kit.until(() => kit.all('subscription.conflict').length > 0);
    const [told] = kit.all('subscription.conflict');
    expect(told?.details).toMatchObject({ topic: 'orders', ours: tag('a'), members: [] });
    expect(kit.faults.every(({ error }) => error.code === 'RMQ_SUBSCRIPTION_STALE')).toBe(true);
  });
});
