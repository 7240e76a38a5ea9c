// SPDX-License-Identifier: Apache-2.0
// Where the jars of a chosen RocketMQ version come from: Maven, once, into .cache/rocketmq/<version>/lib.

import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { requireTools, run } from './commands.ts';
import { ClusterError } from './errors.ts';
import { withFileLock } from './file-lock.ts';

export const rocketmqVersions = ['5.5.0', '5.4.0', '5.3.3', '4.9.7'] as const;
export type RocketmqVersion = (typeof rocketmqVersions)[number];

export interface RocketmqJars {
  readonly version: RocketmqVersion;
  /** Folder with every jar: name server, broker, client, tools and what they need. */
  readonly lib: string;
  /** Folder with our own compiled programs (test/support/java). */
  readonly classes: string;
  /** Both, as `java -cp` wants it. */
  readonly classpath: string;
}

const javaFolder = join(import.meta.dirname, '..', 'java');
const cacheFolder = join(import.meta.dirname, '..', '..', '..', '.cache', 'rocketmq');

/**
 * The jars of one version, fetched at the first call (10 to 40 s) and taken from the cache afterwards.
 * Safe to call from many processes at once.
 */
export async function rocketmqJars(version: RocketmqVersion): Promise<RocketmqJars> {
  const folder = join(cacheFolder, version);
  const lib = join(folder, 'lib');
  const classes = join(folder, `classes-${hashOfSources()}`);
  requireTools(
    'java',
    ...(isComplete(classes) ? [] : ['javac' as const]),
    ...(isComplete(lib) ? [] : ['mvn' as const]),
  );
  // One lock for all versions: concurrent Maven runs share the local repository, which is not made for that.
  if (!isComplete(lib) || !isComplete(classes)) {
    await withFileLock(join(cacheFolder, 'lock'), async () => {
      await makeOnce(lib, temporary => fetchJars(version, temporary));
      await makeOnce(classes, temporary => compile(lib, temporary));
    });
  }
  return { version, lib, classes, classpath: `${classes}${delimiter}${join(lib, '*')}` };
}

const marker = '.complete';

function isComplete(folder: string): boolean {
  return existsSync(join(folder, marker));
}

/** Fills a temporary folder, marks it complete and moves it in place, so that nobody ever sees half of it. */
async function makeOnce(folder: string, fill: (temporary: string) => Promise<void>): Promise<void> {
  if (isComplete(folder)) {
    return;
  }
  const temporary = `${folder}.${process.pid}.tmp`;
  rmSync(temporary, { recursive: true, force: true });
  mkdirSync(temporary, { recursive: true });
  try {
    await fill(temporary);
    writeFileSync(join(temporary, marker), '');
    rmSync(folder, { recursive: true, force: true });
    renameSync(temporary, folder);
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}

async function fetchJars(version: RocketmqVersion, into: string): Promise<void> {
  const args = [
    '--quiet',
    '--batch-mode',
    `--file=${join(javaFolder, 'pom.xml')}`,
    'dependency:copy-dependencies',
    '-DincludeScope=runtime',
    `-Drocketmq.version=${version}`,
    `-DoutputDirectory=${into}`,
  ];
  const { code, stdout, stderr } = await run('mvn', args);
  if (code !== 0) {
    throw new ClusterError(
      'JARS_NOT_FETCHED',
      `the jars of RocketMQ ${version} could not be fetched: mvn ${args.join(' ')}\n${stdout}${stderr}`,
    );
  }
}

async function compile(lib: string, into: string): Promise<void> {
  const sources = javaSources().map(name => join(javaFolder, name));
  const args = ['-nowarn', '-proc:none', '-cp', join(lib, '*'), '-d', into, ...sources];
  const { code, stderr } = await run('javac', args);
  if (code !== 0) {
    throw new ClusterError('PROGRAM_NOT_COMPILED', stderr);
  }
}

function javaSources(): string[] {
  return readdirSync(javaFolder)
    .filter(name => name.endsWith('.java'))
    .sort();
}

function hashOfSources(): string {
  const hash = createHash('sha256');
  for (const name of javaSources()) {
    hash.update(name).update(readFileSync(join(javaFolder, name)));
  }
  return hash.digest('hex').slice(0, 12);
}
