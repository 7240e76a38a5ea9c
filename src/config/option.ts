// SPDX-License-Identifier: Apache-2.0
/** What is an option? One row of the option table, from which types, parser, environment reading, `explain` and docs follow. */
import type { Spot } from './report.ts';
import type { ConfigSources } from './sources.ts';

export type OptionGroup =
  | 'basic'
  | 'behaviour'
  | 'performance'
  | 'flow control'
  | 'offsets'
  | 'periods'
  | 'limits and logging';

/** What a number means. A size is given in MiB and resolved to bytes, under its name with `Bytes` behind it. */
export type Unit = 'none' | 'ms' | 'MiB' | 'bytes' | 'messages' | 'entries' | 'times' | 'handlers';

declare const inputType: unique symbol;

/** How a value is accepted, checked and shown. `In` is what the user writes, `Out` what the rest of the code reads. */
export interface Kind<In, Out, U extends Unit = Unit> {
  /** The accepted type as TypeScript writes it. */
  readonly typeText: string;
  /** Where the names in `typeText` come from. */
  readonly typeImports?: Readonly<Record<string, string>>;
  readonly unit: U;
  /** The accepted range in words, if there is one. */
  readonly range?: string;
  /** What goes in as it comes; undefined after saying at the spot why it is refused. Throws nothing of its own. */
  read(value: unknown, spot: Spot): Out | undefined;
  /** What `read` takes, out of an environment variable. Kinds without it cannot be set by the environment. */
  readonly fromText?: (text: string) => unknown;
  /** What `read` takes, out of several variables; undefined when none is set. In place of `fromText`. */
  readonly fromVariables?: {
    readonly names: readonly string[];
    read(env: ConfigSources['env']): unknown;
  };
  /** For `explain`. */
  show(value: Out): string;
  /** Never set: carries the input type. */
  readonly [inputType]?: In;
}

/** What every row says. */
interface OptionText<In, Out, U extends Unit, Alias extends string> {
  readonly group: OptionGroup;
  readonly kind: Kind<In, Out, U>;
  /** Other names for it in the argument: the original's, in camelCase. */
  readonly aliases?: readonly Alias[];
  /** Environment names beside the one made of the name, `ROCKETMQ_PULL_BATCH_SIZE` for pullBatchSize. */
  readonly env?: readonly string[];
  /** A text that stands for the default, as Java has it. */
  readonly meansDefault?: string;
  /** What it means, in a sentence or two. */
  readonly text: string;
  /** Shown with a refused value when its kind has nothing better to say. */
  readonly hint?: string;
  /** One line as it stands in a config. */
  readonly example: string;
  /** Its value is shown nowhere. */
  readonly secret?: true;
}

/** What holds when nobody sets it, in the user's form and unit. */
export type Fallback<In> =
  | { readonly kind: 'required' }
  | { readonly kind: 'absent'; readonly text: string }
  | { readonly kind: 'fixed'; readonly value: In }
  | { readonly kind: 'derived'; readonly text: string; readonly from: (sources: ConfigSources) => In };

export interface Option<In, Out, U extends Unit = Unit, Alias extends string = string>
  extends OptionText<In, Out, U, Alias> {
  readonly fallback: Fallback<In>;
}

/** A row whose value is always there. */
export function option<In, Out, U extends Unit, const Alias extends string = never>(
  row: OptionText<In, Out, U, Alias> & {
    readonly fallback: Exclude<Fallback<NoInfer<In>>, { kind: 'absent' }>;
  },
): Option<In, Out, U, Alias> {
  return row;
}

/** A row whose value may be missing. */
export function optional<In, Out, U extends Unit, const Alias extends string = never>(
  row: OptionText<In, Out, U, Alias> & { readonly absent: string },
): Option<In, Out | undefined, U, Alias> {
  const { absent, ...rest } = row;
  return { ...rest, fallback: { kind: 'absent', text: absent } } as Option<In, Out | undefined, U, Alias>; // show is never called for undefined
}

/** What the user may write for an option. */
export type InputOf<O> = O extends Option<infer In, infer _Out, Unit, string> ? In : never;
/** What the rest of the code reads of it. */
export type OutputOf<O> = O extends Option<infer _In, infer Out, Unit, string> ? Out : never;
export type AliasOf<O> = O extends Option<infer _In, infer _Out, Unit, infer Alias> ? Alias : never;
/** Sizes are resolved under a name that says bytes. */
export type ResolvedName<Name, O> = O extends { readonly kind: { readonly unit: infer U } }
  ? U extends 'MiB'
    ? `${Name & string}Bytes`
    : Name
  : never;

export const envPrefix = 'ROCKETMQ_';

/** `pullBatchSize` → `ROCKETMQ_PULL_BATCH_SIZE`, then those of its aliases and the row's own; none when its kind has no text form. */
export function envNames(
  name: string,
  row: Pick<Option<unknown, unknown>, 'kind' | 'env' | 'aliases'>,
): readonly string[] {
  if (row.kind.fromVariables !== undefined) return row.kind.fromVariables.names;
  if (row.kind.fromText === undefined) return [];
  const made = [name, ...(row.aliases ?? [])].map(
    each => `${envPrefix}${each.replace(/[A-Z]/g, '_$&').toUpperCase()}`,
  );
  return [...made, ...(row.env ?? [])];
}
