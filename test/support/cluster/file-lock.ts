// SPDX-License-Identifier: Apache-2.0
// Makes two processes that want the same slow thing do it once: the second waits for the first.

import { randomUUID } from 'node:crypto';
import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

const pollMs = 100;

/** Runs `work` while holding the lock file. A lock whose owner is dead is taken over. */
export async function withFileLock<T>(file: string, work: () => Promise<T>): Promise<T> {
  mkdirSync(dirname(file), { recursive: true });
  while (!tryAcquire(file)) {
    await delay(pollMs);
  }
  try {
    return await work();
  } finally {
    rmSync(file, { force: true });
  }
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return isErrno(error, 'EPERM');
  }
}

function isErrno(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}

/** The file appears with its content or not at all: a link is made, or refused, in one step. */
function tryAcquire(file: string): boolean {
  const own = `${file}.${process.pid}.${randomUUID()}`;
  writeFileSync(own, `${process.pid}`);
  try {
    linkSync(own, file);
    return true;
  } catch (error) {
    if (!isErrno(error, 'EEXIST')) {
      throw error;
    }
    removeIfOwnerIsDead(file);
    return false;
  } finally {
    rmSync(own, { force: true });
  }
}

/** Two waiters may both do so, and then both do the work: slower, but each into its own temporary folder. */
function removeIfOwnerIsDead(file: string): void {
  let owner: string;
  try {
    owner = readFileSync(file, 'utf8');
  } catch {
    return; // released meanwhile
  }
  if (!isAlive(Number(owner))) {
    rmSync(file, { force: true });
  }
}
