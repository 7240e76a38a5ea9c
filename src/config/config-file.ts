// SPDX-License-Identifier: Apache-2.0
/** What does a config file give, and at which line of it? JSON, one object, the options by name. */
import { describeValue, isArray } from './describe-value.ts';
import { placesOf } from './json-places.ts';
import type { Spot } from './report.ts';
import type { ConfigSources } from './sources.ts';

export interface ConfigFile {
  /** As it was given. */
  readonly path: string;
  readonly given: ReadonlyMap<string, unknown>;
  /** `billing.json:3`: where an option stands, for messages. */
  placeOf(option: string): string;
}

/** Larger ones are no config. Unit: characters. */
const largest = 1024 * 1024;

/** What the system says → what is wrong. */
const fileProblems: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EACCES: 'it may not be read',
  EPERM: 'it may not be read',
  EISDIR: 'it is a directory',
  EFBIG: `it has more than ${largest} bytes`,
  EINVAL: 'it is no regular file',
};

/** Reads a config file; says at the spot why it cannot. */
export function readConfigFile(path: string, sources: ConfigSources, spot: Spot): ConfigFile | undefined {
  const shown = describeValue(path);
  const text = textOf(path, sources, spot);
  if (text === undefined) return undefined;
  const places = placesOf(text);
  const value = parse(text);
  if (value === undefined) {
    const { line, column } = places.stuckAt;
    return spot.problem(
      `${shown} is not JSON: line ${line}, column ${column}`,
      'Write one object, names and texts in double quotes, no comments, no comma behind the last.',
    );
  }
  if (typeof value !== 'object' || value === null || isArray(value)) {
    return spot.problem(`${shown} holds ${describeValue(value)}, not a config`, 'Write one object: { … }.');
  }
  for (const { name, line } of places.repeated) {
    spot.problem(`${shown}: ${describeValue(name)} is there twice, again in line ${line}`, 'Keep one.');
  }
  return {
    path,
    given: new Map(Object.entries(value)),
    placeOf: option => `${shown.slice(1, -1)}:${places.lines.get(option) ?? 1}`,
  };
}

function textOf(path: string, sources: ConfigSources, spot: Spot): string | undefined {
  try {
    const text = sources.readFile(path, largest);
    return text.startsWith('\uFEFF') ? text.slice(1) : text; // some editors of Windows put it there
  } catch (thrown) {
    const code = codeOf(thrown);
    const problem = fileProblems[code] ?? `it cannot be read (${code})`;
    return spot.problem(
      `${describeValue(path)}: ${problem}`,
      'Name a file of JSON. A relative path begins where the process was started.',
    );
  }
}

function codeOf(thrown: unknown): string {
  const code: unknown =
    typeof thrown === 'object' && thrown !== null ? Reflect.get(thrown, 'code') : undefined;
  return typeof code === 'string' ? code : 'unknown';
}

/** The parser's own text is not shown: it quotes the file, and with it whatever secret stands there. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // JSON has no undefined
  }
}
