// SPDX-License-Identifier: Apache-2.0
/** How does what the user wrote become a config that the rest of the code can trust? */
import { ConfigError } from '../errors/errors.ts';
import { checkOptions } from './check-options.ts';
import { describeValue, isArray } from './describe-value.ts';
import { optionTable } from './options.ts';
import { type Given, optionRows, type ReadOptions, readOptions } from './read-options.ts';
import { Report } from './report.ts';
import type { ResolvedConfig } from './resolved-config.ts';
import { type ConfigSources, systemSources } from './sources.ts';

/**
 * Checks a consumer config and fills in what is not given: argument before environment before file before default.
 * @throws ConfigError `RMQ_CONFIG_INVALID` with every problem at once; nothing else, whatever the input
 * @example parseConfig({ consumerGroup: 'billing', namesrvAddr: '127.0.0.1:9876' }, systemSources({ env: {} }))
 */
export function parseConfig(input: unknown, sources: ConfigSources = systemSources()): ResolvedConfig {
  const report = new Report();
  const given = copyFields(input, report);
  if (given === undefined) throw new ConfigError(report.problems);
  const options = checkOptions(readOptions(given, sources, report), sources, report);
  if (report.problems.length > 0) throw new ConfigError(report.problems);
  return resolve(options, report);
}

/** Own fields, each read once: what is hostile about an object must show here and not later. */
function copyFields(input: unknown, report: Report): Given | undefined {
  const spot = report.at('config');
  if (typeof input !== 'object' || input === null || isArray(input)) {
    return spot.problem(
      `${describeValue(input)} is not a config`,
      `Pass an object: { ${optionTable.consumerGroup.example}, ${optionTable.namesrvAddr.example} }.`,
    );
  }
  const given = new Map<string, unknown>();
  try {
    for (const name of Object.keys(input)) {
      given.set(name, Reflect.get(input, name));
    }
  } catch {
    return spot.problem('the object cannot be read');
  }
  return given;
}

function resolve(options: ReadOptions, report: Report): ResolvedConfig {
  const values = new Map<string, unknown>();
  const origins = new Map<string, unknown>();
  for (const [name, row] of optionRows) {
    const option = options.get(name);
    values.set(row.kind.unit === 'MiB' ? `${name}Bytes` : name, freeze(option?.value));
    origins.set(name, option?.origin);
  }
  const resolved = {
    ...Object.fromEntries(values),
    origins: Object.freeze(Object.fromEntries(origins)),
    warnings: Object.freeze(report.warnings),
  } as unknown as Omit<ResolvedConfig, 'clientId'>; // every row was read, or a ConfigError was thrown
  return Object.freeze({ ...resolved, clientId: clientIdOf(resolved) });
}

function freeze(value: unknown): unknown {
  return isArray(value) ? Object.freeze(value) : value;
}

/** Source: ClientConfig.buildMQClientId. */
function clientIdOf(config: Pick<ResolvedConfig, 'clientIp' | 'instanceName' | 'unitName'>): string {
  const unit = config.unitName === undefined ? '' : `@${config.unitName}`;
  return `${config.clientIp}@${config.instanceName}${unit}`;
}
