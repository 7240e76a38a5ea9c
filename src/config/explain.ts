// SPDX-License-Identifier: Apache-2.0
/** Which value does each option have, and who set it? Secrets are never shown. */
import { problemLine } from '../errors/errors.ts';
import type { Option } from './option.ts';
import { optionRows } from './read-options.ts';
import type { OptionName, Origin, ResolvedConfig } from './resolved-config.ts';

/** One line of `explain`. */
export interface ExplainedOption {
  readonly option: OptionName;
  /** With its unit. */
  readonly value: string;
  /** `argument`, `environment ROCKETMQ_PULL_BATCH_SIZE`, `file billing.json`, `default`, … */
  readonly from: string;
}

/**
 * Every option in the order of the option table.
 * @example explainRows(parseConfig(input))[0]; // { option: 'consumerGroup', value: 'billing', from: 'argument' }
 */
export function explainRows(config: ResolvedConfig): readonly ExplainedOption[] {
  const values: Readonly<Record<string, unknown>> = { ...config };
  return optionRows.map(([option, row]) => ({
    option,
    value: showValue(row, values[row.kind.unit === 'MiB' ? `${option}Bytes` : option]),
    from: showOrigin(option, config.origins[option]),
  }));
}

/**
 * The same as an aligned text, the client id first and the warnings last.
 * @example console.log(explain(parseConfig(input)));
 */
export function explain(config: ResolvedConfig): string {
  const rows = explainRows(config);
  const nameWidth = Math.max(...rows.map(row => row.option.length));
  const valueWidth = Math.min(40, Math.max(...rows.map(row => row.value.length)));
  const lines = rows.map(
    row => `${row.option.padEnd(nameWidth)}  ${row.value.padEnd(valueWidth)}  ${row.from}`,
  );
  const warnings = config.warnings.map(each => `warning: ${problemLine(each)}`);
  return [`client id ${config.clientId}`, ...lines, ...warnings].join('\n');
}

/** Exported for its test: no option of this release is secret yet. */
export function showValue(
  row: Pick<Option<unknown, unknown>, 'kind' | 'fallback' | 'secret'>,
  value: unknown,
): string {
  if (value === undefined) return row.fallback.kind === 'absent' ? row.fallback.text : 'none';
  return row.secret === true ? '(secret)' : row.kind.show(value);
}

function showOrigin(option: OptionName, origin: Origin): string {
  switch (origin.from) {
    case 'argument':
      return origin.name === option ? 'argument' : `argument ${origin.name}`;
    case 'environment':
      return `environment ${origin.name}`;
    case 'file':
      return origin.name === option ? `file ${origin.path}` : `file ${origin.path} ${origin.name}`;
    case 'adjusted':
      return `lowered to fit ${origin.because}`;
    case 'default':
      return 'default';
  }
}
