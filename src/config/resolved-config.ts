// SPDX-License-Identifier: Apache-2.0
/** What does the rest of the code read of a config? Every option with its value, checked and in one unit. */
import type { ConfigProblem } from '../errors/errors.ts';
import type { AliasOf, InputOf, OutputOf, ResolvedName } from './option.ts';
import type { optionTable } from './options.ts';

type Table = typeof optionTable;
/** The name of an option, as in docs/configuration.md. */
export type OptionName = keyof Table;

/** The options as the user writes them: the type {@link ConsumerConfig} is generated from and checked against. */
export type OptionInputs = {
  readonly [N in OptionName]?: InputOf<Table[N]> | undefined;
} & {
  readonly [N in OptionName as AliasOf<Table[N]>]?: InputOf<Table[N]> | undefined;
};

/** The value of every option: durations in ms; sizes in bytes, under the option's name with `Bytes` behind it. */
export type ResolvedOptions = {
  readonly [N in OptionName as ResolvedName<N, Table[N]>]: OutputOf<Table[N]>;
};

/** Where a value came from. */
export type Origin =
  | {
      readonly from: 'argument' /** The name used there: the option's, or an alias. */;
      readonly name: string;
    }
  | { readonly from: 'environment' /** The variable. */; readonly name: string }
  | {
      readonly from: 'file';
      /** As it was given in configFile. */
      readonly path: string;
      /** The name used there: the option's, or an alias. */
      readonly name: string;
    }
  | { readonly from: 'default' }
  /** Changed to fit another option, named by `because`. */
  | { readonly from: 'adjusted'; readonly because: OptionName };

/** Made by parseConfig; frozen. */
export interface ResolvedConfig extends ResolvedOptions {
  /** `<clientIp>@<instanceName>`, and `@<unitName>` behind it if there is one. */
  readonly clientId: string;
  /** What is legal but odd. */
  readonly warnings: readonly ConfigProblem[];
  /** For `explain`. */
  readonly origins: Readonly<Record<OptionName, Origin>>;
}
