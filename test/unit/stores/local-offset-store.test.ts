// SPDX-License-Identifier: Apache-2.0
import { afterEach, describe, expect, it } from 'vitest';
import { queueOffset } from '../../../src/model/queue-offset.ts';
import type { LocalOffsetStore, LocalOffsetStoreOptions } from '../../../src/stores/local-offset-store.ts';
import { MemoryFileSystem, systemError } from '../../support/memory-file-system.ts';
import { open, paths, persistAt, queue, stored } from './local-store-kit.ts';

const opened: LocalOffsetStore[] = [];
afterEach(() => {
  for (const store of opened.splice(0)) store.close();
});

async function loaded(options: Partial<LocalOffsetStoreOptions> = {}) {
  const fileSystem = new MemoryFileSystem();
  const kit = open({ fileSystem, ...options });
  await kit.store.load();
  opened.push(kit.store);
  return { ...kit, fileSystem };
}

/** Holds the writes of the temporary file until `go`. */
function held(fileSystem: MemoryFileSystem): () => void {
  let go = (): void => {};
  const gate = new Promise<void>(resolve => {
    go = resolve;
  });
  fileSystem.delay = operation => (operation === 'write' ? gate : undefined);
  return () => go();
}

describe('LocalOffsetStore', () => {
  it('has no positions where there is no file', async () => {
    const { store, faults } = await loaded();
    expect(await store.readOffset(queue(0))).toBeUndefined();
    expect(faults).toEqual([]);
  });

  it('finds after a restart what was persisted', async () => {
    const { store, fileSystem } = await loaded();
    await persistAt(store, 17);
    await persistAt(store, 4, 1);
    store.close();
    expect(await stored(fileSystem)).toEqual({ offset: 17, faults: [] });
    expect(await stored(fileSystem, 1)).toEqual({ offset: 4, faults: [] });
  });

  it('tells of a commit when the directory is synced, not before', async () => {
    const { store, fileSystem } = await loaded();
    await persistAt(store, 1);
    fileSystem.log.length = 0;
    await persistAt(store, 2);
    expect(fileSystem.log).toEqual([
      'read positions.json.lock',
      'write positions.json.tmp',
      'rename positions.json',
      'rename positions.json.tmp',
      'syncDirectory billing',
    ]);
    expect(store.line(queue(0)).isSettled).toBe(true);
  });

  it('has a backup from the first write on', async () => {
    const { store, fileSystem } = await loaded();
    await persistAt(store, 17);
    expect(fileSystem.bytes(paths.backup)).toEqual(fileSystem.bytes(paths.main));
  });

  it('writes nothing when there is nothing new', async () => {
    const { store, fileSystem } = await loaded();
    await persistAt(store, 17);
    fileSystem.log.length = 0;
    expect(await store.persistAll()).toEqual({ committed: [], uncommitted: [] });
    expect(await store.persistAll(undefined, { answered: true })).toMatchObject({
      committed: [{ offset: 17 }],
    });
    expect(fileSystem.log).toEqual([]);
  });

  it('writes once for all that wait behind a write', async () => {
    const { store, fileSystem } = await loaded();
    const go = held(fileSystem);
    const first = persistAt(store, 1);
    const others = [1, 2, 3].map(queueId => persistAt(store, 10, queueId));
    go();
    await Promise.all([first, ...others]);
    expect(fileSystem.log.filter(line => line === 'write positions.json.tmp')).toHaveLength(3); // one is the first backup
    expect(store.uncommitted()).toEqual([]);
  });

  it('keeps the position of a queue that goes, and has it when the queue is back', async () => {
    const { store } = await loaded();
    await persistAt(store, 17);
    store.removeOffset(queue(0));
    await persistAt(store, 3, 1);
    expect(await store.readOffset(queue(0))).toBe(17);
  });

  it('goes back by a reset, and only then', async () => {
    const { store, fileSystem } = await loaded();
    await persistAt(store, 17);
    await persistAt(store, 5);
    expect(await store.readOffset(queue(0))).toBe(17);
    store.updateOffset(queue(0), queueOffset(5), false);
    await store.persist(queue(0));
    store.close();
    expect(await stored(fileSystem)).toEqual({ offset: 5, faults: [] });
  });

  it('does not write the point of a queue whose commits are withheld, until its last commit', async () => {
    const { store } = await loaded();
    await persistAt(store, 17);
    store.updateOffset(queue(0), queueOffset(20));
    store.line(queue(0)).withhold(true);
    expect(await store.persistAll()).toEqual({ committed: [], uncommitted: [] });
    await expect(store.persist(queue(0))).rejects.toMatchObject({ code: 'RMQ_COMMIT_WITHHELD' });
    expect(await store.confirm(queue(0))).toBe('committed');
    expect(await store.confirm(queue(0))).toBe('stored');
    expect(store.line(queue(0)).handed).toBe(20);
  });

  it('says so once when it cannot write, goes on, and writes the newest as soon as it can', async () => {
    const { store, fileSystem, faults } = await loaded();
    await persistAt(store, 17);
    fileSystem.fail = operation => {
      if (operation === 'write') throw systemError('ENOSPC');
    };
    for (const offset of [18, 19]) {
      store.updateOffset(queue(0), queueOffset(offset));
      const { committed, uncommitted } = await store.persistAll();
      expect(committed).toEqual([]);
      expect(uncommitted).toMatchObject([{ offset, error: { code: 'RMQ_OFFSET_FILE_UNWRITABLE' } }]);
    }
    expect(faults.map(({ code }) => code)).toEqual(['RMQ_OFFSET_FILE_UNWRITABLE']);
    expect(store.uncommitted()).toMatchObject([{ offset: 19 }]);
    fileSystem.fail = () => {};
    expect(await store.persistAll()).toMatchObject({ committed: [{ offset: 19 }], uncommitted: [] });
    store.close();
    expect(await stored(fileSystem)).toEqual({ offset: 19, faults: [] });
  });

  it('gives up waiting for a disk that does not answer', async () => {
    const { store, fileSystem, clock } = await loaded({ timeoutMs: 5000 });
    const go = held(fileSystem);
    const persisted = persistAt(store, 17);
    const refused = expect(persisted).rejects.toMatchObject({ code: 'RMQ_OFFSET_FILE_UNWRITABLE' });
    await clock.advance(5000);
    await refused;
    go();
    await persistAt(store, 18);
    expect(store.uncommitted()).toEqual([]);
  });

  it('is closed when the write under way has ended', async () => {
    const { store, fileSystem } = await loaded();
    const go = held(fileSystem);
    const persisted = persistAt(store, 17);
    store.close();
    expect(fileSystem.bytes(paths.lock)).toBeDefined();
    go();
    await persisted;
    await Promise.resolve();
    expect(await stored(fileSystem)).toEqual({ offset: 17, faults: [] });
  });

  it('has room for maxOffsetStoreSize queues, those of the file among them', async () => {
    const { store, fileSystem } = await loaded();
    await persistAt(store, 17);
    store.close();
    const next = await loaded({ fileSystem, maxOffsetStoreSize: 2 });
    next.store.line(queue(1));
    next.store.line(queue(0));
    expect(() => next.store.line(queue(2))).toThrow(expect.objectContaining({ code: 'RMQ_STORE_FULL' }));
  });

  it('answers from memory first, and knows its figures', async () => {
    const { store } = await loaded();
    await persistAt(store, 17);
    store.updateOffset(queue(0), queueOffset(20));
    expect(await store.readOffset(queue(0), 'READ_FROM_MEMORY')).toBe(20);
    expect(await store.readOffset(queue(0), 'READ_FROM_STORE')).toBe(17);
    expect(store.cloneOffsetTable('orders')).toEqual(new Map([['orders@broker-a#0', 20]]));
    expect(store.metrics()).toMatchObject({ entries: 1, persistSuccesses: 1, persistFailures: 0 });
  });
});
