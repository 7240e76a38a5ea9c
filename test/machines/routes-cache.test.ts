// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { RouteCache } from '../../src/machines/routes/route-cache.ts';
import type { TopicRoute } from '../../src/model/route.ts';

interface Broker {
  readonly name: string;
  readonly queues?: number;
  readonly perm?: number;
  readonly addresses?: Readonly<Record<number, string>>;
}

function route(...brokers: readonly Broker[]): TopicRoute {
  return {
    brokers: brokers.map(({ name, addresses = { 0: `${name}:10911` } }) => ({
      brokerName: name,
      cluster: 'DefaultCluster',
      addresses: new Map(Object.entries(addresses).map(([id, address]) => [Number(id), address])),
    })),
    queues: brokers.map(({ name, queues = 2, perm = 6 }) => ({
      brokerName: name,
      readQueueNums: queues,
      writeQueueNums: queues,
      perm,
    })),
  };
}

const queue = (brokerName: string, queueId: number) => ({ topic: 'orders', brokerName, queueId });

describe('RouteCache', () => {
  it('knows nothing of a topic never set', () => {
    const cache = new RouteCache();
    expect(cache.get('orders')).toBeUndefined();
    expect(cache.queuesOf('orders')).toBeUndefined();
    expect(cache.addressOf('a')).toBeUndefined();
    expect(cache.addressesOf('a').size).toBe(0);
    expect(cache.brokerAddresses(['orders'])).toEqual([]);
    expect(cache.topics()).toEqual([]);
    expect(cache.version).toBe(0);
  });

  it('counts a change only when the route differs by value, in whatever order it is written', () => {
    const cache = new RouteCache();
    expect(cache.set('orders', route({ name: 'a' }, { name: 'b' }))).toBe(true);
    const queues = cache.queuesOf('orders');
    expect(cache.set('orders', route({ name: 'b' }, { name: 'a' }))).toBe(false);
    expect(cache.version).toBe(1);
    expect(cache.queuesOf('orders')).toBe(queues);
    expect(cache.set('orders', route({ name: 'a', queues: 3 }, { name: 'b' }))).toBe(true);
    expect(cache.version).toBe(2);
    expect(cache.queuesOf('orders')).toHaveLength(5);
  });

  it('lists readable queues in the order all members use', () => {
    const cache = new RouteCache();
    cache.set(
      'orders',
      route({ name: 'b' }, { name: 'a10', queues: 1 }, { name: 'a9', queues: 1 }, { name: 'w', perm: 2 }),
    );
    expect(cache.queuesOf('orders')).toEqual([queue('a10', 0), queue('a9', 0), queue('b', 0), queue('b', 1)]);
  });

  it('lets nobody change a queue that all share', () => {
    const cache = new RouteCache();
    cache.set('orders', route({ name: 'a' }));
    expect(cache.queuesOf('orders')?.every(Object.isFrozen)).toBe(true);
  });

  it('tells a topic without readable queues from one never seen', () => {
    const cache = new RouteCache();
    cache.set('orders', route({ name: 'a', perm: 2 }));
    expect(cache.queuesOf('orders')).toEqual([]);
  });

  it('finds masters and slaves by broker name', () => {
    const cache = new RouteCache();
    cache.set('orders', route({ name: 'a', addresses: { 0: 'h1:1', 1: 'h2:2' } }));
    expect(cache.addressOf('a')).toBe('h1:1');
    expect(cache.addressOf('a', 1)).toBe('h2:2');
    expect(cache.addressOf('a', 2)).toBeUndefined();
    expect([...cache.addressesOf('a')]).toEqual([
      [0, 'h1:1'],
      [1, 'h2:2'],
    ]);
  });

  it('has no master address while a broker has slaves only', () => {
    const cache = new RouteCache();
    cache.set('orders', route({ name: 'a', addresses: { 1: 'h2:2' } }));
    expect(cache.addressOf('a')).toBeUndefined();
    expect(cache.queuesOf('orders')).toHaveLength(2);
  });

  it('takes the newest address of a broker, whichever topic it came with', () => {
    const cache = new RouteCache();
    cache.set('orders', route({ name: 'a', addresses: { 0: 'old:1' } }));
    cache.set('bills', route({ name: 'a', addresses: { 0: 'new:1' } }));
    expect(cache.addressOf('a')).toBe('new:1');
    expect(cache.brokerAddresses(['orders'])).toEqual(['new:1']);
    expect(cache.set('orders', route({ name: 'a', addresses: { 0: 'old:1' } }))).toBe(true); // its route is the same, the address is not
    expect(cache.addressOf('a')).toBe('old:1');
    expect(cache.version).toBe(3);
  });

  it('counts one moved broker among several as a change', () => {
    const cache = new RouteCache();
    cache.set('orders', route({ name: 'a' }, { name: 'b' }));
    cache.set('bills', route({ name: 'a' }, { name: 'b', addresses: { 0: 'new:1' } }));
    expect(cache.set('orders', route({ name: 'a' }, { name: 'b' }))).toBe(true);
  });

  it('lists every address of the topics asked for once', () => {
    const cache = new RouteCache();
    cache.set('orders', route({ name: 'a', addresses: { 0: 'h1:1', 1: 'h2:2' } }));
    cache.set('bills', route({ name: 'a', addresses: { 0: 'h1:1', 1: 'h2:2' } }, { name: 'b' }));
    cache.set('other', route({ name: 'c' }));
    expect(cache.brokerAddresses(['orders', 'bills', 'never seen'])).toEqual(['h1:1', 'h2:2', 'b:10911']);
  });

  it('forgets a topic but not where its brokers are, for offsets may still have to be handed over', () => {
    const cache = new RouteCache();
    cache.set('orders', route({ name: 'a' }));
    expect(cache.forget('orders')).toBe(true);
    expect(cache.forget('orders')).toBe(false);
    expect(cache.version).toBe(2);
    expect(cache.queuesOf('orders')).toBeUndefined();
    expect(cache.topics()).toEqual([]);
    expect(cache.addressOf('a')).toBe('a:10911');
  });

  it('knows which brokers are masters at an address, also those no route names just now', () => {
    const cache = new RouteCache();
    const twin = { name: 'twin', addresses: { 0: 'h:1' } };
    cache.set('orders', route({ name: 'old', addresses: { 0: 'h:1' } }));
    cache.set('orders', route({ name: 'a', addresses: { 0: 'h:1', 1: 'h:2' } }, { name: 'b' }, twin));
    expect(['h:1', 'h:2', 'b:10911', 'c:10911'].map(address => cache.mastersAt(address))).toEqual([
      ['old', 'a', 'twin'],
      [],
      ['b'],
      [],
    ]);
  });
});
