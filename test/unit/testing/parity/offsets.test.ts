// SPDX-License-Identifier: Apache-2.0
/** Does each name of offsets do what it says? Before the colon of a title: the names, as the page has them. */
import { expect, it } from 'vitest';
import {
  ConsumeFromWhereManager,
  type CustomOffsetStore,
  closeAllOffsetStores,
  closeOffsetStore,
  createOffsetStore,
  getOffsetStoreManager,
  getOffsetStoreMetrics,
  LocalOffsetStore,
  nodeProcesses,
  OffsetStoreManager,
  ReadOffsetType,
  RemoteOffsetStore,
  type StandaloneOffsetStore,
  validateOffsetStoreConfig,
} from '../../../../src/index.ts';
import { queueOffset } from '../../../../src/model/queue-offset.ts';
import { MemoryFileSystem } from '../../../support/memory-file-system.ts';
import { World } from './kit.ts';

const queue = { topic: 'orders', brokerName: 'broker-a', queueId: 0 };

/** Brokers take offsets of groups they know: `billing` has had a member. Its offset there is 0. */
async function known(
  world: World,
): Promise<{ readonly consumerGroup: string; readonly namesrvAddr: string }> {
  await world.wait((await world.started()).shutdown());
  return { consumerGroup: 'billing', namesrvAddr: world.cluster.namesrvAddr };
}

/** It writes when it is told to, only. */
async function opened(world: World): Promise<StandaloneOffsetStore> {
  const config = { ...(await known(world)), persistConsumerOffsetInterval: 3_600_000 };
  const store = createOffsetStore(config, { clock: world.cluster.clock });
  await world.wait(store.start());
  return store;
}

it('createOffsetStore, store.start, store.updateOffset, store.persist, store.close: an offset gets to the broker', async () => {
  await using world = await World.open();
  const config = await known(world);
  const store = createOffsetStore(config, { clock: world.cluster.clock });
  await world.wait(store.start());
  store.updateOffset(queue, 7);
  expect(world.committed()).toBe(0);
  await world.wait(store.persist(queue));
  expect(world.committed()).toBe(7);
  store.updateOffset(queue, 3);
  store.updateOffset({ ...queue, queueId: 1 }, 9);
  expect((await world.wait(store.close()))?.committed.map(({ offset }) => offset)).toEqual([7, 9]);
  expect([world.committed(0), world.committed(1)]).toEqual([7, 9]);
});

it('store.readOffset, ReadOffsetType: from memory, from the broker, or from the one and else the other', async () => {
  await using world = await World.open();
  const store = await opened(world);
  world.cluster.broker().commit('billing', 'orders', 0, 5);
  const read = (type: ReadOffsetType) => world.wait(store.readOffset(queue, type));
  expect(await read(ReadOffsetType.READ_FROM_MEMORY)).toBeUndefined();
  expect(await read(ReadOffsetType.MEMORY_FIRST_THEN_STORE)).toBe(5);
  store.updateOffset(queue, 8);
  expect(await read(ReadOffsetType.READ_FROM_MEMORY)).toBe(8);
  expect(await read(ReadOffsetType.MEMORY_FIRST_THEN_STORE)).toBe(8);
  expect(await read(ReadOffsetType.READ_FROM_STORE)).toBe(5);
  await world.wait(store.close());
});

it('store.persistAll, store.cloneOffsetTable, store.removeOffset: all that is in memory, a copy of it, and one thing less', async () => {
  await using world = await World.open();
  const store = await opened(world);
  store.updateOffset(queue, 4);
  store.updateOffset({ ...queue, queueId: 1 }, 6);
  const copy = store.cloneOffsetTable();
  store.removeOffset({ ...queue, queueId: 1 });
  expect([...copy.values()]).toEqual([4, 6]);
  expect([...store.cloneOffsetTable('orders').values()]).toEqual([4]);
  expect((await world.wait(store.persistAll()))?.committed).toEqual([{ queue, offset: 4 }]);
  expect([world.committed(0), world.committed(1)]).toEqual([4, 0]);
  await world.wait(store.close());
});

it('store.getMetrics, store.getInfo, metrics.persistSuccessRate, metrics.cacheHitRate, metrics.averagePersistLatencyMs: they follow what happens', async () => {
  await using world = await World.open();
  const store = await opened(world);
  expect(store.getInfo()).toMatchObject({ kind: 'remote', consumerGroup: 'billing', entries: 0 });
  expect(store.getMetrics()).toMatchObject({
    persistSuccessRate: 1,
    cacheHitRate: 0,
    averagePersistLatencyMs: 0,
  });
  await world.wait(store.readOffset(queue)); // a miss
  store.updateOffset(queue, 4);
  await world.wait(store.readOffset(queue)); // a hit
  world.cluster.interfere({ request: 'updateConsumerOffset' }, { kind: 'delay', ms: 40 });
  await world.wait(store.persist(queue));
  const good = store.getMetrics();
  expect(good).toMatchObject({ persistSuccesses: 1, persistSuccessRate: 1, cacheHitRate: 0.5 });
  expect(good.averagePersistLatencyMs).toBeGreaterThanOrEqual(40);
  world.cluster.interfere({ request: 'updateConsumerOffset' }, { kind: 'answer', code: 1 });
  store.updateOffset(queue, 5);
  await world.refusal(store.persist(queue));
  expect(store.getMetrics()).toMatchObject({ persistFailures: 1, persistSuccessRate: 0.5 });
  expect(store.getInfo()).toMatchObject({ entries: 1, uncommitted: 1 });
  await world.wait(store.close());
});

it('CustomOffsetStore, offsetStore: a consumer begins where it says, and tells it how far it came', async () => {
  await using world = await World.open({ queues: 1 });
  world.send('a', 'b', 'c');
  const rows: number[] = [2];
  const offsetStore: CustomOffsetStore = {
    read: each => (each.topic === 'orders' ? rows.at(-1) : 0),
    write: positions => {
      for (const each of positions) if (each.queue.topic === 'orders') rows.push(each.offset);
    },
  };
  const consumer = await world.started({ offsetStore });
  await world.wait(() => world.seen.length === 1);
  await world.wait(consumer.shutdown());
  expect(world.seen).toEqual(['c']);
  expect(rows.at(-1)).toBe(3);
  expect(world.committed()).toBeUndefined();
});

it('RemoteOffsetStore: a commit is asked for by its port, once for each new offset', async () => {
  await using world = await World.open();
  const written: number[] = [];
  const port = {
    query: () => Promise.resolve(queueOffset(5)),
    update: (_: unknown, offset: number) => Promise.resolve(void written.push(offset)),
  };
  const store = new RemoteOffsetStore({ port, clock: world.cluster.clock });
  expect(await store.readOffset(queue)).toBe(5);
  store.updateOffset(queue, queueOffset(8));
  await world.wait(store.persist(queue));
  await world.wait(store.persist(queue));
  expect(written).toEqual([8]);
});

it('LocalOffsetStore: what was written is there for the next one with the same files', async () => {
  await using world = await World.open();
  const fileSystem = new MemoryFileSystem();
  const owner = { clientId: '10.0.0.1@anna', consumerGroup: 'prices' };
  const make = () =>
    new LocalOffsetStore({
      ...{ owner, storePath: '/offsets', fileSystem, processes: nodeProcesses, clock: world.cluster.clock },
    });
  const store = make();
  await world.wait(store.load());
  store.updateOffset(queue, queueOffset(12));
  await world.wait(store.persist(queue));
  await store.close();
  const next = make();
  await world.wait(next.load());
  expect(await next.readOffset(queue)).toBe(12);
  await next.close();
});

it('validateOffsetStoreConfig: lists what is wrong and makes nothing', () => {
  const problems = validateOffsetStoreConfig({ consumerGroup: 'a b', namesrvAddr: 'nowhere' });
  expect(problems.map(({ option }) => option).toSorted()).toEqual(['consumerGroup', 'namesrvAddr']);
  expect(validateOffsetStoreConfig({ consumerGroup: 'a', namesrvAddr: 'b:9876' })).toEqual([]);
});

it('OffsetStoreManager, getOffsetStoreManager, closeOffsetStore, closeAllOffsetStores, getOffsetStoreMetrics: one store a group, for everybody', async () => {
  await using world = await World.open();
  const config = await known(world);
  const manager = getOffsetStoreManager();
  expect(manager).toBeInstanceOf(OffsetStoreManager);
  const store = await manager.open(config);
  expect(await manager.open(config)).toBe(store);
  await manager.open({ ...config, consumerGroup: 'other' });
  store.updateOffset(queue, 6);
  expect(getOffsetStoreMetrics('billing')).toMatchObject([{ consumerGroup: 'billing', entries: 1 }]);
  expect(await closeOffsetStore('billing')).toMatchObject([{ committed: [{ offset: 6 }] }]);
  expect(world.committed()).toBe(6);
  expect(getOffsetStoreMetrics()).toHaveLength(1);
  await closeAllOffsetStores();
  expect(getOffsetStoreMetrics()).toEqual([]);
});

it('ConsumeFromWhereManager, ConsumeFromWhereManager.resolve, ConsumeFromWhereManager.offsetAt: where a group would begin, with nothing committed by the question', async () => {
  await using world = await World.open({ queues: 1 });
  world.send('a', 'b');
  const place = { consumerGroup: 'new', namesrvAddr: world.cluster.namesrvAddr };
  await using manager = new ConsumeFromWhereManager({
    ...place,
    consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
  });
  expect(await manager.resolve(queue)).toMatchObject({ offset: 0, source: 'min' });
  expect(await manager.offsetAt(queue, 'last')).toBe(2);
  expect(world.committed(0, 'new')).toBeUndefined();
  world.cluster.broker().commit('new', 'orders', 0, 1);
  expect(await manager.resolve(queue)).toMatchObject({ offset: 1, source: 'committed' });
});

it('ConsumeFromWhereManager.isSupported, ConsumeFromWhereManager.getInfo, ConsumeFromWhereManager.getSupported: each strategy in words', async () => {
  await using manager = new ConsumeFromWhereManager({ consumerGroup: 'a', namesrvAddr: 'b:9876' });
  const names = manager.getSupported().map(({ name }) => name);
  expect(names).toHaveLength(3);
  expect(names.every(name => manager.isSupported(name))).toBe(true);
  expect(names.map(name => manager.getInfo(name)?.meaning.length ?? 0).every(length => length > 10)).toBe(
    true,
  );
  expect([manager.isSupported('SOMEWHERE'), manager.getInfo('SOMEWHERE')]).toEqual([false, undefined]);
});

it('consumer.seek, consumer.resetOffset: a running group reads again from a place, or from a time', async () => {
  await using world = await World.open({ queues: 1 });
  world.send('a', 'b');
  await world.cluster.pass(60_000);
  const from = world.cluster.clock.wallNow();
  world.send('c');
  const consumer = await world.started();
  await world.wait(() => world.seen.length === 3);
  await world.wait(consumer.seek(queue, 1));
  await world.wait(() => world.seen.length === 5);
  await world.wait(consumer.resetOffset(from));
  await world.wait(() => world.seen.length === 6);
  expect(world.seen).toEqual(['a', 'b', 'c', 'b', 'c', 'c']);
});
