// SPDX-License-Identifier: Apache-2.0
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve, sep } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nodeFileSystem, nodeProcesses } from '../../../src/stores/node-file-system.ts';
import { offsetPaths, safeName } from '../../../src/stores/offset-paths.ts';
import { open, owner, persistAt, queue } from './local-store-kit.ts';

describe('the path of a file of offsets', () => {
  it('follows Java in its directories', () => {
    expect(offsetPaths('/home/anna/.rocketmq_offsets', owner).main).toBe(
      '/home/anna/.rocketmq_offsets/10.0.0.7@host-1/billing/positions.json',
    );
  });

  it.each([
    ['..', '%2e%2e'],
    ['.', '%2e'],
    ['', '%'],
    ['a/../../b', 'a%2f..%2f..%2fb'],
    ['C:\\x', '%43%3a%5cx'],
    ['Orders', '%4frders'],
    ['%2e', '%252e'],
    ['x\0y', 'x%00y'],
    ['a..', 'a%2e%2e'],
    ['nul', '%6eul'],
    ['con.x', '%63on.x'],
    ['com1', '%63om1'],
    ['console', 'console'],
    ['a nul', 'a%20nul'],
  ])('writes %j as %s', (text, name) => expect(safeName(text)).toBe(name));

  it('stays below its directory, and differs for different names, whatever they are', () => {
    const root = resolve('/data/offsets');
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (one, other) => {
        const { main } = offsetPaths(root, { clientId: one, consumerGroup: other });
        expect(main.startsWith(root + sep)).toBe(true);
        expect(main.slice(root.length + 1).split(sep)).toHaveLength(3);
        expect(safeName(one).toLowerCase() === safeName(other).toLowerCase()).toBe(one === other);
      }),
    );
  });

  it('has names that every file system takes', () => {
    const long = safeName('ü'.repeat(255));
    expect(long.length).toBeLessThanOrEqual(200);
    expect(long).not.toBe(safeName(`${'ü'.repeat(254)}u`));
  });
});

describe('the real file system', () => {
  it('keeps offsets from others, and has them after a restart', async () => {
    const root = await mkdtemp(join(tmpdir(), 'rocketmq-offsets-'));
    try {
      const real = { fileSystem: nodeFileSystem, processes: nodeProcesses, storePath: join(root, 'offsets') };
      const first = open(real);
      await first.store.load();
      await persistAt(first.store, 17);
      await persistAt(first.store, 18);
      const paths = offsetPaths(real.storePath, owner);
      for (const path of [paths.main, paths.backup, paths.lock]) {
        expect((await stat(path)).mode & 0o777, path).toBe(0o600);
      }
      for (const path of paths.directories) expect((await stat(path)).mode & 0o777, path).toBe(0o700);
      const second = open(real);
      await expect(second.store.load()).rejects.toMatchObject({ context: { pid: process.pid } });
      first.store.close();
      await second.store.load();
      expect(await second.store.readOffset(queue(0))).toBe(18);
      second.store.close();
    } finally {
      await rm(root, { recursive: true });
    }
  });

  it('tells processes from those that had their number before', () => {
    expect(nodeProcesses.started(process.pid)).toMatch(process.platform === 'linux' ? /^\d+$/ : /^$/);
    expect(nodeProcesses.started(2 ** 22 + 1)).toBeUndefined();
  });
});
