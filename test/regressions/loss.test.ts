// SPDX-License-Identifier: Apache-2.0
/** Bugs by which other clients lost messages: does any of them happen here? docs/peer-bugs.md. */
import { afterEach, describe, expect, it } from 'vitest';
import { orderly } from '../../src/listeners/listener.ts';
import { OrderlyResult } from '../../src/model/consume-result.ts';
import { RequestCode, ResponseCode } from '../../src/protocol/codes.ts';
import { ConsumerKit, type KitOptions } from '../support/consumer-kit.ts';
import {
  commitsOf,
  committed,
  failSendBacks,
  firstQueue,
  numbers,
  offsetsDelivered,
  oneQueue,
  pullsOf,
  retryTopic,
  systemError,
  takeSendBacks,
} from './kit.ts';

const kits: ConsumerKit[] = [];
afterEach(() => {
  for (const kit of kits.splice(0)) kit.actor.stop();
});

function consumer(options: KitOptions = {}): ConsumerKit {
  const kit = new ConsumerKit({ cluster: oneQueue, ...options });
  kits.push(kit);
  return kit;
}

/** Five messages of which the third fails, as long as `fails.now`. */
async function thirdFails(reply: Parameters<typeof failSendBacks>[1]) {
  const fails = { now: true };
  const kit = consumer({
    listener: ([{ queueOffset }]) => {
      if (fails.now && queueOffset === 2) throw new Error('not today');
    },
  });
  await kit.start();
  failSendBacks(kit, reply);
  kit.cluster.store(firstQueue, 5);
  await kit.until(() => kit.delivered.length >= 5);
  return { kit, fails };
}

describe('a message that could not be sent back', () => {
  it('rocketmq-client-go#797, #860: is not passed by the offset, so a crash while it is tried again loses nothing', async () => {
    const { kit } = await thirdFails(systemError);
    await kit.pass(30_000);
    expect(Math.max(...commitsOf(kit))).toBe(2);
    kit.actor.stop(); // the crash: nothing is committed any more
    const next = consumer();
    Object.assign(next.cluster.queue('orders@broker-a#0'), { committed: committed(kit), max: 5 });
    await next.start();
    await next.until(() => next.delivered.length >= 3);
    expect(offsetsDelivered(next)).toEqual([2, 3, 4]);
  });

  it('rocketmq-client-go#976: is not passed when the connection broke before the answer, either', async () => {
    const { kit } = await thirdFails(undefined);
    kit.cluster.cut('broker-a:10911');
    await kit.pass(30_000);
    expect(Math.max(...commitsOf(kit))).toBe(2);
  });

  it('rocketmq-client-go#1106: counts as refused when the answer carries an error code', async () => {
    const { kit } = await thirdFails(systemError);
    await kit.pass(3000);
    const refused = kit.cluster.askedFor(RequestCode.CONSUMER_SEND_MSG_BACK);
    expect(refused.length).toBeGreaterThanOrEqual(1);
    expect(kit.all('message.retried')).toEqual([]);
    expect(Math.max(...commitsOf(kit))).toBeLessThanOrEqual(2);
    takeSendBacks(kit);
    await kit.until(() => kit.all('message.retried').length > 0);
    await kit.pass(6000);
    expect(committed(kit)).toBe(5);
  });

  it('rocketmq-client-cpp#208, #209: is delivered again here after five seconds, and done when that succeeds', async () => {
    const { kit, fails } = await thirdFails(systemError);
    const failedAt = kit.clock.now();
    fails.now = false;
    await kit.until(() => kit.delivered.length === 6);
    expect(offsetsDelivered(kit)).toEqual([0, 1, 2, 3, 4, 2]);
    expect(kit.clock.now() - failedAt).toBeGreaterThanOrEqual(5000);
    await kit.pass(6000);
    expect(committed(kit)).toBe(5);
  });
});

describe('the offset at the start', () => {
  const untilAnswered: readonly [string, Parameters<ConsumerKit['cluster']['on']>[1]][] = [
    ['rocketmq-client-go#832, #833: that nobody answered is not taken for none', () => undefined],
    ['apache/rocketmq#2708, #2705, #2944: that was refused is not taken for none', () => systemError],
  ];
  it.each(untilAnswered)('%s: the queue waits, and begins where the group was', async (_, script) => {
    const kit = consumer();
    Object.assign(kit.cluster.queue('orders@broker-a#0'), { committed: 7, min: 0, max: 10 });
    kit.cluster.on(RequestCode.QUERY_CONSUMER_OFFSET, script);
    await kit.start();
    await kit.pass(20_000);
    expect(pullsOf(kit)).toEqual([]);
    expect(commitsOf(kit)).toEqual([]);
    kit.cluster.on(RequestCode.QUERY_CONSUMER_OFFSET, () => 'as usual');
    await kit.until(() => kit.delivered.length === 3);
    expect(offsetsDelivered(kit)).toEqual([7, 8, 9]);
  });

  it('apache/rocketmq#10955: of an orderly queue is looked for once, so what comes while it is locked is not skipped', async () => {
    const delivered: number[] = [];
    const kit = consumer({
      config: {
        consumeFromWhere: 'CONSUME_FROM_LAST_OFFSET',
        listener: orderly(([{ queueOffset }]) => void delivered.push(queueOffset)),
      },
    });
    kit.cluster.queue('orders@broker-a#0').max = 4;
    kit.cluster.on(RequestCode.GET_MAX_OFFSET, () => {
      setImmediate(() => kit.cluster.store(firstQueue, 1)); // right behind the answer
      return 'as usual';
    });
    await kit.start();
    await kit.until(() => delivered.length > 0);
    expect(delivered[0]).toBe(4);
  });
});

describe('what is committed', () => {
  it('apache/rocketmq#1470: is what was done, not what was pulled', async () => {
    const kit = consumer({
      listener: ([{ queueOffset }]) => (queueOffset === 3 ? new Promise(() => {}) : undefined),
    });
    await kit.start();
    kit.cluster.store(firstQueue, 100);
    await kit.until(() => kit.delivered.length === 100);
    await kit.pass(20_000);
    expect(Math.max(...commitsOf(kit))).toBe(3);
  });

  it('rocketmq-client-go#618: does not pass a failed orderly message, though the next would succeed', async () => {
    const delivered: number[] = [];
    const fails = { now: true };
    const kit = consumer({
      config: {
        listener: orderly(([{ queueOffset }]) => {
          delivered.push(queueOffset);
          return fails.now ? OrderlyResult.SUSPEND_CURRENT_QUEUE_A_MOMENT : OrderlyResult.SUCCESS;
        }),
      },
    });
    await kit.start();
    kit.cluster.store(firstQueue, 2);
    await kit.pass(20_000);
    expect(new Set(delivered)).toEqual(new Set([0]));
    expect(Math.max(...commitsOf(kit))).toBe(0);
    fails.now = false;
    await kit.pass(10_000);
    expect(delivered.slice(-2)).toEqual([0, 1]);
    expect(committed(kit)).toBe(2);
  });

  it('apache/rocketmq#72: passes what another tag with the same hash left behind', async () => {
    const kit = consumer({
      config: { subscriptions: [{ topic: 'orders', selector: { type: 'TAG', expression: 'BB' } }] },
    });
    await kit.start();
    kit.cluster.store(firstQueue, 40); // without tags: the broker let them pass, as it does for equal hashes
    await kit.pass(10_000);
    expect([kit.delivered, committed(kit)]).toEqual([[], 40]);
  });
});

describe('a rebalance', () => {
  it('apache/rocketmq#2732: by a member list that was wrong for a moment neither loses nor skips anything', async () => {
    const kit = await consumer().start();
    kit.cluster.store(firstQueue, 10);
    await kit.until(() => kit.delivered.length === 10);
    kit.cluster.on(RequestCode.GET_CONSUMER_LIST_BY_GROUP, () => ({
      code: ResponseCode.SYSTEM_ERROR,
      remark: 'no consumer for this group',
    }));
    kit.cluster.tellMembersChanged('billing');
    await kit.pass(3000);
    kit.cluster.store(firstQueue, 10);
    kit.cluster.on(RequestCode.GET_CONSUMER_LIST_BY_GROUP, () => 'as usual');
    await kit.until(() => kit.delivered.length >= 20);
    await kit.pass(3000);
    expect(offsetsDelivered(kit)).toEqual(numbers(0, 20));
    expect(kit.all('queue.revoked')).toEqual([]);
  });

  it('apache/rocketmq#9830: by a restarted broker that does not list us yet lets no queue go', async () => {
    const kit = await consumer().start();
    const { members } = kit.cluster;
    const known = [...members];
    members.clear();
    kit.cluster.otherMembers.add('10.0.0.1@other');
    kit.cluster.tellMembersChanged('billing');
    await kit.pass(1000);
    for (const each of known) members.add(each);
    kit.cluster.otherMembers.clear();
    await kit.pass(5000);
    expect(kit.all('queue.revoked')).toEqual([]);
    kit.cluster.store(firstQueue, 1);
    await kit.until(() => kit.delivered.length === 1);
  });
});

it('rocketmq-client-go#530: the retry topic of a group that begins at the end is read from its first message', async () => {
  const kit = consumer({ config: { consumeFromWhere: 'CONSUME_FROM_LAST_OFFSET' } });
  kit.cluster.topics.set(retryTopic, 1);
  kit.cluster.queue(`${retryTopic}@broker-a#0`).max = 3;
  await kit.start();
  await kit.until(() => kit.delivered.length === 3);
  expect(kit.delivered.map(each => each.split(':')[1])).toEqual(['0', '1', '2']);
});
