// SPDX-License-Identifier: Apache-2.0
/** Does a piece of code compile against the library, as strictly as our own? All pieces are one program. */
import { join } from 'node:path';
import ts from 'typescript';
import * as library from '../../../../src/index.ts';
import * as inspect from '../../../../src/inspect/index.ts';
import * as machines from '../../../../src/machines/index.ts';
import * as testing from '../../../../src/testing/index.ts';
import { compilerOptions, root } from './surface.ts';

/** What an example speaks of without making it. */
const standIns = `
import type * as fs from 'node:fs';
import type * as files from 'node:fs/promises';
import type * as xstate from 'xstate';
import type { strict } from 'node:assert';
import type * as library from 'rocketmq-actors';
import type { EmbeddedCluster } from 'rocketmq-actors/testing';
declare global {
  const actor: library.ConsumerActor;
  const consumer: library.Consumer;
  const producer: library.Producer;
  const queue: library.MessageQueue;
  const error: unknown;
  const config: {
    readonly consumerGroup: string;
    readonly namesrvAddr: string;
    readonly subscriptions: readonly library.SubscriptionConfig[];
  };
  const subscriptions: readonly library.SubscriptionConfig[];
  const input: library.ConsumerConfig;
  const consumerGroup: string, clientId: string, storePath: string;
  const clientIds: readonly string[], queues: readonly library.MessageQueue[];
  const writeBehind: { flush(queues: readonly library.MessageQueue[], options?: object): Promise<void> };
  const flush: (queues: readonly library.MessageQueue[]) => Promise<void>;
  const book: (what: unknown) => Promise<boolean>, bookAll: typeof book, apply: typeof book, applyInOrder: typeof book;
  const alarm: (...what: readonly unknown[]) => Promise<void>, note: typeof alarm;
  const startAgainLater: () => void, scheduleAgain: () => void, waitForTheBroker: () => void;
  const vault: { read(name: string): Promise<library.Credentials> };
  const histogram: { record(ms: number, labels: object): void };
  const order: { readonly id: string };
  const listener: library.Listener;
  const ca: string;
  const readFileSync: typeof fs.readFileSync, readFile: typeof files.readFile;
  const assert: typeof strict;
  const createActor: typeof xstate.createActor, machine: xstate.AnyStateMachine;
  const table: {
    offsetOf(queue: library.MessageQueue): Promise<number | undefined>;
    save(positions: readonly library.StoredOffset[]): Promise<void>;
  };
  const db: {
    offsetOf(topic: string, brokerName: string, queueId: number): Promise<number | undefined>;
    saveAll(positions: readonly library.StoredOffset[]): Promise<void>;
  };
  const owner: library.OffsetOwner, port: library.RemoteOffsetPort, clock: library.Clock;
  const line: library.CommitLine, start: Parameters<library.CommitLine['reset']>[0];
  const messages: library.MessageBatch, context: library.ConsumeContext;
  const cluster: EmbeddedCluster;
  class ValidationError extends Error {}
}`;

const modules = {
  'rocketmq-actors': { file: 'src/index.ts', names: Object.keys(library) },
  'rocketmq-actors/machines': { file: 'src/machines/index.ts', names: Object.keys(machines) },
  'rocketmq-actors/testing': { file: 'src/testing/index.ts', names: Object.keys(testing) },
  'rocketmq-actors/inspect': { file: 'src/inspect/index.ts', names: Object.keys(inspect) },
} as const;

/**
 * The code as a file: `…` stands for the rest of a config, or for any answer; a line such as `tls: true` is one of a config;
 * names of the library need no import, and types of it (`types`) neither.
 */
export function asModule(code: string, types: readonly string[] = []): string {
  const line = /^\w+: /.test(code) ? `createConsumerActor({ ...config, ${code}\n});` : code;
  const whole = line.replaceAll('…,', '...config,').replaceAll('…', 'undefined');
  if (/^import /m.test(whole)) return whole;
  const isMeant = (name: string): boolean =>
    new RegExp(`\\b${name}\\b`).test(whole) && !new RegExp(`\\b(const|let|class) ${name}\\b`).test(whole);
  const imports = Object.entries(modules).map(
    ([module, { names }]) => `import { ${names.filter(isMeant).join(', ')} } from '${module}';`,
  );
  const typeImport = `import type { ${types.filter(isMeant).join(', ')} } from 'rocketmq-actors';`;
  return [...imports, typeImport, 'export {};', whole].join('\n');
}

/** The complaints of the compiler about files (path within the repository to text) that are not there but for it. */
export function complaints(code: ReadonlyMap<string, string>): readonly string[] {
  const files = new Map(
    [...code, ['stand-ins.ts', standIns] as const].map(([name, text]) => [join(root, name), text]),
  );
  const paths = Object.fromEntries(
    Object.entries(modules).map(([module, { file }]) => [module, [join(root, file)]]),
  );
  const options = { ...compilerOptions, paths, noUnusedLocals: false, noUnusedParameters: false };
  const host = ts.createCompilerHost(options);
  const { readFile, fileExists } = host;
  host.readFile = path => files.get(path) ?? readFile(path);
  host.fileExists = path => files.has(path) || fileExists(path);
  const program = ts.createProgram({ rootNames: [...files.keys()], options, host });
  return [...files.keys()].flatMap(path => {
    const source = program.getSourceFile(path);
    const found = [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)];
    return found.map(({ messageText, start = 0 }) => {
      const line = source?.text.slice(source.text.lastIndexOf('\n', start) + 1).split('\n', 1)[0];
      return `${path.slice(root.length + 1)}: ${ts.flattenDiagnosticMessageText(messageText, ' ')} | ${line}`;
    });
  });
}
