// SPDX-License-Identifier: Apache-2.0
/** Which real files and processes stand behind the local offset store? */
import { readFileSync, rmSync } from 'node:fs';
import { type FileHandle, mkdir, open, rename } from 'node:fs/promises';
import { hostname } from 'node:os';
import { threadId } from 'node:worker_threads';
import { toError } from '../errors/errors.ts';
import type { FileSystem, ProcessTable } from './file-system.ts';

const ownerOnly = { directory: 0o700, file: 0o600 } as const;
/** Larger than a million queues need; what is larger is not read at all. Unit: bytes. */
const largestFile = 256 * 1024 * 1024;

/**
 * The disk of this machine; files are its owner's alone. Default of `environment.fileSystem`. Its calls reject with Node's
 * own errors; a file that is not there is undefined, and one larger than 256 MiB is refused.
 * @example
 * const store = new LocalOffsetStore({ owner, storePath, fileSystem: nodeFileSystem, processes: nodeProcesses, clock: systemClock });
 */
export const nodeFileSystem: FileSystem = {
  makeDirectory: async path =>
    (await mkdir(path, { recursive: true, mode: ownerOnly.directory })) !== undefined,
  read: async path => {
    const file = await opened(path, 'r', 'ENOENT');
    return file && using(file, () => readWhole(file, path));
  },
  write: async (path, data) => {
    const file = await open(path, 'w', ownerOnly.file);
    await using(file, () => writeThrough(file, data));
  },
  create: async (path, data) => {
    const file = await opened(path, 'wx', 'EEXIST');
    if (file !== undefined) await using(file, () => writeThrough(file, data));
    return file !== undefined;
  },
  rename,
  syncDirectory: async path => {
    if (process.platform === 'win32') return; // opens no directories; its renames are journaled
    const directory = await open(path, 'r');
    await using(directory, () => directory.sync());
  },
  remove: path => rmSync(path, { force: true }),
};

/**
 * The processes of this machine, to tell whether the one that holds a lock file still lives.
 * @example
 * nodeProcesses.started(nodeProcesses.pid); // since when this one runs; undefined: there is no such process
 */
export const nodeProcesses: ProcessTable = {
  pid: process.pid,
  thread: threadId,
  hostName: hostname(),
  started: pid => {
    try {
      process.kill(pid, 0);
    } catch (thrown) {
      if (errorCode(thrown) === 'ESRCH') return undefined; // EPERM: it lives, and is another user's
    }
    return startTime(pid);
  },
};

/** Linux: ticks from boot to its start. Elsewhere a number alone has to do. */
function startTime(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
  } catch {
    return '';
  }
}

/** The code Node gives to what went wrong in the system. */
function errorCode(thrown: unknown): string | undefined {
  const error = toError(thrown);
  return 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

async function opened(path: string, flags: string, expected: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, flags, ownerOnly.file);
  } catch (thrown) {
    if (errorCode(thrown) === expected) return undefined;
    throw thrown;
  }
}

async function using<T>(file: FileHandle, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } finally {
    await file.close();
  }
}

async function readWhole(file: FileHandle, path: string): Promise<Buffer> {
  const { size } = await file.stat();
  if (size > largestFile) throw new Error(`${path} has ${size} bytes, more than ${largestFile}`);
  return file.readFile();
}

async function writeThrough(file: FileHandle, data: Buffer): Promise<void> {
  await file.writeFile(data);
  await file.sync();
}
