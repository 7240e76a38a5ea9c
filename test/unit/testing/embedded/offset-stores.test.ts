// SPDX-License-Identifier: Apache-2.0
// Are a group's offsets read and written by themselves, without a consumer?
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  ConsumeFromWhereManager,
  closeAllOffsetStores,
  closeOffsetStore,
  createConsumer,
  createOffsetStore,
  getOffsetStoreManager,
  getOffsetStoreMetrics,
  OffsetStoreManager,
  ReadOffsetType,
  silentLogger,
  simple,
  validateOffsetStoreConfig,
} from '../../../../src/index.ts';
import { type EmbeddedCluster, startEmbeddedCluster } from '../../../../src/testing/index.ts';

const queue = { topic: 'orders', brokerName: 'broker-a', queueId: 0 };
let cluster: EmbeddedCluster;
let folder: string;

beforeEach(async () => {
  cluster = await startEmbeddedCluster();
  cluster.createTopic('orders', { queues: 2 });
  folder = mkdtempSync(join(tmpdir(), 'offset-stores-'));
});
afterEach(async () => {
  await closeAllOffsetStores();
  await cluster[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

/** Brokers take offsets of groups they know: of one that had a member. */
async function knownGroup(consumerGroup: string): Promise<{ consumerGroup: string; namesrvAddr: string }> {
  const { namesrvAddr } = cluster;
  const config = { consumerGroup, namesrvAddr, subscriptions: [{ topic: 'orders' }], instanceName: 'once' };
  const member = createConsumer(
    config,
    simple(() => {}),
    { logger: silentLogger },
  );
  await member.start();
  await member.shutdown();
  return { consumerGroup, namesrvAddr };
}

function committed(group: string): number | undefined {
  return cluster.broker('broker-a').committed(group, queue.topic, queue.queueId);
}

function fill(count: number): void {
  for (let i = 0; i < count; i++) cluster.send({ topic: 'orders', body: `${i}`, queueId: 0 });
}

describe('a remote store', () => {
  it('reads and writes at the broker, and is no member of the group', async () => {
    const config = await knownGroup('billing');
    const before = cluster.requests().length;
    const store = createOffsetStore(config);
    await store.start();
    store.updateOffset(queue, 42);
    expect(await store.readOffset(queue)).toBe(42);
    expect(await store.readOffset(queue, ReadOffsetType.READ_FROM_STORE)).not.toBe(42);
    expect(store.getInfo()).toMatchObject({
      ...{ kind: 'remote', consumerGroup: 'billing', entries: 1, uncommitted: 1 },
      place: cluster.namesrvAddr,
    });
    expect((await store.persistAll()).committed).toEqual([{ queue, offset: 42 }]);
    expect(committed('billing')).toBe(42);
    expect(store.getMetrics()).toMatchObject({ persistSuccesses: 1, persistSuccessRate: 1 });
    store.updateOffset(queue, 7);
    expect([...store.cloneOffsetTable('orders').values()]).toEqual([42]);
    store.updateOffset(queue, 7, false);
    await store.persist(queue);
    expect(committed('billing')).toBe(7);
    store.updateOffset(queue, 9);
    expect((await store.close()).committed).toEqual([{ queue, offset: 9 }]);
    expect(committed('billing')).toBe(9);
    expect(() => store.updateOffset(queue, 10)).toThrow('was closed');
    const codes = new Set(
      cluster
        .requests()
        .slice(before)
        .map(({ code }) => code),
    );
    expect([...codes].sort((a, b) => a - b)).toEqual([14, 15, 105]);
  });

  it('answers undefined for a queue without an offset, and throws for a topic nobody knows', async () => {
    await using store = createOffsetStore(await knownGroup('other'));
    await store.start();
    expect(await store.readOffset({ ...queue, topic: 'orders' }, 'READ_FROM_MEMORY')).toBeUndefined();
    await expect(store.readOffset({ ...queue, topic: 'nowhere', brokerName: 'x' })).rejects.toMatchObject({
      code: 'RMQ_TOPIC_NOT_FOUND',
    });
    store.updateOffset(queue, 5);
    store.removeOffset(queue);
    expect(store.getInfo().entries).toBe(0);
    expect(() => store.updateOffset(queue, 0.5)).toThrow('is not a queue offset');
  });
});

describe('a local store', () => {
  it('keeps offsets in a file that the next one reads, and needs no name server', async () => {
    const config = { consumerGroup: 'prices', messageModel: 'BROADCASTING', storePath: folder } as const;
    const make = () => createOffsetStore({ ...config, instanceName: 'me' });
    const store = make();
    await store.start();
    store.updateOffset(queue, 12);
    await store.close();
    await using next = make();
    await next.start();
    expect(await next.readOffset(queue)).toBe(12);
    expect(next.getInfo()).toMatchObject({ kind: 'local', place: folder });
  });
});

describe('a custom store', () => {
  it('is written periodically and at the end', async () => {
    const rows: number[] = [];
    const offsetStore = {
      read: () => rows.at(-1),
      write: (all: readonly { offset: number }[]) => void rows.push(...all.map(each => each.offset)),
    };
    const store = createOffsetStore({ consumerGroup: 'g', offsetStore, persistConsumerOffsetInterval: 100 });
    await store.start();
    store.updateOffset(queue, 3);
    await expect.poll(() => rows).toEqual([3]);
    store.updateOffset(queue, 4);
    await store.close();
    expect(rows).toEqual([3, 4]);
    expect(store.getInfo().kind).toBe('custom');
  });
});

describe('the manager of offset stores', () => {
  it('gives everybody the same store of a group, tells how they do, and closes them', async () => {
    const config = await knownGroup('billing');
    const manager = getOffsetStoreManager();
    expect(getOffsetStoreManager()).toBe(manager);
    const store = await manager.open(config);
    expect(await manager.open({ ...config })).toBe(store);
    const other = await manager.open({ ...config, consumerGroup: 'other' });
    expect(other).not.toBe(store);
    store.updateOffset(queue, 6);
    expect(getOffsetStoreMetrics('billing')).toMatchObject([{ consumerGroup: 'billing', entries: 1 }]);
    expect(getOffsetStoreMetrics()).toHaveLength(2);
    expect(await closeOffsetStore('billing')).toMatchObject([{ committed: [{ offset: 6 }] }]);
    expect(committed('billing')).toBe(6);
    expect(await manager.open(config)).not.toBe(store);
    await closeAllOffsetStores();
    expect(getOffsetStoreMetrics()).toEqual([]);
    expect(await closeOffsetStore('nobody')).toEqual([]);
  });

  it('makes a store anew whose start failed', async () => {
    let broken = true;
    const load = (): void => {
      if (broken) throw new Error('no table');
    };
    const offsetStore = { read: () => 1, write: () => {}, load };
    const manager = new OffsetStoreManager();
    await expect(manager.open({ consumerGroup: 'g', offsetStore })).rejects.toThrow('no table');
    broken = false;
    const store = await manager.open({ consumerGroup: 'g', offsetStore });
    expect(await store.readOffset(queue)).toBe(1);
    await manager.closeAll();
  });

  it('checks a config without making anything of it', () => {
    const bad = { consumerGroup: 'a b', namesrvAddr: 'nowhere', persistBatchSize: 0 };
    expect(
      validateOffsetStoreConfig(bad)
        .map(({ option }) => option)
        .sort(),
    ).toEqual(['consumerGroup', 'namesrvAddr', 'persistBatchSize']);
    expect(validateOffsetStoreConfig({ consumerGroup: 'g', namesrvAddr: 'a:9876' })).toEqual([]);
  });
});

describe('the manager of start positions', () => {
  it('says where a group would begin and why, and commits nothing', async () => {
    fill(5);
    const place = { consumerGroup: 'new', namesrvAddr: cluster.namesrvAddr };
    await using last = new ConsumeFromWhereManager(place);
    expect(await last.resolve(queue)).toMatchObject({ offset: 5, source: 'max' });
    await using first = new ConsumeFromWhereManager({
      ...place,
      consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
    });
    expect(await first.resolve(queue)).toMatchObject({ offset: 0, source: 'min' });
    expect(await first.offsetAt(queue, 'first')).toBe(0);
    expect(await first.offsetAt(queue, 'last')).toBe(5);
    expect(await first.offsetAt(queue, { timestamp: 0 })).toBe(0);
    expect(cluster.requests().filter(({ code }) => code === 15)).toEqual([]);
    await expect(first.resolve({ ...queue, topic: 'nowhere' })).rejects.toMatchObject({
      code: 'RMQ_TOPIC_NOT_FOUND',
    });
  });

  it('reads min and max from a pull where consuming is all that is allowed, and is no member by it', async () => {
    fill(5);
    cluster.broker('broker-a').dropMessages('orders', 0, 2);
    for (const request of ['minOffset', 'maxOffset', 'searchOffset'])
      cluster.interfere({ request }, { kind: 'answer', code: 16, remark: 'no right GET' });
    await using manager = new ConsumeFromWhereManager({
      ...{ consumerGroup: 'new', namesrvAddr: cluster.namesrvAddr },
      ...{ credentials: { accessKey: 'reader', secretKey: 'secret-of-the-reader' } },
    });
    expect(await manager.offsetAt(queue, 'first')).toBe(2);
    expect(await manager.offsetAt(queue, 'last')).toBe(5);
    expect(await manager.resolve(queue)).toMatchObject({ offset: 5, source: 'max' });
    await expect(manager.offsetAt(queue, { timestamp: 0 })).rejects.toMatchObject({
      code: 'RMQ_NO_PERMISSION',
    });
    expect(cluster.broker('broker-a').members('new')).toEqual([]);
    expect(committed('new')).toBeUndefined();
  });

  it('knows the strategies there are', async () => {
    await using manager = new ConsumeFromWhereManager({ consumerGroup: 'g', namesrvAddr: 'a:9876' });
    expect(manager.getSupported().map(({ name }) => name)).toHaveLength(3);
    expect(manager.getInfo('CONSUME_FROM_LAST_OFFSET')?.meaning).toContain('from now on');
    expect(manager.getInfo('SOMEWHERE')).toBeUndefined();
    expect(manager.isSupported('CONSUME_FROM_TIMESTAMP')).toBe(true);
    expect(manager.isSupported('toString')).toBe(false);
    expect(() => new ConsumeFromWhereManager({ consumerGroup: '' })).toThrow('consumerGroup');
  });
});
