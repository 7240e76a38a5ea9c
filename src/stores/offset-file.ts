// SPDX-License-Identifier: Apache-2.0
/**
 * How do offsets survive a crash? Written beside, synced, then renamed; the last good file is kept as backup. At every step
 * one of the two is whole.
 */
import { RocketmqError, toError } from '../errors/errors.ts';
import type { Clock } from '../model/clock.ts';
import type { FileSystem, ProcessTable } from './file-system.ts';
import { LockFile } from './lock-file.ts';
import { decodeDocument, encodeDocument, type OffsetOwner, type ReadDocument } from './offset-document.ts';
import { damagedFile, futureFile, restoredFile, unwritableFile } from './offset-file-errors.ts';
import { type OffsetPaths, offsetPaths } from './offset-paths.ts';
import type { QueuePosition } from './offset-store.ts';

export interface OffsetFileOptions {
  readonly storePath: string;
  readonly owner: OffsetOwner;
  readonly fileSystem: FileSystem;
  readonly processes: ProcessTable;
  readonly clock: Clock;
}

export interface OpenedFile {
  readonly positions: readonly QueuePosition[];
  /** The main file was bad, and the backup was used. */
  readonly restored: RocketmqError | undefined;
}

export class OffsetFile {
  readonly paths: OffsetPaths;
  readonly #owner: OffsetOwner;
  readonly #files: FileSystem;
  readonly #lock: LockFile;
  /** What of the two may be relied on: a bad main file must not take the backup's place. */
  #mainIsGood = false;
  #backupIsGood = false;

  constructor({ storePath, owner, fileSystem, processes, clock }: OffsetFileOptions) {
    this.paths = offsetPaths(storePath, owner);
    this.#owner = owner;
    this.#files = fileSystem;
    const { lock: path, main: guarded } = this.paths;
    this.#lock = new LockFile({ path, guarded, fileSystem, processes, clock });
  }

  /**
   * Locks and reads it. No file at all: no positions.
   * @throws ConsumerError `RMQ_OFFSET_FILE_LOCKED`, `_DAMAGED`, `_VERSION` or `_UNWRITABLE`
   */
  async open(): Promise<OpenedFile> {
    try {
      await this.#makeDirectory();
      await this.#lock.take();
    } catch (thrown) {
      throw typed(this.paths.main, thrown);
    }
    try {
      return await this.#read();
    } catch (thrown) {
      this.close();
      throw thrown;
    }
  }

  /** Resolves when the positions are on the disk. @throws ConsumerError `RMQ_OFFSET_FILE_UNWRITABLE` or `_LOCKED` */
  async save(positions: readonly QueuePosition[]): Promise<void> {
    try {
      await this.#lock.confirm();
      await this.#write(encodeDocument(this.#owner, positions));
    } catch (thrown) {
      throw typed(this.paths.main, thrown);
    }
  }

  /** Others may have it. At once. */
  close(): void {
    this.#lock.release();
  }

  /** The names of new directories are on the disk before anything is written in them. */
  async #makeDirectory(): Promise<void> {
    if (!(await this.#files.makeDirectory(this.paths.directory))) return;
    for (const directory of this.paths.directories) await this.#files.syncDirectory(directory);
    await this.#files.syncDirectory(this.paths.parent).catch(() => {}); // may be another user's
  }

  async #read(): Promise<OpenedFile> {
    const { main, backup } = this.paths;
    const first = await this.#document(main);
    if (first?.kind === 'future') throw futureFile(main, first.version);
    const second = await this.#document(backup);
    this.#mainIsGood = first?.kind === 'sound';
    this.#backupIsGood = second?.kind === 'sound';
    if (first?.kind === 'sound') return { positions: first.positions, restored: undefined };
    if (second?.kind === 'future') throw futureFile(backup, second.version);
    const reason = first?.reason ?? 'it is not there';
    if (second?.kind === 'sound') {
      return { positions: second.positions, restored: restoredFile(main, backup, reason) };
    }
    if (first === undefined && second === undefined) return { positions: [], restored: undefined };
    throw damagedFile(main, [reason, `its backup: ${second?.reason ?? 'it is not there'}`]);
  }

  async #document(path: string): Promise<ReadDocument | undefined> {
    try {
      const bytes = await this.#files.read(path);
      return bytes && decodeDocument(bytes, this.#owner);
    } catch (thrown) {
      return { kind: 'damaged', reason: toError(thrown).message };
    }
  }

  async #write(bytes: Buffer): Promise<void> {
    const { main, backup, temporary, directory } = this.paths;
    await this.#files.write(temporary, bytes);
    if (this.#mainIsGood) {
      this.#mainIsGood = false;
      await this.#files.rename(main, backup);
      this.#backupIsGood = true;
    }
    await this.#files.rename(temporary, main);
    this.#mainIsGood = true;
    if (!this.#backupIsGood) {
      await this.#files.write(temporary, bytes);
      await this.#files.rename(temporary, backup);
      this.#backupIsGood = true;
    }
    await this.#files.syncDirectory(directory);
  }
}

function typed(path: string, thrown: unknown): RocketmqError {
  return thrown instanceof RocketmqError ? thrown : unwritableFile(path, thrown);
}
