// SPDX-License-Identifier: Apache-2.0
/** How is `namespace` read? A name, which means version 1, or both. */
import { type NamespaceChoice, namespaceProblem } from '../model/namespace.ts';
import { describeValue } from './describe-value.ts';
import type { Kind } from './option.ts';
import type { Spot } from './report.ts';

/** Version: by default 1. */
export type NamespaceOption =
  | string
  | { readonly name: string; readonly version?: NamespaceChoice['version'] | undefined };

export const namespaceKind: Kind<NamespaceOption, NamespaceChoice, 'none'> = {
  typeText: 'NamespaceOption',
  typeImports: { NamespaceOption: './namespace-kind.ts' },
  unit: 'none',
  read: readNamespace,
  fromText: text => text,
  show: ({ name, version }) => `${name} (version ${version})`,
};

function readNamespace(value: unknown, spot: Spot): NamespaceChoice | undefined {
  const given = typeof value === 'object' && value !== null ? value : { name: value };
  const {
    name,
    version = 1,
    ...others
  }: { name?: unknown; version?: unknown } = { name: undefined, ...given };
  const [unknownName] = Object.keys(others);
  if (unknownName !== undefined)
    return spot.problem(`there is no ${describeValue(unknownName)} in it`, 'Write { name, version }.');
  if (typeof name !== 'string') return spot.problem(`${describeValue(name)} is no name`, "Write 'tenant-a'.");
  const problem = namespaceProblem(name);
  if (problem !== undefined) return spot.problem(`${describeValue(name)}: ${problem}`);
  if (version !== 1 && version !== 2)
    return spot.problem(`version ${describeValue(version)} is neither 1 nor 2`);
  return { name, version };
}
