// SPDX-License-Identifier: Apache-2.0
// How the outside commands (java, javac, mvn) are found and run to their end.

import { spawn } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { ClusterError } from './errors.ts';

export type Tool = 'java' | 'javac' | 'mvn';

/** Throws TOOL_MISSING naming every tool that is not on the PATH. */
export function requireTools(...tools: readonly Tool[]): void {
  const missing = tools.filter(tool => !isOnPath(tool));
  if (missing.length > 0) {
    throw new ClusterError(
      'TOOL_MISSING',
      `a real RocketMQ needs ${missing.join(', ')}: not found on the PATH`,
    );
  }
}

/** Whether a real cluster can be started here at all. */
export function hasClusterTools(): boolean {
  return (['java', 'javac', 'mvn'] as const).every(isOnPath);
}

export interface CommandResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command to its end. Its standard input is closed. */
export function run(
  command: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  cwd?: string,
): Promise<CommandResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      env: { ...process.env, ...env },
      cwd,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    child.on('error', reject);
    child.on('close', code => resolve({ code, stdout, stderr }));
  });
}

function isOnPath(tool: Tool): boolean {
  return (process.env['PATH'] ?? '').split(delimiter).some(folder => {
    try {
      accessSync(join(folder, tool), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
