// SPDX-License-Identifier: Apache-2.0
/** Never a wrong offset accepted, and at most one write lost, whatever happens to the file. */
import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { MemoryFileSystem, systemError } from '../../support/memory-file-system.ts';
import { open, paths, persistAt, stored } from './local-store-kit.ts';

/** Main says 20, the backup 10. */
async function written(): Promise<{ readonly main: Buffer; readonly backup: Buffer }> {
  const fileSystem = new MemoryFileSystem();
  const { store } = open({ fileSystem });
  await store.load();
  await persistAt(store, 10);
  await persistAt(store, 20);
  store.close();
  const [main, backup] = [fileSystem.bytes(paths.main), fileSystem.bytes(paths.backup)];
  if (main === undefined || backup === undefined) throw new Error('nothing was written');
  return { main, backup };
}

function disk(files: { readonly main?: Buffer; readonly backup?: Buffer }): MemoryFileSystem {
  const fileSystem = new MemoryFileSystem();
  if (files.main !== undefined) fileSystem.put(paths.main, files.main);
  if (files.backup !== undefined) fileSystem.put(paths.backup, files.backup);
  return fileSystem;
}

function signed(text: string): Buffer {
  const blank = text.replace(/"checksum":"[0-9a-f]{64}"/, `"checksum":"${'0'.repeat(64)}"`);
  const checksum = createHash('sha256').update(blank).digest('hex');
  return Buffer.from(blank.replace('0'.repeat(64), checksum));
}

const restored = { offset: 10, faults: ['RMQ_OFFSET_FILE_RESTORED'] };

describe('the file of offsets', () => {
  it('is JSON, one queue a line', async () => {
    const { main } = await written();
    expect(JSON.parse(main.toString())).toEqual({
      version: 1,
      checksum: expect.stringMatching(/^[0-9a-f]{64}$/),
      clientId: '10.0.0.7@host-1',
      consumerGroup: 'billing',
      offsets: [{ topic: 'orders', brokerName: 'broker-a', queueId: 0, offset: 20 }],
    });
  });

  it('is read from its backup when it is truncated, at every length', async () => {
    const { main, backup } = await written();
    for (let length = 0; length < main.length; length++) {
      expect(await stored(disk({ main: main.subarray(0, length), backup })), `${length}`).toEqual(restored);
    }
  });

  it('is read from its backup when any bit of it is flipped', async () => {
    const { main, backup } = await written();
    for (let bit = 0; bit < main.length * 8; bit++) {
      const flipped = Buffer.from(main);
      flipped.writeUInt8(flipped.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
      expect(await stored(disk({ main: flipped, backup })), `bit ${bit}`).toEqual(restored);
    }
  });

  it('is read from its backup when it is gone or cannot be read', async () => {
    const { main, backup } = await written();
    expect(await stored(disk({ backup }))).toEqual(restored);
    const broken = disk({ main, backup });
    broken.fail = (operation, path) => {
      if (operation === 'read' && path === paths.main) throw systemError('EIO');
    };
    expect(await stored(broken)).toEqual(restored);
  });

  it('keeps the good backup until a good file has taken the place of the bad one', async () => {
    const { main, backup } = await written();
    const fileSystem = disk({ main: main.subarray(1), backup });
    const { store } = open({ fileSystem });
    await store.load();
    fileSystem.fail = operation => {
      if (operation === 'rename') throw systemError('EIO');
    };
    await expect(persistAt(store, 30)).rejects.toMatchObject({ code: 'RMQ_OFFSET_FILE_UNWRITABLE' });
    expect(fileSystem.bytes(paths.backup)).toEqual(backup);
    fileSystem.fail = () => {};
    await persistAt(store, 31);
    expect(fileSystem.bytes(paths.backup)).toEqual(backup);
    store.close();
    expect(await stored(fileSystem)).toEqual({ offset: 31, faults: [] });
  });

  it('is an error at the start when the backup is bad too, never a guess', async () => {
    const { main } = await written();
    const nothing = Buffer.alloc(0);
    for (const files of [
      { main: nothing },
      { backup: nothing },
      { main: nothing, backup: main.subarray(2) },
    ]) {
      const fileSystem = disk(files);
      await expect(stored(fileSystem)).rejects.toMatchObject({
        code: 'RMQ_OFFSET_FILE_DAMAGED',
        context: { path: paths.main },
      });
      expect(fileSystem.bytes(paths.lock)).toBeUndefined();
    }
  });

  it('of a future version is refused, though the backup is known', async () => {
    const { main, backup } = await written();
    const future = signed(main.toString().replace('"version":1', '"version":2'));
    for (const files of [
      { main: future, backup },
      { main: main.subarray(1), backup: future },
    ]) {
      await expect(stored(disk(files))).rejects.toMatchObject({
        code: 'RMQ_OFFSET_FILE_VERSION',
        context: { version: 2 },
      });
    }
  });

  it.each([
    ['another group', '"billing"', '"shipping"'],
    ['an offset that is none', '"offset":20', '"offset":-1'],
    ['a fraction', '"offset":20', '"offset":2.5'],
    ['an offset past 2^53', '"offset":20', '"offset":9007199254740993'],
    ['a queue without a topic', '"topic":"orders"', '"topic":7'],
    ['no list', '"offsets":[', '"others":['],
    ['version 0', '"version":1', '"version":0'],
    ['no JSON', ']}', ']'],
  ])('with a right checksum but %s is damaged', async (_, from, to) => {
    const { main, backup } = await written();
    const odd = signed(main.toString().replace(from, to));
    expect(await stored(disk({ main: odd, backup }))).toEqual(restored);
  });

  it('that names a queue twice is damaged', async () => {
    const { main, backup } = await written();
    const line = /\{"topic".*\}/.exec(main.toString())?.[0] ?? '';
    const odd = signed(main.toString().replace(line, `${line},\n${line}`));
    expect(await stored(disk({ main: odd, backup }))).toEqual(restored);
  });

  it('that cannot be made is an error at the start', async () => {
    const fileSystem = new MemoryFileSystem();
    fileSystem.fail = operation => {
      if (operation === 'makeDirectory') throw systemError('EROFS');
    };
    await expect(stored(fileSystem)).rejects.toMatchObject({
      code: 'RMQ_OFFSET_FILE_UNWRITABLE',
      cause: { code: 'EROFS' },
    });
  });

  it.each(['write', 'rename', 'syncDirectory'] as const)(
    'holds the last or the newest positions when %s fails, at each of its calls',
    async operation => {
      for (let call = 0; call < 12; call++) {
        const fileSystem = new MemoryFileSystem();
        const { store } = open({ fileSystem });
        await store.load();
        await persistAt(store, 10);
        let calls = 0;
        fileSystem.fail = each => {
          if (each === operation && calls++ === call) throw systemError('EIO');
        };
        let committed = 10;
        for (const offset of [20, 30, 40]) {
          const failed = await persistAt(store, offset).then(
            () => false,
            () => true,
          );
          if (!failed) committed = offset;
        }
        store.close();
        const { offset } = await stored(fileSystem);
        expect(offset, `call ${call}`).toBeGreaterThanOrEqual(committed);
        expect(offset).toBeLessThanOrEqual(40);
      }
    },
  );

  it('holds the last or the newest positions when the power goes at any step, whichever names reached the disk', async () => {
    let tried = 0;
    for (let step = 0; ; step++) {
      const first = await untilPowerLoss(step);
      const variants = 1 << first.fileSystem.unsynced;
      for (let kept = 0; kept < variants; kept++) {
        const { fileSystem, acknowledged, asked } = await untilPowerLoss(step);
        const { offset } = await stored(fileSystem.afterPowerLoss(kept));
        const where = `step ${step}, names ${kept.toString(2)}`;
        if (acknowledged !== undefined) expect(offset, where).toBeGreaterThanOrEqual(acknowledged);
        if (offset !== undefined) expect([acknowledged, asked], where).toContain(offset);
        tried++;
      }
      if (!first.wasCut) break;
    }
    expect(tried).toBeGreaterThan(50);
  });

  it('has a good file at every step also when it began with a bad one', async () => {
    const { main, backup } = await written();
    const began = (): MemoryFileSystem => disk({ main: main.subarray(1), backup });
    for (let step = 0; ; step++) {
      const first = await untilPowerLoss(step, began());
      for (let kept = 0; kept < 1 << first.fileSystem.unsynced; kept++) {
        const { fileSystem, acknowledged = 10 } = await untilPowerLoss(step, began());
        const { offset } = await stored(fileSystem.afterPowerLoss(kept));
        expect(offset, `step ${step}, names ${kept.toString(2)}`).toBeGreaterThanOrEqual(acknowledged);
      }
      if (!first.wasCut) break;
    }
  });
});

/** Four persists; what was acknowledged, and what was asked for last, when the power went. */
async function untilPowerLoss(step: number, fileSystem = new MemoryFileSystem()) {
  fileSystem.powerLossAt = step;
  const { store } = open({ fileSystem });
  let acknowledged: number | undefined;
  let asked: number | undefined;
  let wasCut = false;
  try {
    await store.load();
    for (const offset of [10, 20, 30, 40]) {
      asked = offset;
      await persistAt(store, offset);
      acknowledged = offset;
    }
  } catch (thrown) {
    wasCut = fileSystem.steps > step;
    if (!wasCut) throw thrown;
  }
  fileSystem.fail = () => {};
  const { files } = fileSystem;
  const lock = files.get(paths.lock);
  store.close();
  if (lock !== undefined) files.set(paths.lock, lock); // the dead remove nothing
  return { fileSystem, acknowledged, asked, wasCut };
}
