// SPDX-License-Identifier: Apache-2.0
/**
 * How does a member program get the package? As a user has it: built, under node_modules, imported by its name. Each
 * state of the sources is built once, into a folder of its own, so that a build elsewhere disturbs no run.
 */
import { createHash } from 'node:crypto';
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { run } from '../../../test/support/cluster/commands.ts';
import { withFileLock } from '../../../test/support/cluster/file-lock.ts';

const root = join(import.meta.dirname, '..', '..', '..');
const workers = join(root, 'scripts', 'workers');
const cache = join(root, '.cache', 'installed');
/** How many builds are kept: another run may still use one of them. */
const keptBuilds = 5;

/** The folder with the member programs; what they import is beside them. Takes seconds when the sources changed. */
export async function installedWorkers(): Promise<string> {
  const folder = join(cache, hashOfSources());
  if (!existsSync(folder)) {
    await withFileLock(join(cache, 'lock'), async () => {
      if (!existsSync(folder)) await install(folder);
    });
  }
  return join(folder, 'workers');
}

async function install(folder: string): Promise<void> {
  const temporary = `${folder}.tmp`;
  const packaged = join(temporary, 'node_modules', 'rocketmq-actors');
  rmSync(temporary, { recursive: true, force: true });
  mkdirSync(packaged, { recursive: true });
  const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  const args = [compiler, '-p', join(root, 'tsconfig.build.json'), '--outDir', join(packaged, 'dist')];
  const { code, stdout } = await run(process.execPath, args);
  if (code !== 0) throw new Error(`the package does not build:\n${stdout}`);
  cpSync(join(root, 'package.json'), join(packaged, 'package.json'));
  cpSync(workers, join(temporary, 'workers'), { recursive: true });
  // A package of its own around the programs: without it they would find the sources' package under the same name.
  writeFileSync(
    join(temporary, 'package.json'),
    '{ "name": "evidence", "private": true, "type": "module" }\n',
  );
  renameSync(temporary, folder);
  removeOldBuilds();
}

function removeOldBuilds(): void {
  const builds = readdirSync(cache)
    .filter(name => /^[0-9a-f]{16}$/.test(name))
    .map(name => ({ name, at: statSync(join(cache, name)).mtimeMs }))
    .sort((a, b) => b.at - a.at);
  for (const { name } of builds.slice(keptBuilds))
    rmSync(join(cache, name), { recursive: true, force: true });
}

function hashOfSources(): string {
  const hash = createHash('sha256');
  for (const folder of [join(root, 'src'), workers]) {
    const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(name =>
      /\.m?[jt]s$/.test(name),
    );
    for (const name of names.sort()) hash.update(name).update(readFileSync(join(folder, name)));
  }
  for (const name of ['package.json', 'tsconfig.json', 'tsconfig.build.json']) {
    hash.update(readFileSync(join(root, name)));
  }
  return hash.digest('hex').slice(0, 16);
}
