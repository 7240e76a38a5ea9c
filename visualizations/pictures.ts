// SPDX-License-Identifier: Apache-2.0
/** Which files does `npm run visualize` make, and which of the committed ones are out of date? */
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { configOf } from '../src/inspect/machine-config.ts';
import { actorTree } from './actor-tree.ts';
import { chartOf } from './chart.ts';
import { machinesUnder } from './files.ts';
import { layersDiagram } from './layers.ts';
import { stateDiagram } from './mermaid.ts';
import { sequences } from './sequences.ts';
import { svgOf } from './svg.ts';

/** File name → text. The same sources give the same text everywhere. */
export type Pictures = ReadonlyMap<string, string>;

/** Draws everything below `src`: each machine three times (config, chart, picture), the actor tree, the layers; and the sequences of the recordings in `traces`. */
export async function draw(src: string, traces: string): Promise<Pictures> {
  const machines = await machinesUnder(join(src, 'machines'));
  const pictures = new Map<string, string>();
  for (const { name, machine } of machines) {
    pictures.set(`${name}.machine.json`, `${JSON.stringify(configOf(machine), undefined, 2)}\n`);
    pictures.set(`${name}.mmd`, stateDiagram(chartOf(name, machine)));
    pictures.set(`${name}.svg`, await svgOf(chartOf(name, machine)));
  }
  pictures.set('actor-tree.mmd', actorTree(machines));
  pictures.set('layers.mmd', await layersDiagram(src));
  for (const [file, text] of await sequences(traces)) pictures.set(file, text);
  return pictures;
}

/** A file that differs from what the code says, and why. */
export interface Drift {
  readonly file: string;
  readonly why: 'missing' | 'out of date' | 'left over';
}

/** Compares the committed pictures with what would be drawn now. Empty: all is well. */
export async function drifts(folder: string, pictures: Pictures): Promise<readonly Drift[]> {
  const present = await generatedFiles(folder);
  const found: Drift[] = present
    .filter(file => !pictures.has(file))
    .map(file => ({ file, why: 'left over' }) as const);
  for (const [file, text] of pictures) {
    if (!present.includes(file)) found.push({ file, why: 'missing' });
    else if ((await readFile(join(folder, file), 'utf8')) !== text) found.push({ file, why: 'out of date' });
  }
  return found.sort((a, b) => (a.file < b.file ? -1 : 1));
}

/** Brings the folder up to date and answers what was changed. */
export async function write(folder: string, pictures: Pictures): Promise<readonly Drift[]> {
  await mkdir(folder, { recursive: true });
  const changed = await drifts(folder, pictures);
  for (const { file } of changed) {
    const text = pictures.get(file);
    if (text === undefined) await rm(join(folder, file));
    else await writeFile(join(folder, file), text);
  }
  return changed;
}

async function generatedFiles(folder: string): Promise<readonly string[]> {
  const names = await readdir(folder).catch(() => []);
  return names.filter(name => /\.(machine\.json|mmd|svg)$/.test(name)).sort();
}
