// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { FakeProcesses, MemoryFileSystem } from '../../support/memory-file-system.ts';
import { open, paths, persistAt } from './local-store-kit.ts';

const twice = { thread: 1 }; // the module keeps what this thread has locked: the others are other threads here

describe('the lock of a file of offsets', () => {
  it('names the file and the process that has it', async () => {
    const fileSystem = new MemoryFileSystem();
    const processes = new FakeProcesses();
    const other = '{"pid":41,"hostName":"host-1","thread":0,"started":"41 at 0","serial":1}\n';
    processes.start(41);
    fileSystem.put(paths.lock, Buffer.from(other));
    const { store } = open({ fileSystem, processes: processes.start(42) });
    await expect(store.load()).rejects.toMatchObject({
      code: 'RMQ_OFFSET_FILE_LOCKED',
      message: expect.stringContaining(`${paths.main} are in use by process 41 on host-1`),
      context: { path: paths.main, pid: 41 },
    });
    expect(fileSystem.bytes(paths.lock)?.toString()).toBe(other);
  });

  it.each([
    ['a process that is gone', '{"pid":41,"hostName":"host-1","thread":0,"started":"41 at 0"}'],
    [
      'an earlier process with our number',
      '{"pid":42,"hostName":"host-1","thread":0,"started":"42 long ago"}',
    ],
    ['this very thread, which has it not', '{"pid":42,"hostName":"host-1","thread":0,"started":"42 at 0"}'],
  ])('of %s is taken over', async (_, content) => {
    const fileSystem = new MemoryFileSystem();
    fileSystem.put(paths.lock, Buffer.from(content));
    const { store } = open({ fileSystem, processes: new FakeProcesses().start(42) });
    await store.load();
    await persistAt(store, 1);
    store.close();
    expect([...fileSystem.files.keys()].filter(path => path.includes('.lock'))).toEqual([]);
  });

  it.each([
    ['another host', '{"pid":41,"hostName":"host-2","thread":0,"started":""}'],
    ['another thread of ours', '{"pid":42,"hostName":"host-1","thread":7,"started":"42 at 0"}'],
  ])('of %s is respected', async (_, content) => {
    const fileSystem = new MemoryFileSystem();
    fileSystem.put(paths.lock, Buffer.from(content));
    const { store } = open({ fileSystem, processes: new FakeProcesses().start(42) });
    await expect(store.load()).rejects.toMatchObject({ code: 'RMQ_OFFSET_FILE_LOCKED' });
  });

  it('keeps a second consumer of the same process out, until the first is closed', async () => {
    const fileSystem = new MemoryFileSystem();
    const first = open({ fileSystem });
    await first.store.load();
    const second = open({ fileSystem });
    await expect(second.store.load()).rejects.toMatchObject({ code: 'RMQ_OFFSET_FILE_LOCKED' });
    first.store.close();
    await second.store.load();
    second.store.close();
  });

  it('taken after the end is given back', async () => {
    const fileSystem = new MemoryFileSystem();
    const { store } = open({ fileSystem });
    const loaded = store.load();
    store.close();
    await loaded;
    expect(fileSystem.bytes(paths.lock)).toBeUndefined();
  });

  it('that says nothing is waited for, then taken over', async () => {
    const fileSystem = new MemoryFileSystem();
    fileSystem.put(paths.lock, Buffer.alloc(0));
    const { store, clock } = open({ fileSystem });
    const loaded = store.load();
    while (clock.pending === 0) await new Promise(resolve => setImmediate(resolve));
    await clock.advance(200);
    await loaded;
    store.close();
  });

  it('lost to another process ends the writing, and says to whom', async () => {
    const fileSystem = new MemoryFileSystem();
    const { store, faults } = open({ fileSystem });
    await store.load();
    await persistAt(store, 1);
    const written = fileSystem.bytes(paths.main);
    fileSystem.put(paths.lock, Buffer.from('{"pid":43,"hostName":"host-1","thread":0,"started":""}'));
    await expect(persistAt(store, 2)).rejects.toMatchObject({
      code: 'RMQ_OFFSET_FILE_LOCKED',
      context: { pid: 43 },
    });
    expect(faults).toHaveLength(1);
    expect(fileSystem.bytes(paths.main)).toEqual(written);
    store.close();
  });

  it('removed by hand is made again', async () => {
    const fileSystem = new MemoryFileSystem();
    const { store } = open({ fileSystem });
    await store.load();
    fileSystem.remove(paths.lock);
    await persistAt(store, 1);
    expect(fileSystem.bytes(paths.lock)).toBeDefined();
    store.close();
  });

  it('taken away from somebody by mistake is put back', async () => {
    const fileSystem = new MemoryFileSystem();
    const processes = new FakeProcesses();
    fileSystem.put(paths.lock, Buffer.from('{"pid":41,"hostName":"host-1","thread":0,"started":"gone"}'));
    processes.start(43);
    const others = Buffer.from('{"pid":43,"hostName":"host-1","thread":0,"started":"43 at 0"}');
    fileSystem.delay = async operation => {
      if (operation === 'rename') fileSystem.put(paths.lock, others); // a third was faster than our look
    };
    const { store } = open({ fileSystem, processes: processes.start(42, twice) });
    await expect(store.load()).rejects.toMatchObject({
      code: 'RMQ_OFFSET_FILE_LOCKED',
      context: { pid: 43 },
    });
    expect(fileSystem.bytes(paths.lock)).toEqual(others);
  });
});
