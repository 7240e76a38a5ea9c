// SPDX-License-Identifier: Apache-2.0
/** What does a whole consumer do when a broker is taken away, or its topic is? */
import { expect, it } from 'vitest';
import { encodeRoute } from '../../src/protocol/bodies/route.ts';
import { RequestCode, ResponseCode } from '../../src/protocol/codes.ts';
import { ConsumerKit } from '../support/consumer-kit.ts';
import { addressOf } from '../support/scripted-cluster.ts';

const onB = { topic: 'orders', brokerName: 'broker-b', queueId: 0 };
const minute = 60_000;

/** Two brokers with a queue each; one message of broker-b is done, and its offset is not yet handed over. */
async function withTwoBrokers(): Promise<ConsumerKit> {
  const kit = new ConsumerKit({ cluster: { brokers: ['broker-a', 'broker-b'], topics: { orders: 1 } } });
  await kit.start();
  kit.cluster.store(onB, 1);
  await kit.until(() => kit.delivered.length === 1);
  return kit;
}

/** From now on no route names broker-b. */
function unroute({ cluster }: ConsumerKit): void {
  const left = ['broker-a'];
  cluster.on(RequestCode.GET_ROUTEINFO_BY_TOPIC, ({ fields }) =>
    fields['topic'] === 'orders'
      ? {
          body: encodeRoute({
            brokers: left.map(brokerName => ({
              ...{ brokerName, cluster: 'test', addresses: new Map([[0, addressOf(brokerName)]]) },
            })),
            queues: left.map(brokerName => ({ brokerName, readQueueNums: 1, writeQueueNums: 1, perm: 6 })),
          }),
        }
      : { code: ResponseCode.TOPIC_NOT_EXIST, remark: 'No topic route info' },
  );
}

const codesOf = (kit: ConsumerKit): readonly string[] => kit.faults.map(({ error }) => error.code);

it('a broker that died and is named by no route is given up after 20 s: what it did not take is told as uncommitted, and it is dialled no more', async () => {
  const kit = await withTwoBrokers();
  kit.cluster.manner(addressOf('broker-b'), 'refusing');
  kit.cluster.cut(addressOf('broker-b'));
  unroute(kit);
  await kit.pass(19_000, 200);
  expect(kit.all('queue.revoked')).toEqual([]);
  await kit.pass(15_000, 200);
  expect(kit.all('queue.revoked')).toMatchObject([{ queue: onB, reason: 'unrouted' }]);
  expect(codesOf(kit).filter(code => code === 'RMQ_BROKER_REMOVED')).toHaveLength(1);
  expect(kit.faults.some(({ actor }) => actor === 'offsets')).toBe(true);
  const dials = kit.cluster.dials.filter(address => address === addressOf('broker-b')).length;
  await kit.pass(5 * minute, 500);
  expect(kit.cluster.dials.filter(address => address === addressOf('broker-b'))).toHaveLength(dials);
  expect(kit.actor.getSnapshot().context.assignedQueues.map(({ queue }) => queue.brokerName)).toEqual([
    'broker-a',
  ]);
  kit.actor.stop();
});

it('a broker that no route names, and that does not tell about the topic, gets its last commit after 60 s, and its connection is closed then', async () => {
  const kit = await withTwoBrokers();
  kit.cluster.on(RequestCode.GET_TOPIC_STATS_INFO, () => ({
    code: ResponseCode.NO_PERMISSION,
    remark: 'no GET',
  }));
  unroute(kit);
  await kit.pass(30_000, 200); // until routes are asked
  kit.cluster.store(onB, 2);
  await kit.pass(55_000, 200);
  expect(kit.all('queue.revoked')).toEqual([]);
  await kit.pass(15_000, 200);
  expect(kit.all('queue.revoked')).toMatchObject([{ queue: onB, reason: 'unrouted' }]);
  expect(kit.cluster.queue('orders@broker-b#0').committed).toBe(3);
  expect(codesOf(kit)).toEqual(['RMQ_BROKER_REMOVED']);
  const { length } = kit.cluster.asked.filter(({ address }) => address === addressOf('broker-b'));
  await kit.pass(5 * minute, 500);
  expect(kit.cluster.asked.filter(({ address }) => address === addressOf('broker-b'))).toHaveLength(length);
  kit.actor.stop();
});

it('a broker that no route names for a quarter of an hour keeps its queue as long as it says that it has the topic', async () => {
  const kit = await withTwoBrokers();
  unroute(kit);
  await kit.pass(15 * minute, 2000);
  kit.cluster.store(onB, 1);
  await kit.until(() => kit.delivered.length === 2);
  expect([kit.all('queue.revoked'), codesOf(kit)]).toEqual([[], []]);
  const asked = kit.cluster.askedFor(RequestCode.GET_TOPIC_STATS_INFO).length;
  expect(asked).toBeLessThanOrEqual(15 * 4);
  kit.actor.stop();
});
