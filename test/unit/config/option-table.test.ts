// SPDX-License-Identifier: Apache-2.0
import { describe, expect, expectTypeOf, it } from 'vitest';
import { outdatedFiles } from '../../../scripts/docs.ts';
import type { ConsumerConfig } from '../../../src/config/consumer-config.ts';
import { envNames } from '../../../src/config/option.ts';
import { optionRows } from '../../../src/config/read-options.ts';
import type { OptionInputs, ResolvedConfig } from '../../../src/config/resolved-config.ts';

describe('every row of the option table', () => {
  it.each(optionRows)('%s has a sentence, and an example that starts with its name', (name, row) => {
    expect(row.text).toMatch(/^\S.*[.]$/);
    expect(row.example).toMatch(new RegExp(`^${name}: \\S`));
  });

  it('has names, aliases and variables that no other row has', () => {
    const names = optionRows.flatMap(([name, row]) => [name, ...(row.aliases ?? [])]);
    const variables = optionRows.flatMap(([name, row]) => envNames(name, row));
    expect(new Set(names).size).toBe(names.length);
    expect(new Set(variables).size).toBe(variables.length);
  });

  it('has a variable made of its name, unless its value has no text form', () => {
    const without = optionRows
      .filter(([name, row]) => envNames(name, row).length === 0)
      .map(([name]) => name);
    expect(without).toEqual([
      'mapBrokerAddress',
      'subscriptions',
      'listener',
      'onQueuesRevoked',
      'consumeHooks',
      'retryPolicy',
      'offsetStore',
    ]);
    expect(optionRows.flatMap(([name, row]) => envNames(name, row))).toContain(
      'ROCKETMQ_CONSUMER_TIMEOUT_MILLIS_WHEN_SUSPEND',
    );
  });
});

describe('what follows from the table', () => {
  it('is written down as it stands: otherwise run npm run docs', () => {
    expect(outdatedFiles()).toEqual([]);
  });

  // Checked by tsc: the generated interface and the types computed from the table are the same.
  it('has the same types in ConsumerConfig as in the table', () => {
    expectTypeOf<{ [K in keyof ConsumerConfig]: ConsumerConfig[K] }>().toEqualTypeOf<{
      [K in keyof OptionInputs]: OptionInputs[K];
    }>();
    expectTypeOf<ResolvedConfig['namesrvAddr']>().toEqualTypeOf<readonly string[]>();
    expectTypeOf<ResolvedConfig['maxFrameSizeBytes']>().toEqualTypeOf<number>();
    expectTypeOf<ResolvedConfig['unitName']>().toEqualTypeOf<string | undefined>();
    expectTypeOf<ResolvedConfig>().not.toHaveProperty('maxFrameSize');
  });
});
