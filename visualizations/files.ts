// SPDX-License-Identifier: Apache-2.0
/** Which files are there, and which machines do they export? In an order that is the same on every machine. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { StateMachine } from 'xstate';
import type { NamedMachine } from './actor-tree.ts';

/** Paths of all files below a folder that end so, sorted by UTF-16 unit. */
export async function filesUnder(folder: string, ending: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter(entry => entry.isFile() && entry.name.endsWith(ending))
    .map(entry => join(entry.parentPath, entry.name))
    .sort();
}

/** Every machine exported by a `*.machine.ts` below a folder, by name: `sendBackMachine` is `send-back`. */
export async function machinesUnder(folder: string): Promise<readonly NamedMachine[]> {
  const found: NamedMachine[] = [];
  for (const file of await filesUnder(folder, '.machine.ts')) {
    const exported: Readonly<Record<string, unknown>> = await import(pathToFileURL(file).href);
    for (const [name, value] of Object.entries(exported)) {
      if (value instanceof StateMachine)
        found.push({ name: kebab(name.replace(/Machine$/, '')), machine: value });
    }
  }
  return found.sort((a, b) => (a.name < b.name ? -1 : 1));
}

function kebab(camel: string): string {
  return camel.replace(/[A-Z]/g, letter => `-${letter.toLowerCase()}`);
}
