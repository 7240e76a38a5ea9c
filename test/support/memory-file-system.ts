// SPDX-License-Identifier: Apache-2.0
/** Which faults can a file system have? One in memory that fails, or loses its power, at the step a test names. */
import { dirname } from 'node:path';
import type { FileSystem, ProcessTable } from '../../src/stores/file-system.ts';

interface Inode {
  data: Buffer;
}

export type FileOperation =
  | 'makeDirectory'
  | 'read'
  | 'write'
  | 'create'
  | 'rename'
  | 'syncDirectory'
  | 'remove';

export function systemError(code: string): Error {
  return Object.assign(new Error(`${code}: as the test wants it`), { code });
}

export class MemoryFileSystem implements FileSystem {
  readonly files = new Map<string, Inode>();
  readonly log: string[] = [];
  /** Throws where an operation shall fail. */
  fail: (operation: FileOperation, path: string) => void = () => {};
  /** Awaited before an operation. */
  delay: (operation: FileOperation, path: string) => Promise<void> | undefined = () => undefined;
  /** The power goes before the step with this number, counted from 0. */
  powerLossAt = Number.POSITIVE_INFINITY;
  steps = 0;
  readonly #directories = new Set<string>();
  /** Names as they are on the disk, and changes of names that are not there yet. */
  readonly #disk = new Map<string, Inode>();
  #unsynced: (() => void)[] = [];

  /** What a new start finds; bit n of `kept`: the nth change of a name reached the disk without a sync. */
  afterPowerLoss(kept: number): MemoryFileSystem {
    this.#unsynced.forEach((change, at) => {
      if (kept & (1 << at)) change();
    });
    const next = new MemoryFileSystem();
    for (const [path, { data }] of this.#disk) next.put(path, data);
    for (const directory of this.#directories) next.#directories.add(directory);
    return next;
  }

  get unsynced(): number {
    return this.#unsynced.length;
  }

  put(path: string, data: Buffer): void {
    const inode = { data: Buffer.from(data) };
    this.files.set(path, inode);
    this.#disk.set(path, inode);
  }

  bytes(path: string): Buffer | undefined {
    return this.files.get(path)?.data;
  }

  async makeDirectory(path: string): Promise<boolean> {
    await this.#begin('makeDirectory', path);
    const isNew = !this.#directories.has(path);
    this.#directories.add(path);
    return isNew;
  }

  async read(path: string): Promise<Buffer | undefined> {
    await this.#begin('read', path);
    const inode = this.files.get(path);
    return inode && Buffer.from(inode.data);
  }

  async write(path: string, data: Buffer): Promise<void> {
    await this.#begin('write', path);
    const inode = this.files.get(path) ?? this.#made(path);
    this.#fill(inode, data);
  }

  async create(path: string, data: Buffer): Promise<boolean> {
    await this.#begin('create', path);
    if (this.files.has(path)) return false;
    this.#fill(this.#made(path), data);
    return true;
  }

  async rename(from: string, to: string): Promise<void> {
    await this.#begin('rename', from);
    const inode = this.files.get(from);
    if (inode === undefined) throw systemError('ENOENT');
    this.files.delete(from);
    this.files.set(to, inode);
    this.#unsynced.push(() => {
      this.#disk.set(to, inode);
      if (this.#disk.get(from) === inode) this.#disk.delete(from);
    });
  }

  async syncDirectory(path: string): Promise<void> {
    await this.#begin('syncDirectory', path);
    for (const change of this.#unsynced) change();
    this.#unsynced = [];
  }

  remove(path: string): void {
    this.log.push(`remove ${path}`);
    this.fail('remove', path);
    this.files.delete(path);
    this.#disk.delete(path);
  }

  #made(path: string): Inode {
    const inode = { data: Buffer.alloc(0) };
    this.files.set(path, inode);
    this.#unsynced.push(() => this.#disk.set(path, inode));
    return inode;
  }

  /** Three steps: emptied, half of it, all of it. */
  #fill(inode: Inode, data: Buffer): void {
    inode.data = Buffer.alloc(0);
    this.#step();
    inode.data = Buffer.from(data.subarray(0, data.length / 2));
    this.#step();
    inode.data = Buffer.from(data);
  }

  async #begin(operation: FileOperation, path: string): Promise<void> {
    await this.delay(operation, path);
    this.#step();
    this.log.push(`${operation} ${path.slice(dirname(path).length + 1)}`);
    this.fail(operation, path);
  }

  #step(): void {
    if (this.steps++ >= this.powerLossAt) throw new Error('no power');
  }
}

/** Processes of one host by the number, all alive until they are not. */
export class FakeProcesses {
  readonly #alive = new Map<number, string>();

  start(pid: number, options: Partial<ProcessTable> = {}): ProcessTable {
    this.#alive.set(pid, `${pid} at ${this.#alive.size}`);
    return { pid, thread: 0, hostName: 'host-1', started: of => this.#alive.get(of), ...options };
  }

  end(pid: number): void {
    this.#alive.delete(pid);
  }
}
