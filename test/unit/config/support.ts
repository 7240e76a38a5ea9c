// SPDX-License-Identifier: Apache-2.0
/** A config that is right, sources that answer the same each time, and the problems of one that is wrong. */
import { parseConfig } from '../../../src/config/parse-config.ts';
import type { ResolvedConfig } from '../../../src/config/resolved-config.ts';
import type { ConfigSources } from '../../../src/config/sources.ts';
import { ConfigError, type ConfigProblem } from '../../../src/errors/errors.ts';

export const now = Date.UTC(2026, 10, 22, 12, 0, 0);

export const fixedSources: ConfigSources = {
  env: {},
  readFile: () => {
    throw Object.assign(new Error('none'), { code: 'ENOENT' });
  },
  pid: 4711,
  random: () => 0x00c0ffee / 2 ** 32,
  wallNow: () => now,
  hostAddress: '10.1.2.3',
  hostName: 'host-1',
  homeDirectory: '/home/anna',
  constrainedMemory: 0,
};

export const least = { consumerGroup: 'billing', namesrvAddr: '127.0.0.1:9876' };

/** The least config with these fields. */
export function parse(fields: object = {}, sources: Partial<ConfigSources> = {}): ResolvedConfig {
  return parseConfig({ ...least, ...fields }, { ...fixedSources, ...sources });
}

/** What parseConfig finds wrong with exactly this input. */
export function problemsOfInput(
  input: unknown,
  sources: Partial<ConfigSources> = {},
): readonly ConfigProblem[] {
  try {
    parseConfig(input, { ...fixedSources, ...sources });
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

/** What is wrong with the least config when these fields are added. */
export function problemsOf(fields: object, sources: Partial<ConfigSources> = {}): readonly ConfigProblem[] {
  return problemsOfInput({ ...least, ...fields }, sources);
}
