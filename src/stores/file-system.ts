// SPDX-License-Identifier: Apache-2.0
/** What does the local offset store need of a file system? Tests give one that fails where they say. */

export interface FileSystem {
  /** Makes a directory and those above it, for its owner only. True when it was not there. */
  makeDirectory(path: string): Promise<boolean>;
  /** `undefined` when there is no such file. */
  read(path: string): Promise<Buffer | undefined>;
  /** Writes a file anew, for its owner only; resolves when its bytes are on the disk. */
  write(path: string, data: Buffer): Promise<void>;
  /** As {@link write}, but false, and nothing done, when the file is there already. */
  create(path: string, data: Buffer): Promise<boolean>;
  /** Replaces what is there under the new name. */
  rename(from: string, to: string): Promise<void>;
  /** Resolves when names made and changed in a directory are on the disk. */
  syncDirectory(path: string): Promise<void>;
  /** At once, for the end of a process. No such file: nothing is done. */
  remove(path: string): void;
}

/** What a lock file needs to know of processes. */
export interface ProcessTable {
  readonly pid: number;
  /** Worker threads have one of their own. */
  readonly thread: number;
  readonly hostName: string;
  /** What tells a process from a later one with the same number; `undefined` when there is none now. */
  started(pid: number): string | undefined;
}
