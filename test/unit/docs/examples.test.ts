// SPDX-License-Identifier: Apache-2.0
/** Does the code of the pages compile, as strictly as our own? docs/testing.md has a test of its own. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { expect, it } from 'vitest';
import * as library from '../../../src/index.ts';

const root = join(import.meta.dirname, '../../..');
const pages = [
  'README.md',
  ...readdirSync(join(root, 'docs'))
    .filter(name => name.endsWith('.md') && name !== 'testing.md')
    .map(name => `docs/${name}`),
];

/** What an example speaks of without making it. */
const standIns = `
import type * as fs from 'node:fs';
import type * as library from 'rocketmq-actors';
declare global {
  const actor: library.ConsumerActor;
  const consumer: library.Consumer;
  const queue: library.MessageQueue;
  const config: { readonly consumerGroup: string; readonly subscriptions: readonly library.SubscriptionConfig[] };
  const consumerGroup: string, clientId: string;
  const clientIds: readonly string[], queues: readonly library.MessageQueue[];
  const writeBehind: { flush(queues: readonly library.MessageQueue[], options?: object): Promise<void> };
  const flush: (queues: readonly library.MessageQueue[]) => Promise<void>;
  const book: (what: unknown) => Promise<void>, apply: typeof book, alarm: typeof book, note: typeof book;
  const startAgainLater: () => void;
  const vault: { read(name: string): Promise<library.Credentials> };
  const listener: library.Listener;
  const readFileSync: typeof fs.readFileSync;
  const table: {
    offsetOf(queue: library.MessageQueue): Promise<number | undefined>;
    save(positions: readonly library.StoredOffset[]): Promise<void>;
  };
  class ValidationError extends Error {}
}`;

interface Block {
  readonly name: string;
  readonly code: string;
}

function blocksOf(page: string): readonly Block[] {
  const text = readFileSync(join(root, page), 'utf8');
  return [...text.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, code = ''], i) => ({
    name: `${page} block ${i + 1}`,
    code: /^\w+: /.test(code) ? `createConsumerActor({ ...config, ${code} });` : code,
  }));
}

/** `…` stands for the rest of a config, or for any answer; names of the library need no import. */
function withImports(code: string): string {
  const whole = code.replaceAll('…,', '...config,').replaceAll('…', 'undefined');
  const names = [...Object.keys(library), 'startEmbeddedCluster', 'TestClock'].filter(
    name => new RegExp(`\\b${name}\\b`).test(whole) && !/^import /m.test(whole),
  );
  const from = (module: string, isMeant: (name: string) => boolean): string =>
    `import { ${names.filter(isMeant).join(', ')} } from '${module}';\n`;
  return `${from('rocketmq-actors', name => name in library)}${from('rocketmq-actors/testing', name => !(name in library))}${whole}`;
}

/** The complaints of the compiler about files that are not there but for it. */
function complaints(files: ReadonlyMap<string, string>): readonly string[] {
  const { config } = ts.readConfigFile(join(root, 'tsconfig.json'), path => readFileSync(path, 'utf8'));
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, root);
  const paths = {
    'rocketmq-actors': [join(root, 'src/index.ts')],
    'rocketmq-actors/testing': [join(root, 'src/testing/index.ts')],
    'rocketmq-actors/inspect': [join(root, 'src/inspect/index.ts')],
  };
  const all = { ...options, paths, noUnusedLocals: false, noUnusedParameters: false };
  const host = ts.createCompilerHost(all);
  const { readFile, fileExists } = host;
  host.readFile = path => files.get(path) ?? readFile(path);
  host.fileExists = path => files.has(path) || fileExists(path);
  const program = ts.createProgram({ rootNames: [...files.keys()], options: all, host });
  return [...files.keys()].flatMap(path => {
    const source = program.getSourceFile(path);
    const found = [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)];
    return found.map(({ messageText, start = 0 }) => {
      const line = source?.text.slice(source.text.lastIndexOf('\n', start) + 1).split('\n', 1)[0];
      return `${path.slice(root.length + 1)}: ${ts.flattenDiagnosticMessageText(messageText, ' ')} | ${line}`;
    });
  });
}

it('every example compiles', { timeout: 60_000 }, () => {
  const blocks = pages.flatMap(blocksOf);
  const files = new Map(blocks.map(({ name, code }) => [join(root, `${name}.ts`), withImports(code)]));
  expect(complaints(new Map([...files, [join(root, 'stand-ins.ts'), standIns]]))).toEqual([]);
  const examined = new Set(blocks.map(({ name }) => name.split(' ', 1)[0]));
  for (const page of ['README.md', 'docs/retry.md', 'docs/control.md', 'docs/configuration.md'])
    expect(examined).toContain(page);
});

it('what does not compile is found', { timeout: 60_000 }, () => {
  const wrong = new Map([[join(root, 'wrong.ts'), withImports("createConsumer({ consumerGrop: 'a' });")]]);
  expect(complaints(wrong)).toEqual([expect.stringContaining('consumerGrop')]);
});
