// SPDX-License-Identifier: Apache-2.0
/** Writes src/config/consumer-config.ts: the option table as an interface, so that editors show each option's text. */
import { envNames, type Option } from '../../src/config/option.ts';
import { optionRows } from '../../src/config/read-options.ts';
import { defaultText, unitAndRange } from './option-words.ts';

type Row = Option<unknown, unknown>;

/** As in biome.json. */
const lineWidth = 110;

export function consumerConfigSource(): string {
  return `// SPDX-License-Identifier: Apache-2.0
/** What may a user write in a consumer config? Generated from the option table by \`npm run docs\`: change it there. */
${imports().join('\n')}

/**
 * The config of a consumer. What is not given here is taken from the environment, else from the configFile; else the default holds.
 * Durations are in ms, sizes in MiB. docs/configuration.md shows the same with more words.
 * @example createConsumerActor({ consumerGroup: 'billing', namesrvAddr: '127.0.0.1:9876', subscriptions, listener })
 */
export interface ConsumerConfig {
${optionRows.flatMap(([name, row]) => members(name, row)).join('\n')}
}
`;
}

function imports(): readonly string[] {
  const namesByFile = new Map<string, string[]>();
  for (const [, row] of optionRows) {
    for (const [name, file] of Object.entries(row.kind.typeImports ?? {})) {
      namesByFile.set(file, [...(namesByFile.get(file) ?? []), name]);
    }
  }
  const files = [...namesByFile.keys()].sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1));
  return files.map(
    file => `import type { ${(namesByFile.get(file) ?? []).toSorted().join(', ')} } from '${file}';`,
  );
}

/** Imports from farther away come first, as the formatter wants them. */
function rank(file: string): number {
  return file.startsWith('../') ? 0 : 1;
}

function members(name: string, row: Row): readonly string[] {
  const main = `${comment(name, row)}\n${member(name, row)}`;
  const others = (row.aliases ?? []).map(
    alias => `  /** Another name of {@link ConsumerConfig.${name}}. */\n${member(alias, row)}`,
  );
  return [main, ...others];
}

/** As the formatter writes it: a union that does not fit into the line gets one for each of its types. */
function member(name: string, { kind }: Row): string {
  const line = `  readonly ${name}?: ${kind.typeText} | undefined;`;
  if (line.length <= lineWidth) return line;
  const types = [...kind.typeText.split(' | '), 'undefined'].map(type => `\n    | ${type}`);
  return `  readonly ${name}?:${types.join('')};`;
}

function comment(name: string, row: Row): string {
  const unit = unitAndRange(row);
  const variables = envNames(name, row);
  const facts = [
    unit === undefined ? undefined : `Unit: ${unit}.`,
    `Default: ${defaultText(row)}.`,
    variables.length === 0 ? undefined : `Environment: ${variables.join(', ')}.`,
  ].filter(fact => fact !== undefined);
  return [
    '  /**',
    `   * ${row.text}`,
    `   * ${facts.join(' ')}`,
    `   * @example ${row.example}`,
    '   */',
  ].join('\n');
}
