// SPDX-License-Identifier: Apache-2.0
/** How is a bug planted without touching a file? The text of one source is changed while it is loaded, for one run only. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface PlantedBug {
  readonly name: string;
  /** What goes wrong for the user of a consumer that has it. */
  readonly what: string;
  /** Below src. */
  readonly file: string;
  /** Stands there exactly once … */
  readonly text: string;
  /** … and is taken for this. */
  readonly becomes: string;
  /** The test file that has to notice, below test. */
  readonly test: string;
  /** Part of the name of the invariant or test that notices. Empty while nobody is known: then all tests of the file are run. */
  readonly caughtBy: string;
}

/**
 * Who notices a bug: what holds on every path of a chart, on the wire in whatever order things come, in every random history, or
 * in one that somebody thought of.
 */
export const kinds = ['rule of all paths', 'race', 'property', 'test'] as const;
export type WitnessKind = (typeof kinds)[number];

export function witnessOf({ test }: PlantedBug): WitnessKind {
  if (test.startsWith('machines/paths/')) return 'rule of all paths';
  if (test.endsWith('-race.test.ts')) return 'race';
  return test.endsWith('.property.test.ts') ? 'property' : 'test';
}

/** The project's. */
export const root = join(import.meta.dirname, '../../..');

export function sourceOf({ file }: PlantedBug): string {
  return join(root, 'src', file);
}

/** @throws when the text is not there exactly once: the bug has to follow the code */
export function withBug(bug: PlantedBug, source: string): string {
  const parts = source.split(bug.text);
  if (parts.length !== 2) {
    throw new Error(`${bug.name}: its text stands ${parts.length - 1} times in src/${bug.file}, not once`);
  }
  return parts.join(bug.becomes);
}

/** Bugs whose text is not once in their source any more, as sentences. */
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
