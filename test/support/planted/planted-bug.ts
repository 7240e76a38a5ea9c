// SPDX-License-Identifier: Apache-2.0
/** How is a bug planted without touching a file? The text of one source is changed while it is loaded, for one run only. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface PlantedBug {
  readonly name: string;
  /** What goes wrong in a consumer that has it. */
  readonly what: string;
  /** Below src. */
  readonly file: string;
  /** Stands there exactly once … */
  readonly text: string;
  /** … and is taken for this. */
  readonly becomes: string;
  /** The test file that has to notice, below test. */
  readonly test: string;
  /** Part of the name of the invariant or test that notices. */
  readonly caughtBy: string;
}

const root = join(import.meta.dirname, '../../..');

function sourceOf({ file }: PlantedBug): string {
  return join(root, 'src', file);
}

export function testOf({ test }: PlantedBug): string {
  return join('test', test);
}

/** @throws when the text is not there exactly once: the bug has to follow the code */
function withBug(bug: PlantedBug, source: string): string {
  const parts = source.split(bug.text);
  if (parts.length !== 2) {
    throw new Error(`${bug.name}: its text stands ${parts.length - 1} times in src/${bug.file}, not once`);
  }
  return parts.join(bug.becomes);
}

/** Bugs whose text is not there any more, as sentences. */
export function misplaced(bugs: readonly PlantedBug[]): readonly string[] {
  return bugs.flatMap(bug => {
    try {
      withBug(bug, readFileSync(sourceOf(bug), 'utf8'));
      return [];
    } catch (thrown) {
      return [String(thrown)];
    }
  });
}

/** Plants a bug in whatever Vite loads. */
export function planting(bug: PlantedBug) {
  const path = sourceOf(bug);
  return {
    name: `planted ${bug.name}`,
    enforce: 'pre' as const,
    transform: (code: string, id: string): string | undefined =>
      id.split('?')[0] === path ? withBug(bug, code) : undefined,
  };
}
