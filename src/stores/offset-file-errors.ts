// SPDX-License-Identifier: Apache-2.0
/** What can be wrong with a local file of offsets? Each error names the file. */
import { ConsumerError, toError } from '../errors/errors.ts';

export interface LockHolder {
  readonly pid: number;
  readonly hostName: string;
}

export function lockedBy(path: string, { pid, hostName }: LockHolder): ConsumerError {
  return new ConsumerError(
    'RMQ_OFFSET_FILE_LOCKED',
    `the offsets in ${path} are in use by process ${pid} on ${hostName}`,
    { context: { path, pid, hostName } },
  );
}

export function damagedFile(path: string, reasons: readonly string[]): ConsumerError {
  return new ConsumerError(
    'RMQ_OFFSET_FILE_DAMAGED',
    `the offsets in ${path} cannot be read: ${reasons.join('; ')}`,
    { context: { path } },
  );
}

/** Not the end: the backup was good. */
export function restoredFile(path: string, backup: string, reason: string): ConsumerError {
  return new ConsumerError(
    'RMQ_OFFSET_FILE_RESTORED',
    `the offsets in ${path} could not be read (${reason}): those in ${backup} are used`,
    { context: { path, backup } },
  );
}

export function futureFile(path: string, version: number): ConsumerError {
  return new ConsumerError(
    'RMQ_OFFSET_FILE_VERSION',
    `the offsets in ${path} were written by a later release: version ${version}`,
    { context: { path, version } },
  );
}

export function unwritableFile(path: string, cause: unknown): ConsumerError {
  return new ConsumerError(
    'RMQ_OFFSET_FILE_UNWRITABLE',
    `the offsets could not be written to ${path}: ${toError(cause).message}`,
    { context: { path }, cause },
  );
}

export function lateWrite(path: string, signal: AbortSignal | undefined): ConsumerError {
  return unwritableFile(path, signal?.aborted === true ? 'the wait was given up' : 'it takes too long');
}
