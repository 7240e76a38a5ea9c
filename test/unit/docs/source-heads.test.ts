// SPDX-License-Identifier: Apache-2.0
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '../../..');
const folders = ['src', 'test', 'scripts', 'examples', 'visualizations'];
const files = folders.flatMap(folder =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter(name => /\.m?ts$/.test(name))
    .map(name => `${folder}/${name}`),
);
const textOf = (file: string): string => readFileSync(join(root, file), 'utf8');

describe('every source', () => {
  it('names its license in the first line', () => {
    expect(files.length).toBeGreaterThan(800);
    expect(
      files.filter(file => !textOf(file).startsWith('// SPDX-License-Identifier: Apache-2.0\n')),
    ).toEqual([]);
  });

  it('of src says next which question it answers', () => {
    const silent = files
      .filter(file => file.startsWith('src/'))
      .filter(file => !/^\/(\*\*|\/) ?\S|^\/\*\*\n/.test(textOf(file).split('\n').slice(1).join('\n')));
    expect(silent).toEqual([]);
  });

  it('that is a machine opens with its chart and its invariants', () => {
    const machines = files.filter(file => file.endsWith('.machine.ts'));
    expect(machines.length).toBeGreaterThan(15);
    const headOf = (file: string): string => textOf(file).split('*/')[0] ?? '';
    const hasStates = (file: string): boolean => textOf(file).includes('\n  states: {\n');
    expect(machines.filter(file => !/Invariants?\b/.test(headOf(file)))).toEqual([]);
    expect(machines.filter(file => hasStates(file) && !/→|►/.test(headOf(file)))).toEqual([]);
  });
});
