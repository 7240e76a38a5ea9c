// SPDX-License-Identifier: Apache-2.0
/** Which value does an option get? The argument's before the environment's before the default's; each name at most once. */
import { describeValue, shorten } from './describe-value.ts';
import { nearestName } from './nearest-name.ts';
import { envNames, envPrefix, type Option } from './option.ts';
import { optionTable } from './options.ts';
import type { Report, Spot } from './report.ts';
import type { OptionName, Origin } from './resolved-config.ts';
import type { ConfigSources } from './sources.ts';

type AnyOption = Option<unknown, unknown>;

/** The option table without its exact types, for code that walks it. */
export const optionRows: readonly (readonly [OptionName, AnyOption])[] = Object.entries(optionTable) as never; // the keys are OptionName by construction

export interface ReadOption {
  readonly value: unknown;
  readonly origin: Origin;
}

/** What could be read; an option that was refused has no entry, and its problem is in the report. */
export type ReadOptions = ReadonlyMap<OptionName, ReadOption>;

/** The fields of the argument, copied once: a getter or proxy is asked only here. */
export type Given = ReadonlyMap<string, unknown>;

const optionByAnyName: ReadonlyMap<string, OptionName> = new Map(
  optionRows.flatMap(([name, row]) => [name, ...(row.aliases ?? [])].map(each => [each, name] as const)),
);

export function readOptions(given: Given, sources: ConfigSources, report: Report): ReadOptions {
  reportUnknown(given, report);
  warnOfVariables(sources.env, report);
  const read = new Map<OptionName, ReadOption>();
  for (const [name, row] of optionRows) {
    const option = readOption(name, row, given, sources, report);
    if (option !== undefined) read.set(name, option);
  }
  return read;
}

/** Undefined counts as not given, so that `namesrvAddr: process.env.X` works. */
function readOption(
  name: OptionName,
  row: AnyOption,
  given: Given,
  sources: ConfigSources,
  report: Report,
): ReadOption | undefined {
  const [first, ...others] = [name, ...(row.aliases ?? [])].filter(each => given.get(each) !== undefined);
  if (first === undefined) return readEnvironment(name, row, sources, report);
  const raw = given.get(first);
  const other = others.find(each => !Object.is(given.get(each), raw));
  if (other !== undefined) {
    report
      .at(first)
      .problem(
        `${other} is another name of it, and both are given with different values`,
        `Keep ${name} only.`,
      );
    return undefined;
  }
  if (raw === row.meansDefault) return readDefault(name, row, sources, report);
  return accept(row, raw, { from: 'argument', name: first }, report.at(first, { hint: hintOf(row) }));
}

function readEnvironment(
  name: OptionName,
  row: AnyOption,
  sources: ConfigSources,
  report: Report,
): ReadOption | undefined {
  const { fromVariables } = row.kind;
  if (fromVariables !== undefined) {
    const raw = fromVariables.read(sources.env);
    const names = fromVariables.names.join(', ');
    const spot = report.at(name, { hint: hintOf(row), prefix: `from ${names}: ` });
    if (raw === undefined) return readDefault(name, row, sources, report);
    return accept(row, raw, { from: 'environment', name: names }, spot);
  }
  const variable = envNames(name, row).find(each => (sources.env[each] ?? '') !== '');
  const text = variable === undefined ? '' : (sources.env[variable] ?? '');
  if (variable === undefined || text === row.meansDefault) return readDefault(name, row, sources, report);
  const spot = report.at(name, { hint: hintOf(row), prefix: `from ${variable}: ` });
  return accept(row, row.kind.fromText?.(text), { from: 'environment', name: variable }, spot);
}

function readDefault(
  name: OptionName,
  row: AnyOption,
  sources: ConfigSources,
  report: Report,
): ReadOption | undefined {
  const { fallback } = row;
  const origin: Origin = { from: 'default' };
  switch (fallback.kind) {
    case 'required':
      return report.at(name).problem('it is missing', missingHint(name, row));
    case 'absent':
      return { value: undefined, origin };
    case 'fixed':
      return accept(row, fallback.value, origin, report.at(name));
    case 'derived':
      return accept(row, fallback.from(sources), origin, report.at(name));
  }
}

/** Said of a wrong value that nothing better is known of. */
function hintOf(row: AnyOption): string {
  return row.hint ?? `For example ${row.example}; docs/configuration.md tells the range.`;
}

function missingHint(name: OptionName, row: AnyOption): string {
  const variables = envNames(name, row);
  return `Give it (${row.example})${variables.length === 0 ? '' : `, or set ${variables.join(' or ')}`}.`;
}

/** The one place where values are looked into that may throw then: proxies, getters. */
function accept(row: AnyOption, raw: unknown, origin: Origin, spot: Spot): ReadOption | undefined {
  try {
    const value = row.kind.read(raw, spot);
    return value === undefined ? undefined : { value, origin };
  } catch {
    return spot.problem(`${describeValue(raw)} cannot be read`);
  }
}

/** So many unknown names are listed one by one; a config with more is something else. */
const mostUnknown = 50;

function reportUnknown(given: Given, report: Report): void {
  const known = [...optionByAnyName.keys()];
  const unknown = [...given.keys()].filter(key => !optionByAnyName.has(key));
  for (const key of unknown.slice(0, mostUnknown)) {
    const meant = optionByAnyName.get(nearestName(key, known) ?? '');
    const hint = meant === undefined ? 'docs/configuration.md lists them all.' : `Did you mean ${meant}?`;
    report.at(shorten(key)).problem('there is no such option', hint);
  }
  const rest = unknown.length - mostUnknown;
  if (rest > 0) report.at('config').problem(`there are ${rest} more unknown options`);
}

/** A variable that belongs to no option is somebody else's, unless it looks like a slip. */
function warnOfVariables(env: ConfigSources['env'], report: Report): void {
  const known = optionRows
    .flatMap(([name, row]) => envNames(name, row))
    .filter(name => name.startsWith(envPrefix));
  const others = Object.keys(env).filter(name => name.startsWith(envPrefix) && !known.includes(name));
  const tails = known.map(name => name.slice(envPrefix.length));
  for (const variable of others) {
    const near = nearestName(variable.slice(envPrefix.length), tails);
    if (near === undefined) continue;
    report.at(shorten(variable)).warning('no option has this variable', `Did you mean ${envPrefix}${near}?`);
  }
}
