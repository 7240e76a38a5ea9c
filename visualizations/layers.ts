// SPDX-License-Identifier: Apache-2.0
/** Which folder of src imports which? Read from the import lines, drawn as a Mermaid flowchart. */
import { readFile } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';
import { filesUnder } from './files.ts';

/** An arrow means "imports". An arrow that other arrows already imply is left out. */
export async function layersDiagram(src: string): Promise<string> {
  const arrows = withoutImplied(await folderImports(src));
  const lines = arrows.map(([from, to]) => `  ${from} --> ${to}`);
  return `${['flowchart TD', ...lines].join('\n')}\n`;
}

type FolderImport = readonly [from: string, to: string];

async function folderImports(src: string): Promise<FolderImport[]> {
  const found = new Map<string, FolderImport>();
  for (const file of await filesUnder(src, '.ts')) {
    const from = folderOf(src, file);
    for (const target of relativeImports(await readFile(file, 'utf8'))) {
      const to = folderOf(src, join(dirname(file), target));
      if (from !== to) found.set(`${from} ${to}`, [from, to]);
    }
  }
  return [...found].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, pair]) => pair);
}

function relativeImports(text: string): string[] {
  return [...text.matchAll(/^(?:import|export|\}) .*?from '(\.[^']+)';$/gm)].flatMap(match => match[1] ?? []);
}

function folderOf(src: string, file: string): string {
  const parts = relative(src, file).split(sep);
  return parts.length === 1 ? 'entry' : (parts[0] ?? 'entry');
}

/** Drops an arrow when a longer way leads to the same folder. One at a time, so that the last way always stays. */
export function withoutImplied(arrows: readonly FolderImport[]): readonly FolderImport[] {
  let kept = arrows;
  for (const arrow of arrows) {
    const others = kept.filter(other => other !== arrow);
    if (reaches(others, arrow[0], arrow[1])) kept = others;
  }
  return kept;
}

function reaches(arrows: readonly FolderImport[], from: string, to: string): boolean {
  const seen = new Set([from]);
  for (const folder of seen) {
    for (const [start, end] of arrows) if (start === folder) seen.add(end);
  }
  return seen.has(to);
}
