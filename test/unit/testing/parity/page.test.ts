// SPDX-License-Identifier: Apache-2.0
// Is the page "Coming from pyrocketmq" true: does each name exist here, and does a test use it and look at what comes of it?
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';
import { optionRows } from '../../../../src/config/read-options.ts';
import { groupOf } from '../../../../src/errors/error-groups.ts';
import { type ErrorCode, errorTable } from '../../../../src/errors/error-table.ts';
import * as entry from '../../../../src/index.ts';

const root = join(import.meta.dirname, '../../../..');
const read = (path: string): string => readFileSync(join(root, path), 'utf8');

const page = read('docs/coming-from-pyrocketmq.md');
const index = read('src/index.ts');
const originals: unknown = JSON.parse(read('test/fixtures/pyrocketmq-names.json'));
const events = read('src/machines/consumer/consumer.types.ts');

/** Of what stands before the dot: where its members are declared. */
const declared: Readonly<Record<string, string>> = {
  consumer: read('src/consumer/consumer.ts'),
  store: read('src/create-offset-store.ts'),
  metrics: read('src/stores/offset-store.ts'),
  SubscriptionManager:
    read('src/subscriptions/subscription-manager.ts') + read('src/subscriptions/subscription-table.ts'),
  ConsumeFromWhereManager: read('src/consume-from-where-manager.ts'),
};

const codeIn = (cell: string): readonly string[] =>
  Array.from(cell.matchAll(/`([^`]+)`/g), ([, name = '']) => name);

const rows = page
  .split('\n')
  .filter(line => line.startsWith('| `'))
  .map(line => line.split('|').slice(1, -1))
  .map(([theirs = '', ours = '']) => ({ theirs: codeIn(theirs), ours: codeIn(ours.split(';')[0] ?? '') }));

/** What stands where a name is mapped to nothing. */
const nothing = ['await', 'try'];
const ours = [...new Set(rows.flatMap(row => row.ours))].filter(name => !nothing.includes(name));

const isOption = (name: string): boolean =>
  optionRows.some(([option, { aliases = [] }]) => option === name || aliases.includes(name));

function exists(name: string): boolean {
  const [owner = '', member] = name.split('.');
  if (events.includes(`type: '${name}'`)) return true;
  if (member !== undefined) {
    const text = declared[owner];
    return (
      text !== undefined &&
      new RegExp(`^  (override |readonly |get |async )*${member}\\??[(:<]`, 'm').test(text)
    );
  }
  return name in entry || name in errorTable || isOption(name) || new RegExp(`\\b${name}\\b`).test(index);
}

interface NamedTest {
  readonly names: readonly string[];
  /** What it does, its title left out. */
  readonly body: string;
}

/** The tests beside this one. Before the colon of a title stand the names it is about. */
const namedTests: readonly NamedTest[] = readdirSync(import.meta.dirname)
  .filter(file => file.endsWith('.test.ts') && file !== 'page.test.ts')
  .flatMap(file => {
    const path = join(import.meta.dirname, file);
    const source = ts.createSourceFile(path, readFileSync(path, 'utf8'), ts.ScriptTarget.ES2023);
    return source.statements.flatMap(statement => {
      const call = ts.isExpressionStatement(statement) ? statement.expression : undefined;
      if (call === undefined || !ts.isCallExpression(call) || call.expression.getText(source) !== 'it')
        return [];
      const [title, body] = call.arguments;
      if (title === undefined || body === undefined || !ts.isStringLiteralLike(title)) return [];
      const names = title.text.split(': ', 1)[0]?.split(', ') ?? [];
      return [{ names, body: withoutComments(`${body.getText(source)}\n${helpersOf(source, body)}`) }];
    });
  });

/** Functions of the file that the test calls by name: they belong to it. */
function helpersOf(source: ts.SourceFile, body: ts.Node): string {
  const text = body.getText(source);
  return source.statements
    .filter(ts.isFunctionDeclaration)
    .filter(({ name }) => name !== undefined && new RegExp(`\\b${name.text}\\(`).test(text))
    .map(each => each.getText(source))
    .join('\n');
}

function withoutComments(text: string): string {
  return text.replaceAll(/\/\*[\s\S]*?\*\/|(?<!:)\/\/.*$/gm, '');
}

const lastOf = (name: string): string =>
  declared[name.split('.')[0] ?? ''] === undefined ? name : (name.split('.')[1] ?? name);

describe('the page "Coming from pyrocketmq"', () => {
  it('has every name of the original', () => {
    const names = (originals as { readonly names: readonly string[] }).names; // written beside this test
    const told = new Set(rows.flatMap(({ theirs }) => theirs));
    expect(names.length).toBeGreaterThan(150);
    expect(names.filter(name => !told.has(name))).toEqual([]);
  });

  it('names nothing of ours that does not exist', () => {
    expect(ours.length).toBeGreaterThan(90);
    expect(ours.filter(name => !exists(name))).toEqual([]);
    expect(exists('consumer.fly')).toBe(false);
    expect(exists('createNothing')).toBe(false);
  });

  it('has for each of ours a test that is named after it, or for options a row of the table of effects', () => {
    const named = new Set(namedTests.flatMap(({ names }) => names));
    const untested = ours.filter(name => !named.has(name) && !isOption(name));
    expect(untested).toEqual([]);
    expect([...named].filter(name => !ours.includes(name))).toEqual([]);
  });

  it('is shown by tests that use what they are named after', () => {
    expect(namedTests.length).toBeGreaterThan(40);
    const idle = namedTests.flatMap(({ names, body }) =>
      names.filter(name => !new RegExp(`\\b${lastOf(name).replace('.', '\\.')}\\b`).test(body)),
    );
    expect(idle).toEqual([]);
    expect(namedTests.filter(({ body }) => !body.includes('expect(')).map(({ names }) => names)).toEqual([]);
  });

  it("has for each of the original's 16 kinds of error a code of that kind", () => {
    const codes = ours.filter((name): name is ErrorCode => name in errorTable);
    expect(new Set([...codes.map(groupOf), 'unsubscribe'])).toEqual(
      new Set(['unsubscribe', ...Object.keys(entry.errorTable).map(code => groupOf(code as ErrorCode))]), // its keys
    );
  });
});
