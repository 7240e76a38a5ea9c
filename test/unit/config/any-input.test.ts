// SPDX-License-Identifier: Apache-2.0
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { optionTable } from '../../../src/config/options.ts';
import { parseConfig } from '../../../src/config/parse-config.ts';
import { optionRows } from '../../../src/config/read-options.ts';
import { ConfigError } from '../../../src/errors/errors.ts';
import { fixedSources, least, problemsOf, problemsOfInput } from './support.ts';

const anything = fc.anything({
  withBigInt: true,
  withBoxedValues: true,
  withDate: true,
  withMap: true,
  withNullPrototype: true,
  withObjectString: true,
  withSet: true,
  withSparseArray: true,
  withTypedArray: true,
});

const names = [...Object.keys(optionTable), ...optionRows.flatMap(([, row]) => row.aliases ?? [])];

function parsesOrRefuses(input: unknown, env: Readonly<Record<string, string>> = {}): void {
  try {
    parseConfig(input, { ...fixedSources, env });
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    expect((error as ConfigError).problems.length).toBeGreaterThan(0); // an instance, says the line above
  }
}

function revoked(): object {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}

function throwing(): never {
  throw new RangeError('no');
}

describe('whatever is passed, the only error is a ConfigError', () => {
  it('for any value in place of a config', () => {
    fc.assert(
      fc.property(anything, input => parsesOrRefuses(input)),
      { numRuns: 500 },
    );
  });

  it('for any values of known options', () => {
    const fields = fc.dictionary(fc.constantFrom(...names), anything, { maxKeys: 8 });
    fc.assert(
      fc.property(fields, input => parsesOrRefuses({ ...least, ...input })),
      { numRuns: 1000 },
    );
  });

  it('for any subscriptions', () => {
    const subscription = fc.record(
      { topic: fc.oneof(fc.constant('orders'), anything), selector: anything, listener: anything },
      { requiredKeys: [] },
    );
    const list = fc.array(fc.oneof(subscription, anything), { maxLength: 4 });
    fc.assert(
      fc.property(list, subscriptions => parsesOrRefuses({ ...least, subscriptions })),
      { numRuns: 500 },
    );
  });

  it('for any text in the environment', () => {
    const variables = optionRows.map(([name]) => `ROCKETMQ_${name.replace(/[A-Z]/g, '_$&').toUpperCase()}`);
    const env = fc.dictionary(fc.constantFrom(...variables), fc.string(), { maxKeys: 8 });
    fc.assert(
      fc.property(env, given => parsesOrRefuses({}, given)),
      { numRuns: 1000 },
    );
  });

  it.each([
    ['a revoked proxy', revoked()],
    ['a getter that throws', Object.defineProperty({}, 'x', { enumerable: true, get: throwing })],
    ['a proxy whose traps throw', new Proxy({}, { ownKeys: throwing })],
  ])('for %s in place of a config', (_, input) => {
    expect(problemsOfInput(input)).toEqual([{ option: 'config', problem: 'the object cannot be read' }]);
  });

  it.each([
    ['a revoked proxy', revoked()],
    ['an array whose length throws', new Proxy([], { get: throwing })],
    ['an object that has no text', Object.create(null)],
    ['a symbol', Symbol('x')],
    ['a text of a million characters', 'x'.repeat(1_000_000)],
    ['a text of control characters', '\u0000\u001b[31m'],
  ])('for %s as the value of any option', (_, value) => {
    for (const name of names) {
      const problems = problemsOf({ [name]: value });
      expect(new Set(problems.map(each => each.option.split(/[.[]/)[0]))).toEqual(new Set([name]));
      expect(JSON.stringify(problems).length).toBeLessThan(1000);
      expect(problems[0]?.problem).not.toMatch(/\p{Cc}/u);
    }
  });

  it('for selectors and topics that cannot be read', () => {
    const hostile = Object.defineProperty({}, 'topic', { enumerable: true, get: throwing });
    expect(problemsOf({ subscriptions: [hostile] })).toMatchObject([{ option: 'subscriptions' }]);
  });

  it('for names that objects inherit', () => {
    const input: unknown = JSON.parse('{"__proto__": {"pullBatchSize": 1}, "constructor": 1, "toString": 2}');
    expect(problemsOfInput(input).map(each => each.option)).toEqual([
      '__proto__',
      'constructor',
      'toString',
      'consumerGroup',
      'namesrvAddr',
    ]);
  });
});
