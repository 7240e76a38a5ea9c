// SPDX-License-Identifier: Apache-2.0
/**
 * Writes what follows from the tables: docs/configuration.md, docs/errors.md, docs/logging.md, docs/planted-bugs.md and the ConsumerConfig interface.
 * `tsx scripts/docs.ts` writes them, `--check` only says which differ.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { configurationPage } from './docs/configuration-page.ts';
import { consumerConfigSource } from './docs/consumer-config.ts';
import { errorsPage } from './docs/errors-page.ts';
import { loggingPage } from './docs/logging-page.ts';
import { plantedBugsPage } from './docs/planted-bugs-page.ts';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');

/** Path from the project's root to text. */
export function generatedFiles(): ReadonlyMap<string, string> {
  return new Map([
    ['docs/configuration.md', configurationPage()],
    ['docs/errors.md', errorsPage()],
    ['docs/logging.md', loggingPage()],
    ['docs/planted-bugs.md', plantedBugsPage()],
    ['src/config/consumer-config.ts', consumerConfigSource()],
  ]);
}

/** The generated files whose committed text is another one. */
export function outdatedFiles(): readonly string[] {
  return [...generatedFiles()].filter(([path, text]) => committed(path) !== text).map(([path]) => path);
}

function committed(path: string): string | undefined {
  try {
    return readFileSync(join(root, path), 'utf8');
  } catch {
    return undefined;
  }
}

function main(): void {
  const outdated = outdatedFiles();
  if (process.argv.includes('--check')) {
    for (const path of outdated) console.error(`${path} is out of date: run npm run docs`);
    process.exitCode = outdated.length === 0 ? 0 : 1;
    return;
  }
  for (const path of outdated) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), generatedFiles().get(path) ?? '');
    console.log(`wrote ${path}`);
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) main();
