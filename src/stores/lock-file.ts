// SPDX-License-Identifier: Apache-2.0
/** Does another process use the same file of offsets? A file beside it says which one. */
import type { Clock } from '../model/clock.ts';
import type { FileSystem, ProcessTable } from './file-system.ts';
import { type LockHolder, lockedBy } from './offset-file-errors.ts';
import { waitFor } from './wait-for.ts';

export interface LockFileOptions {
  readonly path: string;
  /** What it is the lock of, for the error. */
  readonly guarded: string;
  readonly fileSystem: FileSystem;
  readonly processes: ProcessTable;
  readonly clock: Clock;
}

interface Holder extends LockHolder {
  readonly thread: number;
  readonly started: string;
}

/** A lock that says nothing may be one that is just being written. Unit: ms. */
const writingPause = 200;
const mostTries = 20;

/** Paths locked by this thread: its own number in a file proves nothing, the next process may have been given it. */
const heldHere = new Set<string>();
let serial = 0;

export class LockFile {
  readonly #options: LockFileOptions;
  #content: Buffer | undefined;

  constructor(options: LockFileOptions) {
    this.#options = options;
  }

  /** @throws ConsumerError `RMQ_OFFSET_FILE_LOCKED` naming the file and the process that has it */
  async take(): Promise<void> {
    const { path, fileSystem, processes, guarded } = this.#options;
    if (heldHere.has(path)) throw lockedBy(guarded, processes);
    heldHere.add(path);
    try {
      this.#content = await this.#create(fileSystem);
    } catch (thrown) {
      heldHere.delete(path);
      throw thrown;
    }
  }

  /** Looked at before each write: a file removed by hand is made again; one that another process made is left alone. */
  async confirm(): Promise<void> {
    const { path, fileSystem, guarded } = this.#options;
    const ours = this.#content;
    const there = await fileSystem.read(path);
    if (ours === undefined) throw new Error('it was closed');
    if (there !== undefined && !there.equals(ours)) {
      throw lockedBy(guarded, holderIn(there) ?? { pid: Number.NaN, hostName: 'an unknown host' });
    }
    if (there === undefined && !(await fileSystem.create(path, ours))) await this.confirm();
  }

  /** At once. */
  release(): void {
    const { path, fileSystem } = this.#options;
    if (this.#content === undefined) return;
    this.#content = undefined;
    heldHere.delete(path);
    fileSystem.remove(path);
  }

  async #create(fileSystem: FileSystem): Promise<Buffer> {
    const { path, processes, guarded } = this.#options;
    const { pid, thread, hostName } = processes;
    const started = processes.started(pid) ?? '';
    const content = Buffer.from(`${JSON.stringify({ pid, hostName, thread, started, serial: ++serial })}\n`);
    for (let tries = 0; tries < mostTries; tries++) {
      if (await fileSystem.create(path, content)) return content;
      const there = await fileSystem.read(path);
      if (there === undefined) continue;
      const holder = holderIn(there);
      if (holder !== undefined && this.#lives(holder)) throw lockedBy(guarded, holder);
      if (holder === undefined) await waitFor(this.#options.clock, writingPause);
      await this.#putAside(there);
    }
    throw lockedBy(guarded, { pid: Number.NaN, hostName: 'an unknown host' });
  }

  /** Of a process on another host nothing is known: it may live. */
  #lives({ pid, hostName, thread, started }: Holder): boolean {
    const { processes } = this.#options;
    if (hostName !== processes.hostName) return true;
    if (processes.started(pid) !== started) return false;
    return pid !== processes.pid || thread !== processes.thread;
  }

  /** Two processes may do this at the same time: what was taken away by mistake is put back. */
  async #putAside(stale: Buffer): Promise<void> {
    const { path, fileSystem, processes } = this.#options;
    const aside = `${path}.${processes.pid}.${processes.thread}`;
    if (!((await fileSystem.read(path))?.equals(stale) ?? false)) return;
    try {
      await fileSystem.rename(path, aside);
    } catch (thrown) {
      if ((await fileSystem.read(path)) === undefined) return; // the other one was faster
      throw thrown;
    }
    const taken = await fileSystem.read(aside);
    if (taken !== undefined && !taken.equals(stale)) await fileSystem.create(path, taken);
    fileSystem.remove(aside);
  }
}

function holderIn(content: Buffer | undefined): Holder | undefined {
  try {
    const { pid, hostName, thread, started } = JSON.parse(content?.toString('utf8') ?? '') as Partial<
      Record<string, unknown>
    >; // each field is looked at below
    if (!Number.isSafeInteger(pid) || typeof hostName !== 'string' || typeof started !== 'string')
      return undefined;
    return { pid: Number(pid), hostName, thread: Number(thread), started };
  } catch {
    return undefined;
  }
}
