// SPDX-License-Identifier: Apache-2.0
/** Which value does an option get? The argument's, else the environment's, else the file's, else the default; each name at most once. */
import { type ConfigFile, readConfigFile } from './config-file.ts';
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

/** Where a value is looked for, the first that has one wins; then comes the default. */
interface Layers {
  readonly given: Given;
  readonly sources: ConfigSources;
  readonly file: ConfigFile | undefined;
  /** A file was named and could not be read: what it would have given is unknown, not missing. */
  readonly isFileLost: boolean;
  readonly report: Report;
}

export function readOptions(given: Given, sources: ConfigSources, report: Report): ReadOptions {
  reportUnknown(given, name => report.at(name));
  warnOfVariables(sources.env, report);
  const read = new Map<OptionName, ReadOption>();
  const bare: Layers = { given, sources, file: undefined, isFileLost: false, report };
  const named = readOption('configFile', optionTable.configFile as AnyOption, bare); // its exact types are not needed here
  const file =
    typeof named?.value === 'string'
      ? readConfigFile(named.value, sources, report.at('configFile'))
      : undefined;
  if (named !== undefined) read.set('configFile', named);
  if (file !== undefined) {
    reportUnknown(file.given, (name, key) => spotInFile(name, file, key, report));
    refuseNesting(file, report);
  }
  const isFileLost = file === undefined && named?.value !== undefined;
  for (const [name, row] of optionRows) {
    if (name === 'configFile') continue;
    const option = readOption(name, row, { ...bare, file, isFileLost });
    if (option !== undefined) read.set(name, option);
  }
  return read;
}

/** A value that was given somewhere. */
interface Found {
  readonly raw: unknown;
  readonly origin: Origin;
  readonly spot: Spot;
}

function readOption(name: OptionName, row: AnyOption, layers: Layers): ReadOption | undefined {
  const found =
    inArgument(name, row, layers) ?? inEnvironment(name, row, layers) ?? inFile(name, row, layers);
  if (found === 'refused') return undefined;
  const isDefault = found === undefined || (row.meansDefault !== undefined && found.raw === row.meansDefault);
  return isDefault ? readDefault(name, row, layers) : readRaw(row, found.raw, found.origin, found.spot);
}

function inArgument(
  name: OptionName,
  row: AnyOption,
  { given, report }: Layers,
): Found | 'refused' | undefined {
  const picked = pick(name, row, given, used => report.at(used, { hint: hintOf(row) }));
  if (picked === undefined || picked === 'refused') return picked;
  return { ...picked, origin: { from: 'argument', name: picked.used } };
}

function inEnvironment(name: OptionName, row: AnyOption, layers: Layers): Found | undefined {
  const { fromVariables } = row.kind;
  if (fromVariables === undefined) return inVariable(name, row, layers);
  const { sources, report } = layers;
  const raw = fromVariables.read(sources.env);
  if (raw === undefined) return undefined;
  const names = fromVariables.names.join(', ');
  const spot = report.at(name, { hint: hintOf(row), prefix: `from ${names}: ` });
  return { raw, origin: { from: 'environment', name: names }, spot };
}

function inVariable(name: OptionName, row: AnyOption, { sources, report }: Layers): Found | undefined {
  const variable = envNames(name, row).find(each => (sources.env[each] ?? '') !== '');
  if (variable === undefined) return undefined;
  const text = sources.env[variable] ?? '';
  return {
    raw: text === row.meansDefault ? text : row.kind.fromText?.(text),
    origin: { from: 'environment', name: variable },
    spot: report.at(name, { hint: hintOf(row), prefix: `from ${variable}: ` }),
  };
}

function inFile(name: OptionName, row: AnyOption, { file, report }: Layers): Found | 'refused' | undefined {
  if (file === undefined) return undefined;
  const picked = pick(name, row, file.given, used => spotInFile(used, file, used, report, hintOf(row)));
  if (picked === undefined || picked === 'refused') return picked;
  return { ...picked, origin: { from: 'file', path: file.path, name: picked.used } };
}

function refuseNesting(file: ConfigFile, report: Report): void {
  if (!file.given.has('configFile')) return;
  spotInFile('configFile', file, 'configFile', report).problem(
    'a config file cannot name another',
    'Give it in the argument or in ROCKETMQ_CONFIG_FILE.',
  );
}

interface Picked {
  /** The option's name, or an alias. */
  readonly used: string;
  readonly raw: unknown;
  readonly spot: Spot;
}

/** What is given under one of the option's names. Undefined counts as not given, so that `namesrvAddr: process.env.X` works. */
function pick(
  name: OptionName,
  row: AnyOption,
  given: Given,
  at: (used: string) => Spot,
): Picked | 'refused' | undefined {
  const [used, ...others] = [name, ...(row.aliases ?? [])].filter(each => given.get(each) !== undefined);
  if (used === undefined) return undefined;
  const raw = given.get(used);
  const spot = at(used);
  const other = others.find(each => !Object.is(given.get(each), raw));
  if (other === undefined) return { used, raw, spot };
  spot.problem(
    `${other} is another name of it, and both are given with different values`,
    `Keep ${name} only.`,
  );
  return 'refused';
}

function spotInFile(path: string, file: ConfigFile, key: string, report: Report, hint?: string): Spot {
  return report.at(path, { hint, prefix: `from ${file.placeOf(key)}: ` });
}

function readDefault(name: OptionName, row: AnyOption, layers: Layers): ReadOption | undefined {
  const { fallback } = row;
  const origin: Origin = { from: 'default' };
  const spot = layers.report.at(name);
  switch (fallback.kind) {
    case 'required':
      return layers.isFileLost ? undefined : spot.problem('it is missing', missingHint(name, row));
    case 'absent':
      return { value: undefined, origin };
    case 'fixed':
      return readRaw(row, fallback.value, origin, spot);
    case 'derived':
      return readRaw(row, fallback.from(layers.sources), origin, spot);
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
function readRaw(row: AnyOption, raw: unknown, origin: Origin, spot: Spot): ReadOption | undefined {
  try {
    const value = row.kind.read(raw, spot);
    return value === undefined ? undefined : { value, origin };
  } catch {
    return spot.problem(`${describeValue(raw)} cannot be read`);
  }
}

/** So many unknown names are listed one by one; a config with more is something else. */
const mostUnknown = 50;

/** Names of the original that nothing here answers to, with what to do instead. */
const withoutCounterpart: ReadonlyMap<string, string> = new Map([
  [
    'consumeThreadMin',
    'There are no threads to keep ready: consumeConcurrency is the most handlers at once.',
  ],
  ['enableAutoRecovery', 'Failed writes of offsets are always repeated: offsetStoreRetryTimes.'],
]);

function reportUnknown(given: Given, at: (shown: string, key: string) => Spot): void {
  const known = [...optionByAnyName.keys()];
  const unknown = [...given.keys()].filter(key => !optionByAnyName.has(key));
  for (const key of unknown.slice(0, mostUnknown)) {
    const meant = optionByAnyName.get(nearestName(key, known) ?? '');
    const near = meant === undefined ? 'docs/configuration.md lists them all.' : `Did you mean ${meant}?`;
    at(shorten(key), key).problem('there is no such option', withoutCounterpart.get(key) ?? near);
  }
  const rest = unknown.length - mostUnknown;
  if (rest > 0) at('config', '').problem(`there are ${rest} more unknown options`);
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
