// SPDX-License-Identifier: Apache-2.0
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { explainRows } from '../../../src/config/explain.ts';
import { placesOf } from '../../../src/config/json-places.ts';
import { parseConfig } from '../../../src/config/parse-config.ts';
import { type ConfigSources, systemSources } from '../../../src/config/sources.ts';
import { fixedSources, least, problemsOfInput } from './support.ts';

const path = 'billing.json';

function holding(text: string, env: ConfigSources['env'] = {}): ConfigSources {
  return { ...fixedSources, env, readFile: () => text };
}

function fromFile(file: object, input: object = {}, env: ConfigSources['env'] = {}) {
  return parseConfig({ configFile: path, ...input }, holding(JSON.stringify(file), env));
}

function problemsOfFile(text: string, input: object = {}) {
  return problemsOfInput({ configFile: path, ...input }, holding(text));
}

describe('a config file', () => {
  it('gives what neither argument nor environment give', () => {
    const file = { ...least, pullBatchSize: 1, consumeTimeout: 60_000, maxFrameSize: 4, consumeThreadMax: 3 };
    const env = { ROCKETMQ_CONSUME_TIMEOUT: '50000', ROCKETMQ_PULL_BATCH_SIZE: '2' };
    const config = fromFile(file, { pullBatchSize: 3 }, env);
    expect(config).toMatchObject({ pullBatchSize: 3, consumeTimeout: 50_000, consumeConcurrency: 3 });
    const rows = new Map(
      explainRows(config).map(({ option, value, from }) => [option, `${value} | ${from}`]),
    );
    expect(rows.get('configFile')).toBe('billing.json | argument');
    expect(rows.get('pullBatchSize')).toBe('3 | argument');
    expect(rows.get('consumeTimeout')).toBe('50000 ms | environment ROCKETMQ_CONSUME_TIMEOUT');
    expect(rows.get('maxFrameSize')).toBe('4 MiB | file billing.json');
    expect(rows.get('consumeConcurrency')).toBe('3 | file billing.json consumeThreadMax');
    expect(rows.get('startTimeout')).toBe('15000 ms | default');
  });

  it('is named by the environment where the argument names none', () => {
    const config = parseConfig({}, holding(JSON.stringify(least), { ROCKETMQ_CONFIG_FILE: '/etc/rmq.json' }));
    expect(config.origins.consumerGroup).toEqual({
      from: 'file',
      path: '/etc/rmq.json',
      name: 'consumerGroup',
    });
    expect(config.origins.configFile).toEqual({ from: 'environment', name: 'ROCKETMQ_CONFIG_FILE' });
  });

  it('may hold subscriptions with their selectors, and the mark some editors begin with', () => {
    const subscriptions = [{ topic: 'orders', selector: { type: 'TAG', expression: 'paid' } }];
    const text = `\uFEFF${JSON.stringify({ ...least, subscriptions, messageModel: 'BROADCASTING' })}`;
    expect(
      problemsOfInput({ configFile: path }, holding(text)), // a file holds no function
    ).toMatchObject([{ option: 'subscriptions[0].listener' }]);
  });

  it('is read from the disk, relative to where the process was started', () => {
    const folder = mkdtempSync(join(tmpdir(), 'config-'));
    const file = join(folder, 'rocketmq.json');
    writeFileSync(file, JSON.stringify({ ...least, pullBatchSize: 7 }));
    afterAll(() => rmSync(folder, { recursive: true, force: true }));
    expect(parseConfig({ configFile: file }, systemSources({ env: {} })).pullBatchSize).toBe(7);
    mkdirSync(join(folder, 'directory'));
    writeFileSync(join(folder, 'large'), Buffer.alloc(1024 * 1024 + 1, ' '));
    for (const [name, problem] of [
      ['none.json', 'there is no such file'],
      ['directory', 'it is a directory'],
      ['large', 'it has more than 1048576 bytes'],
    ] as const) {
      const sources = systemSources({ env: {} });
      expect(() => parseConfig({ configFile: join(folder, name) }, sources)).toThrow(problem);
    }
    expect(() => parseConfig({ configFile: '/dev/zero' }, systemSources({ env: {} }))).toThrow(
      'it is no regular file',
    );
  });
});

describe('what is wrong with a config file is said with its name and line', () => {
  it('for values, unknown names and repeated ones, all at once', () => {
    const text = `{
  "consumerGroup": "billing",
  "namesrvAddr": "127.0.0.1:9876",
  "pullBatchSize": "many",
  "pullBatchsize": 3,
  "configFile": "other.json",
  "consumeTimeout": 30,
  "consumeTimeout": 60000
}`;
    expect(problemsOfFile(text)).toEqual([
      {
        option: 'configFile',
        problem: "'billing.json': 'consumeTimeout' is there twice, again in line 8",
        hint: 'Keep one.',
      },
      {
        option: 'pullBatchsize',
        problem: 'from billing.json:5: there is no such option',
        hint: 'Did you mean pullBatchSize?',
      },
      {
        option: 'configFile',
        problem: 'from billing.json:6: a config file cannot name another',
        hint: 'Give it in the argument or in ROCKETMQ_CONFIG_FILE.',
      },
      {
        option: 'pullBatchSize',
        problem: "from billing.json:4: 'many' is not a number",
        hint: expect.stringContaining('pullBatchSize'),
      },
    ]);
  });

  it('for name and alias that differ', () => {
    expect(problemsOfFile('{"consumeConcurrency": 1,\n"consumeThreadMax": 2}', { ...least })).toMatchObject([
      { problem: expect.stringMatching(/^from billing.json:1: consumeThreadMax is another name/) },
    ]);
  });

  it.each([
    ['', 1, 1],
    ['{', 1, 2],
    ['{"a": 1,}', 1, 9],
    ['{"a": 1,\n // why\n "b": 2}', 2, 2],
    ["{'a': 1}", 1, 2],
    ['{"a": [1, 2}', 1, 12],
    ['{"a": tru}', 1, 7],
    ['{"a": 01}', 1, 8],
    ['{"a": 1} {', 1, 10],
    ['{"a": "\n"}', 1, 7],
  ])('for %j, which is not JSON', (text, line, column) => {
    expect(problemsOfFile(text)).toEqual([
      {
        option: 'configFile',
        problem: `'billing.json' is not JSON: line ${line}, column ${column}`,
        hint: expect.stringContaining('Write one object'),
      },
    ]);
  });

  it.each(['[]', '3', 'null', '"consumerGroup"'])('for %s, which is no object', text => {
    expect(problemsOfFile(text)).toMatchObject([{ option: 'configFile', hint: 'Write one object: { … }.' }]);
  });

  it('and never with the text around it, which may be secret', () => {
    expect(JSON.stringify(problemsOfFile('{"secretKey": "hunter2", x}'))).not.toContain('hunter2');
    expect(JSON.stringify(problemsOfFile('{"secretKey": "hunter2"}'))).not.toContain('hunter2');
  });
});

describe('reading places', () => {
  it('agrees with the parser about every text that is JSON', () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 4 }), text => {
        const value: unknown = JSON.parse(text);
        const { lines } = placesOf(text);
        const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
        expect(new Set(lines.keys())).toEqual(new Set(isObject ? Object.keys(value) : []));
      }),
    );
  });

  it('ends for any text, and any depth', () => {
    fc.assert(fc.property(fc.string(), text => placesOf(text).stuckAt.line >= 1));
    expect(placesOf('['.repeat(500_000)).stuckAt.column).toBe(500_001);
  });
});

describe('a config with six mistakes', () => {
  it('lists all six, each with a hint', () => {
    const input = {
      consumerGroup: 'bill ing',
      namesrvAddr: '127.0.0.1',
      pullBatchsize: 16,
      consumeTimeout: 30,
      messageModel: 'broadcasting',
      maxFrameSize: 16_777_216,
    };
    const problems = problemsOfInput(input);
    expect(problems.map(({ option }) => option).toSorted()).toEqual(Object.keys(input).toSorted());
    expect(Object.fromEntries(problems.map(({ option, hint }) => [option, hint]))).toEqual({
      consumerGroup: "Allowed are letters, digits, and the characters % | _ -, for example 'orders-paid'.",
      namesrvAddr: expect.stringContaining(':9876'),
      pullBatchsize: 'Did you mean pullBatchSize?',
      consumeTimeout: 'Durations are in ms: 30 s is 30000.',
      messageModel: "Write 'BROADCASTING'.",
      maxFrameSize: 'Sizes are in MiB: 16777216 bytes is 16.',
    });
  });
});
