// SPDX-License-Identifier: Apache-2.0
/** Bugs by which offsets of other clients jumped back or stood still: does any of them happen here? docs/peer-bugs.md. */
import { afterEach, expect, it } from 'vitest';
import { orderly } from '../../src/listeners/listener.ts';
import { RequestCode, ResponseCode } from '../../src/protocol/codes.ts';
import { ConsumerKit, type KitOptions } from '../support/consumer-kit.ts';
import type { Script } from '../support/scripted-cluster.ts';
import { committed, firstQueue, numbers, offsetsDelivered, oneQueue, pullsOf, systemError } from './kit.ts';

const kits: ConsumerKit[] = [];
afterEach(() => {
  for (const kit of kits.splice(0)) kit.actor.stop();
});

function consumer(options: KitOptions = {}): ConsumerKit {
  const kit = new ConsumerKit({ cluster: oneQueue, ...options });
  kits.push(kit);
  return kit;
}

/** Answers pulls of the queue from below `next` with 21, as a broker does that has nothing there any more. */
function movedTo(next: number): Script {
  return ({ fields }) =>
    Number(fields['queueOffset']) < next
      ? {
          code: ResponseCode.PULL_OFFSET_MOVED,
          fields: {
            nextBeginOffset: String(next),
            minOffset: String(next),
            maxOffset: '200',
            suggestWhichBrokerId: '0',
          },
        }
      : 'as usual';
}

function offsetsPulled(kit: ConsumerKit): readonly number[] {
  return pullsOf(kit).map(({ fields }) => Number(fields['queueOffset']));
}

it('apache/rocketmq#1825: an orderly queue whose offset cannot be read after a restart of the broker does not go to its first message', async () => {
  const delivered: number[] = [];
  const kit = consumer({
    config: { listener: orderly(([{ queueOffset }]) => void delivered.push(queueOffset)) },
  });
  await kit.start();
  kit.cluster.store(firstQueue, 10);
  await kit.until(() => delivered.length === 10);
  kit.cluster.locks.holders.clear(); // the broker forgot them
  kit.cluster.on(RequestCode.QUERY_CONSUMER_OFFSET, () => systemError);
  kit.cluster.cut('broker-a:10911');
  await kit.pass(40_000);
  kit.cluster.on(RequestCode.QUERY_CONSUMER_OFFSET, () => 'as usual');
  kit.cluster.store(firstQueue, 5);
  await kit.until(() => delivered.length >= 15);
  expect(delivered).toEqual(numbers(0, 15));
  expect(offsetsPulled(kit)).toEqual(offsetsPulled(kit).toSorted((a, b) => a - b));
});

it('apache/rocketmq#2181; alibaba/rocketmq#210, #28: a jump to 0 that a broker demands after a failover is told, and followed once', async () => {
  const kit = consumer();
  Object.assign(kit.cluster.queue('orders@broker-a#0'), { committed: 50, min: 0, max: 50 });
  await kit.start();
  await kit.pass(1000);
  const asked = pullsOf(kit).length;
  kit.cluster.on(RequestCode.PULL_MESSAGE, () => ({
    code: ResponseCode.PULL_OFFSET_MOVED,
    fields: { nextBeginOffset: '0', minOffset: '0', maxOffset: '49', suggestWhichBrokerId: '0' },
  }));
  kit.cluster.cut('broker-a:10911'); // the failover
  await kit.until(() => kit.all('offset.corrected').length > 0);
  kit.cluster.on(RequestCode.PULL_MESSAGE, () => 'as usual');
  expect(kit.all('offset.corrected')[0]).toMatchObject({ from: 50, to: 0 });
  expect(pullsOf(kit).length - asked).toBe(1);
});

it('apache/rocketmq#1094, #7790: a broker that comes back with older offsets does not lead us back, and is told the newer ones', async () => {
  const kit = consumer();
  await kit.start();
  kit.cluster.store(firstQueue, 10);
  await kit.pass(10_000);
  expect(committed(kit)).toBe(10);
  kit.cluster.queue('orders@broker-a#0').committed = 4; // from a copy that lagged behind
  kit.cluster.cut('broker-a:10911');
  await kit.pass(10_000);
  kit.cluster.store(firstQueue, 1);
  await kit.pass(10_000);
  expect(offsetsDelivered(kit)).toEqual(numbers(0, 11));
  expect(committed(kit)).toBe(11);
  expect(kit.all('offset.corrected')).toEqual([]);
});

it('apache/rocketmq#7740: an illegal offset is corrected once, not again and again', async () => {
  const kit = consumer();
  Object.assign(kit.cluster.queue('orders@broker-a#0'), { committed: 5, min: 100, max: 110 });
  kit.cluster.on(RequestCode.PULL_MESSAGE, movedTo(100));
  await kit.start();
  await kit.until(() => kit.delivered.length === 10);
  await kit.pass(60_000);
  expect(offsetsDelivered(kit)).toEqual(numbers(100, 110));
  expect(offsetsPulled(kit).filter(offset => offset < 100)).toEqual([5]);
  expect(kit.all('offset.corrected')).toHaveLength(1);
  expect(committed(kit)).toBe(110);
});

it('rocketmq-client-go#571; alibaba/rocketmq#164: a group whose next messages expired follows the queue, though nothing new is sent', async () => {
  const kit = consumer();
  Object.assign(kit.cluster.queue('orders@broker-a#0'), { committed: 0, min: 2020, max: 2020 });
  kit.cluster.on(RequestCode.PULL_MESSAGE, movedTo(2020));
  await kit.start();
  await kit.pass(20_000);
  expect(committed(kit)).toBe(2020);
});

it('rocketmq-client-go#731: a group that begins at the end of a silent queue has its place committed', async () => {
  const kit = consumer({ config: { consumeFromWhere: 'CONSUME_FROM_LAST_OFFSET' } });
  kit.cluster.queue('orders@broker-a#0').max = 30;
  await kit.start();
  await kit.pass(10_000);
  expect([kit.delivered, committed(kit)]).toEqual([[], 30]);
});
