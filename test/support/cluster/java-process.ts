// SPDX-License-Identifier: Apache-2.0
// How a JVM of ours is started and certainly ended: with its owner, with this process, by its process id.

import { type ChildProcess, spawn } from 'node:child_process';
import { rmSync } from 'node:fs';

const living = new Set<ChildProcess>();
const folders = new Set<string>();
const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
let watching = false;

export interface JavaCommand {
  readonly classpath: string;
  readonly options: readonly string[];
  readonly main: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Where standard output and error go: a file descriptor, or a pipe. */
  readonly output: number | 'pipe';
}

/**
 * Starts a JVM. Its standard input is a pipe whose end closes with this process: the programs of test/support/java end
 * then, so nothing is left behind even by a SIGKILL of ours.
 */
export function startJava(command: JavaCommand): ChildProcess {
  watch();
  const child = spawn('java', [...command.options, '-cp', command.classpath, command.main, ...command.args], {
    cwd: command.cwd,
    env: { ...process.env, ...command.env },
    stdio: ['pipe', command.output, command.output],
  });
  child.stdin?.on('error', () => {
    // the child ended first
  });
  living.add(child);
  child.once('exit', () => living.delete(child));
  child.once('error', () => living.delete(child));
  return child;
}

/** Removes the folder when this process ends, unless that was done before. */
export function removeAtExit(folder: string): void {
  watch();
  folders.add(folder);
}

export function removeNow(folder: string): void {
  // A process that was just ended may have left a directory entry in the making: try a few times.
  rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
  folders.delete(folder);
}

function watch(): void {
  if (watching) {
    return;
  }
  watching = true;
  process.once('exit', cleanUp);
  for (const signal of signals) {
    process.on(signal, endBySignal);
  }
}

/** Who listens to the signal as well decides how to end; cleaning up then waits for 'exit'. */
function endBySignal(signal: NodeJS.Signals): void {
  if (process.listenerCount(signal) > 1) {
    return;
  }
  cleanUp();
  process.removeListener(signal, endBySignal);
  process.kill(process.pid, signal);
}

function cleanUp(): void {
  for (const child of living) {
    child.kill('SIGKILL');
  }
  for (const folder of folders) {
    removeNow(folder);
  }
}
